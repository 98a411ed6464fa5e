"""Tables that other engines wrote to: delete files, other columns' names, other partitions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AddSnapshotUpdate, AssertRefSnapshotId, SetSnapshotRefUpdate
from pyiceberg.transforms import TruncateTransform
from pyiceberg.typedef import Record

from sfs_plugins.iceberg.changing import append, delete_days
from sfs_plugins.iceberg.compaction import compact
from sfs_plugins.iceberg.errors import EqualityDeletes, ForeignPartitions
from sfs_plugins.iceberg.reading import live_days, live_files
from tests.iceberg.conftest import NOON, Seen, rows

ONE, TWO, NEXT_DAY = "2025-06-01T01:00:00Z", "2025-06-01T02:00:00Z", "2025-06-02T01:00:00Z"


class DeletesWriter(ManifestWriterV2):
    """Writes a manifest of delete files, which pyiceberg itself does not."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def commit_deletes(table: Table, place: str, content: DataFileContent, day: str, records: int) -> None:
    """Commit a delete file as engines that merge on read do."""
    base, io, snapshot_id = table.current_snapshot(), table.io, table.metadata.new_snapshot_id()
    assert base is not None
    deletes = DataFile.from_args(
        content=content, file_path=place, file_format=FileFormat.PARQUET, partition=Record(day), record_count=records,
        file_size_in_bytes=len(io.new_input(place)), equality_ids=None, spec_id=0,
    )  # fmt: skip
    deletes.spec_id = 0
    output = io.new_output(f"{table.location()}/metadata/deletes-{snapshot_id}.avro")
    with DeletesWriter(table.spec(), table.schema(), output, snapshot_id, "deflate") as writer:
        writer.add(
            ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, data_file=deletes)
        )
    listing, number = f"{table.location()}/metadata/snap-{snapshot_id}.avro", table.metadata.next_sequence_number()
    with write_manifest_list(2, io.new_output(listing), snapshot_id, base.snapshot_id, number, "deflate") as manifests:
        manifests.add_manifests([*base.manifests(io), writer.to_manifest_file()])
    fields = {
        "snapshot-id": snapshot_id, "parent-snapshot-id": base.snapshot_id, "manifest-list": listing,
        "sequence-number": number, "summary": {"operation": "delete"}, "schema-id": table.metadata.current_schema_id,
    }  # fmt: skip
    moved = {"ref-name": "main", "type": "branch", "snapshot-id": snapshot_id}
    updates = (
        AddSnapshotUpdate(snapshot=Snapshot.model_validate(fields)),
        SetSnapshotRefUpdate.model_validate(moved),
    )
    unmoved = AssertRefSnapshotId.model_validate({"ref": "main", "snapshot-id": base.snapshot_id})
    table.catalog.commit_table(table, (unmoved,), updates)
    table.refresh()


def hide(table: Table, location: str, day: str, *positions: int) -> None:
    """Delete records of a data file by their positions."""
    place = f"{table.location()}/data/deletes.parquet"
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), metadata={"PARQUET:field_id": "2147483546"}),
            pa.field("pos", pa.int64(), metadata={"PARQUET:field_id": "2147483545"}),
        ]
    )
    with table.io.new_output(place).create() as out:
        pq.write_table(pa.table([[location] * len(positions), list(positions)], schema=schema), out)
    commit_deletes(table, place, DataFileContent.POSITION_DELETES, day, len(positions))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


def test_records_that_a_delete_file_hides_are_not_read(table: Table, seen: Seen, scratch: Path):
    append(table, "at", rows(("1", ONE), ("2", TWO), ("3", TWO), ("4", NEXT_DAY)))
    first, second = live_files(table, scratch)

    hide(table, first.location, "2025-06-01", 0, 2)

    copied, plain = live_files(table, scratch)
    assert seen(table) == [("2", TWO), ("4", NEXT_DAY)]
    assert (copied.location, copied.path.parent, copied.records, copied.is_copy) == (first.location, scratch, 1, True)
    assert plain == second
    assert live_days(table, "at", scratch) == {"2025-06-01": 1, "2025-06-02": 1}
    assert pq.ParquetFile(copied.path).schema_arrow.field("write_time").type == pa.timestamp("us", "UTC")


