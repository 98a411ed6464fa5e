"""A feature group's Iceberg table: its shape, its files, and changes although others write."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.table import Table

from sfs_core import FeatureDefinition, FeatureGroup
from sfs_plugins.iceberg.changing import append, delete_days
from sfs_plugins.iceberg.errors import OutsideFolder
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import live_files
from sfs_plugins.iceberg.tables import add_features, make_table, open_table
from tests.iceberg.conftest import Pointer, Seen, objects, rows

ONE, TWO, NEXT_DAY = "2025-06-01T01:00:00Z", "2025-06-01T02:00:00.5Z", "2025-06-02T01:00:00Z"


def test_a_table_has_the_features_the_services_columns_and_a_partition_a_day(table: Table, group: FeatureGroup):
    assert [(field.name, str(field.field_type), field.required) for field in table.schema().fields] == [
        ("id", "string", False),
        ("at", "string", False),
        ("city-name", "string", False),
        ("items", "long", False),
        ("amount", "double", False),
        ("write_time", "timestamptz", False),
        ("api_invocation_time", "timestamptz", False),
        ("is_deleted", "boolean", False),
    ]
    assert [(field.name, str(field.transform)) for field in table.spec().fields] == [("at_trunc", "truncate[10]")]
    assert table.format_version == 2
    assert group.offline is not None
    assert f"{table.location()}/" == group.offline.root


def test_a_partition_does_not_take_the_name_of_a_feature(group: FeatureGroup, pointer: Pointer, files: FolderIO):
    wider = replace(group, features=(*group.features, FeatureDefinition.parse("at_trunc:String")))

    table = make_table(wider, pointer, files)

    assert [field.name for field in table.spec().fields] == ["at_trunc_"]


def test_records_are_kept_by_day_in_the_layout_of_the_service(table: Table, seen: Seen, tmp_path: Path):
    append(table, "at", rows(("1", NEXT_DAY), ("2", TWO), ("1", ONE)))

    first, second = live_files(table, tmp_path)
    assert seen(table) == [("2", TWO), ("1", ONE), ("1", NEXT_DAY)]
    assert (first.records, second.records) == (2, 1)
    inside = first.location.removeprefix(table.location())
    assert re.fullmatch(r"/data/[0-9a-f]{8}/at_trunc=2025-06-01/20250601T020000Z_[0-9a-z]{16}\.parquet", inside)


def test_another_client_reads_the_same_records(table: Table):
    append(table, "at", rows(("1", ONE), ("2", NEXT_DAY)))

    found = table.scan(row_filter="at >= '2025-06-02'").to_arrow()

    assert found.column("id").to_pylist() == ["2"]


def test_writing_the_same_again_after_a_kill_gives_the_same_files(table: Table, files: FolderIO):
    from sfs_plugins.iceberg.changing import written

    written(table, "at", [rows(("1", ONE), ("2", NEXT_DAY))], seed="7")
    append(table, "at", rows(("1", ONE), ("2", NEXT_DAY)), seed="7")

    assert len(objects(files)) == 2


def test_what_is_appended_while_others_commit_is_there_once(
    table: Table, pointer: Pointer, files: FolderIO, seen: Seen
):
    pointer.before_swap = lambda: append(open_table(pointer, files), "at", rows(("other", ONE)))

    append(table, "at", rows(("1", ONE)))

    assert sorted(seen(table)) == [("1", ONE), ("other", ONE)]


def test_days_are_deleted_without_reading_them(table: Table, seen: Seen, files: FolderIO):
    append(table, "at", rows(("1", ONE), ("2", NEXT_DAY), ("3", "2025-06-11T00:00:00Z")))
    append(table, "at", rows(("4", TWO)))
    before = objects(files)

    gone = delete_days(table, "at", ["2025-06-01", "2025-06-03"])

    assert gone == 2
    assert seen(table) == [("2", NEXT_DAY), ("3", "2025-06-11T00:00:00Z")]
    assert objects(files) == before


def test_what_others_append_while_their_day_is_deleted_goes_too(
    table: Table, pointer: Pointer, files: FolderIO, seen: Seen
):
    append(table, "at", rows(("1", ONE)))
    pointer.before_swap = lambda: append(open_table(pointer, files), "at", rows(("other", ONE)))

    delete_days(table, "at", ["2025-06-01"])

    assert seen(table) == []


def test_a_feature_that_the_group_gained_is_a_column_at_the_end(table: Table, group: FeatureGroup, seen: Seen):
    append(table, "at", rows(("1", ONE)))
    wider = replace(group, features=(*group.features, FeatureDefinition.parse("colour:String")))

    add_features(table, wider)
    append(table, "at", rows(("2", ONE)).append_column("colour", [["red"]]))

    assert table.schema().column_names[-1] == "colour"
    assert table.scan().to_arrow().sort_by("id").column("colour").to_pylist() == [None, "red"]
    assert add_features(table, wider).metadata_location == table.metadata_location


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "/etc/passwd", "s3://bucket", "s3://bucket/", "s3://bucket/../../secret",
        "s3://bucket//a", "s3://../a", "s3://bucket/a\\b", "s3://bucket/link/a", "s3://bucket/a.link",
    ],
)  # fmt: skip
def test_what_is_no_object_of_the_folder_is_neither_read_nor_written(files: FolderIO, location: str, tmp_path: Path):
    bucket = files.folder / "s3" / "bucket"
    bucket.mkdir(parents=True)
    (bucket / "link").symlink_to(tmp_path)
    (bucket / "a.link").symlink_to(tmp_path / "a")

    for act in (files.new_input, files.new_output, files.delete):
        with pytest.raises(OutsideFolder):
            act(location)


def test_a_file_that_is_not_written_to_its_end_is_not_there(files: FolderIO):
    with pytest.raises(ZeroDivisionError), files.new_output("s3://bucket/a").create() as out:
        out.write(b"half")
        raise ZeroDivisionError

    left_open = files.new_output("s3://bucket/b").create()
    left_open.write(b"half")
    del left_open

    assert [path for path in files.folder.rglob("*") if path.is_file()] == []
