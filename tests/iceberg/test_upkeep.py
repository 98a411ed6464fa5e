"""Compaction, snapshots that reach their age, and files that nothing refers to: what is removed, and what never is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pyiceberg.table import Table

from sfs_plugins.iceberg.changing import append, delete_days, written
from sfs_plugins.iceberg.compaction import compact
from sfs_plugins.iceberg.errors import DamagedTable, OutsideFolder
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import live_days, live_files
from sfs_plugins.iceberg.tables import open_table
from sfs_plugins.iceberg.upkeep import expire, remove_orphans
from tests.iceberg.conftest import Pointer, Seen, objects, rows
from tests.iceberg.test_reading import hide

ONE, TWO, THREE = (f"2025-06-01T0{hour}:00:00Z" for hour in (1, 2, 3))
NEXT_DAY = "2025-06-02T01:00:00Z"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


def test_small_files_of_a_day_become_one_and_records_stay_in_order(table: Table, seen: Seen, scratch: Path):
    for number in range(4):
        append(table, "at", rows((str(number), ONE), (str(number), NEXT_DAY)))

    count = compact(table, "at", scratch)

    assert count == 8
    assert [file.records for file in live_files(table, scratch)] == [4, 4]
    assert live_days(table, "at", scratch) == {"2025-06-01": 4, "2025-06-02": 4}
    assert seen(table) == [(str(n), ONE) for n in range(4)] + [(str(n), NEXT_DAY) for n in range(4)]


def test_what_is_compact_is_left_alone(table: Table, scratch: Path):
    for number in range(3):
        append(table, "at", rows((str(number), ONE)))
    compact(table, "at", scratch)
    before = table.metadata_location

    assert compact(table, "at", scratch) == 0
    assert table.metadata_location == before


def test_files_of_the_target_size_are_not_merged_again(table: Table, scratch: Path, seen: Seen):
    """Each file is larger than the target, so that nothing is gained."""
    for number in range(3):
        append(table, "at", rows((str(number), ONE)))
    with table.transaction() as transaction:
        transaction.set_properties({"write.target-file-size-bytes": "1000"})

    assert compact(table, "at", scratch) == 0
    assert seen(table) == [(str(n), ONE) for n in range(3)]


def test_what_others_append_while_files_are_compacted_stays(
    table: Table, pointer: Pointer, files: FolderIO, seen: Seen, scratch: Path
):
    append(table, "at", rows(("1", ONE)))
    append(table, "at", rows(("2", TWO)))
    pointer.before_swap = lambda: append(open_table(pointer, files), "at", rows(("3", THREE)))

    compact(table, "at", scratch)

    assert seen(table.refresh()) == [("1", ONE), ("2", TWO), ("3", THREE)]


def test_what_others_delete_while_files_are_compacted_does_not_come_back(
    table: Table, pointer: Pointer, files: FolderIO, seen: Seen, scratch: Path
):
    append(table, "at", rows(("1", ONE), ("1", NEXT_DAY)))
    append(table, "at", rows(("2", TWO), ("2", NEXT_DAY)))
    other = open_table(pointer, files)
    pointer.before_swap = lambda: (delete_days(other, "at", ["2025-06-01"]), None)[1]

    compact(table, "at", scratch)

    assert seen(table.refresh()) == [("1", NEXT_DAY), ("2", NEXT_DAY)]


def test_snapshots_stay_until_their_age_and_the_newest_always(table: Table, seen: Seen):
    for number in range(4):
        append(table, "at", rows((str(number), ONE)))

    assert expire(table) == 0
    assert expire(table, max_age_ms=0, min_kept=3) == 1
    assert expire(table, max_age_ms=0) == 2
    assert expire(table, max_age_ms=0) == 0
    assert len(table.snapshots()) == 1
    assert len(seen(table)) == 4


def test_the_tables_own_properties_say_how_old_snapshots_grow(table: Table):
    for number in range(4):
        append(table, "at", rows((str(number), ONE)))
    with table.transaction() as transaction:
        transaction.set_properties(
            {"history.expire.max-snapshot-age-ms": "0", "history.expire.min-snapshots-to-keep": "2"}
        )

    assert expire(table) == 2


def test_what_a_tag_or_another_branch_shows_is_not_let_go_of(table: Table):
    for number in range(4):
        append(table, "at", rows((str(number), ONE)))
    first, second, third, _ = (snapshot.snapshot_id for snapshot in table.snapshots())
    table.manage_snapshots().create_tag(first, "audit").create_branch(third, "work").commit()

    assert expire(table, max_age_ms=0) == 0

    table.manage_snapshots().remove_branch("work").commit()
    assert expire(table, max_age_ms=0) == 2
    assert next(snapshot.snapshot_id for snapshot in table.snapshots()) == first
    assert table.snapshot_by_id(second) is None


def test_files_that_only_old_snapshots_show_go_with_them(table: Table, files: FolderIO, seen: Seen, scratch: Path):
    for number in range(3):
        append(table, "at", rows((str(number), ONE)))
    compact(table, "at", scratch)
    assert remove_orphans(table, grace_seconds=0) == 0
    assert len(objects(files)) == 4

    expire(table, max_age_ms=0)
    # three data files, their manifests, and three manifest lists
    count = remove_orphans(table, grace_seconds=0)

    assert count == 9
    assert len(objects(files)) == 1
    assert len(seen(table)) == 3


def test_what_is_not_committed_yet_stays_until_it_has_grown_old(table: Table, files: FolderIO):
    written(table, "at", [rows(("1", ONE))], seed="7")
    written(table, "at", [rows(("2", NEXT_DAY))], seed="8")
    [old] = list(files.folder.rglob("20250602*.parquet"))
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))

    assert remove_orphans(table) == 1

    assert [name[:8] for name in objects(files)] == ["20250601"]


def test_nothing_beside_the_tables_own_folder_is_removed(table: Table, files: FolderIO, tmp_path: Path):
    append(table, "at", rows(("1", ONE)))
    root = files.path(table.location() + "/metadata").parent
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "a").write_text("a")
    sibling = root.with_name(root.name + "7")
    sibling.mkdir()
    (sibling / "b").write_text("b")
    (root / "data" / "link").symlink_to(outside)
    (root / "data" / "link.parquet").symlink_to(outside / "deep" / "a")
    (root / "data" / "orphan.parquet").write_text("c")

    count = remove_orphans(table, grace_seconds=0)

    assert count == 1
    assert (outside / "deep" / "a").exists()
    assert (sibling / "b").exists()
    assert (root / "data" / "link.parquet").is_symlink()


def test_a_table_that_refers_to_what_is_not_understood_keeps_every_file(table: Table, files: FolderIO):
    append(table, "at", rows(("1", ONE)))
    root = files.path(table.location() + "/metadata").parent
    (root / "data" / "orphan.parquet").write_text("c")
    text = files.path(table.metadata_location).read_text()
    log = text.replace('"metadata-log":[', '"metadata-log":[{"metadata-file":"gs://other/a","timestamp-ms":1},')
    assert log != text
    files.path(table.metadata_location).write_text(log)

    with pytest.raises(OutsideFolder):
        remove_orphans(table, grace_seconds=0)

    assert (root / "data" / "orphan.parquet").exists()


def test_a_table_whose_files_cannot_all_be_read_keeps_every_file(table: Table, files: FolderIO):
    append(table, "at", rows(("1", ONE)))
    root = files.path(table.location() + "/metadata").parent
    (root / "data" / "orphan.parquet").write_text("c")
    [manifest] = root.glob("metadata/*-m0.avro")
    manifest.unlink()

    with pytest.raises(DamagedTable):
        remove_orphans(table, grace_seconds=0)

    assert (root / "data" / "orphan.parquet").exists()


def test_days_are_counted_from_live_records(table: Table, scratch: Path):
    append(table, "at", rows(("1", ONE), ("2", TWO), ("3", NEXT_DAY)))

    assert live_days(table, "at", scratch) == {"2025-06-01": 2, "2025-06-02": 1}


def test_what_another_engine_deletes_while_a_table_is_compacted_does_not_come_back(
    table: Table, files: FolderIO, pointer: Pointer, seen: Seen, scratch: Path
):
    """It deletes by position, and leaves the data file where it is: the compacted one would have the record again."""
    append(table, "at", rows(("1", ONE), ("2", TWO)))
    append(table, "at", rows(("3", TWO)))
    first, _ = live_files(table, scratch)
    other = open_table(pointer, files)
    pointer.before_swap = lambda: hide(other, first.location, "2025-06-01", 0)

    compact(table, "at", scratch)

    assert seen(open_table(pointer, files)) == [("2", TWO), ("3", TWO)]