def test_a_day_whose_records_are_all_hidden_has_none(table: Table, seen: Seen, scratch: Path):
    append(table, "at", rows(("1", ONE)))

    hide(table, live_files(table, scratch)[0].location, "2025-06-01", 0)

    assert seen(table) == []
    assert live_days(table, "at", scratch) == {}


def test_compacting_applies_delete_files(table: Table, seen: Seen, scratch: Path):
    append(table, "at", rows(("1", ONE), ("2", TWO)))
    hide(table, live_files(table, scratch)[0].location, "2025-06-01", 0)
    append(table, "at", rows(("3", ONE)))

    assert compact(table, "at", scratch) == 2

    [file] = live_files(table, scratch)
    assert (file.is_copy, seen(table)) == (False, [("2", TWO), ("3", ONE)])
    assert table.scan().to_arrow().column("id").to_pylist() == ["2", "3"]


def test_equality_deletes_are_told_of_and_nothing_is_read(table: Table, scratch: Path):
    append(table, "at", rows(("1", ONE)))
    place = f"{table.location()}/data/equality.parquet"
    with table.io.new_output(place).create() as out:
        pq.write_table(pa.table({"id": ["1"]}), out)

    commit_deletes(table, place, DataFileContent.EQUALITY_DELETES, "2025-06-01", 1)

    with pytest.raises(EqualityDeletes):
        live_files(table, scratch)


def test_what_another_client_appended_is_read_by_the_names_of_the_features(table: Table, scratch: Path):
    """pyiceberg and Spark write `city-name` as `city_x2Dname`."""
    table.append(rows(("1", ONE)).append_column("city-name", [["Oslo"]]))

    [file] = live_files(table, scratch)

    assert file.is_copy
    assert pq.read_table(file.path).column("city-name").to_pylist() == ["Oslo"]
    assert live_days(table, "at", scratch) == {"2025-06-01": 1}


def test_an_older_snapshot_is_read_as_it_was(table: Table, scratch: Path):
    append(table, "at", rows(("1", ONE)))
    snapshot = table.current_snapshot()
    delete_days(table, "at", ["2025-06-01"])

    assert live_files(table, scratch) == []
    assert [file.records for file in live_files(table, scratch, snapshot)] == [1]


def test_the_first_ten_characters_of_a_record_id_are_no_day(table: Table, scratch: Path, seen: Seen):
    """Another tool may partition by whichever text it likes: what looks like a day may be all of one customer."""
    append(table, "at", rows(("1", ONE)))
    with table.update_spec() as spec:
        spec.remove_field("at_trunc").add_field("id", TruncateTransform(10), "id_trunc")
    for record_id in ("2", "2025-06-01"):
        table.append(pa.table({"id": [record_id], "at": [TWO]}).append_column("write_time", pa.repeat(NOON, 1)))

    refuse_all_that_goes_by_the_day(table, scratch)

    assert seen(table) == [("1", ONE), ("2", TWO), ("2025-06-01", TWO)]


def refuse_all_that_goes_by_the_day(table: Table, scratch: Path) -> None:
    for act in (
        lambda: delete_days(table, "at", ["2025-06-01"]),
        lambda: live_days(table, "at", scratch),
        lambda: compact(table, "at", scratch),
        lambda: append(table, "at", rows(("3", ONE))),
    ):
        with pytest.raises(ForeignPartitions):
            act()


def test_a_table_partitioned_by_others_is_not_emptied_by_the_day(table: Table, scratch: Path, seen: Seen):
    append(table, "at", rows(("1", ONE)))
    with table.update_spec() as spec:
        spec.remove_field("at_trunc")
    table.append(pa.table({"id": ["2"], "at": [TWO]}).append_column("write_time", pa.repeat(NOON, 1)))

    refuse_all_that_goes_by_the_day(table, scratch)

    assert seen(table) == [("1", ONE), ("2", TWO)]
