"""Which files hold an Iceberg table's live records, as paths that any Parquet reader takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestEntry, ManifestFile
from pyiceberg.schema import sanitize_column_names
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.delete_file_index import DeleteFileIndex
from pyiceberg.table.snapshots import Snapshot

from sfs_core import SfsError
from sfs_plugins.iceberg.errors import EqualityDeletes, ForeignPartitions, told_of_damage
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.naming import is_own_name
from sfs_plugins.iceberg.schema import day_field


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file and where its live records are read: the file itself, or a copy without the deleted ones.

    `location` is the file's s3:// URI, `records` counts those that live, `size` is the file's own in bytes.
    """

    location: str
    path: Path
    records: int
    size: int
    data_file: DataFile
    is_copy: bool = False


def live_files(table: Table, scratch: Path, snapshot: Snapshot | None = None) -> list[LiveFile]:
    """Return the files of a snapshot (of the current one when None), in the order written.

    Where a file cannot be read by itself (delete files hide some of its records, or its columns have other names),
    its live records are written to `scratch`, which is the caller's to remove. Raises EqualityDeletes.
    """
    snapshot = snapshot or table.current_snapshot()
    if snapshot is None:
        return []
    deletes, entries = _entries(table, snapshot)
    renamed = sanitize_column_names(table.schema()) != table.schema()
    files: list[LiveFile] = []
    for entry in sorted(entries, key=_written):
        file = entry.data_file
        gone = deletes.for_data_file(entry.sequence_number or 0, file, partition_key=file.partition)
        own = is_own_name(file.file_path)
        if gone or file.file_format != FileFormat.PARQUET or (renamed and not own):
            files.append(_copied(table, FileScanTask(file, delete_files=gone), scratch / f"{len(files)}.parquet"))
        else:
            path = cast(FolderIO, table.io).path(file.file_path)
            files.append(LiveFile(file.file_path, path, file.record_count, file.file_size_in_bytes, file))
    return files


def live_days(table: Table, event_time: str, scratch: Path) -> dict[str, int]:
    """Return how many live records each day of the feature `event_time` has.

    Raises EqualityDeletes, and ForeignPartitions where a file has no such day.
    """
    days: dict[str, int] = {}
    for file in live_files(table, scratch):
        day = day_of(table, event_time, file.data_file)
        if day is None:
            raise ForeignPartitions(location=table.location())
        days[day] = days.get(day, 0) + file.records
    return {day: records for day, records in days.items() if records}


def _entries(table: Table, snapshot: Snapshot) -> tuple[DeleteFileIndex, list[ManifestEntry]]:
    deletes, entries = DeleteFileIndex(), []
    for entry in entries_of(table, snapshot):
        content = entry.data_file.content
        if content == DataFileContent.EQUALITY_DELETES:
            raise EqualityDeletes(location=table.location())
        if content == DataFileContent.DATA:
            entries.append(entry)
        else:
            deletes.add_delete_file(entry, partition_key=entry.data_file.partition)
    return deletes, entries


def entries_of(table: Table, snapshot: Snapshot) -> Iterator[ManifestEntry]:
    """Yield every data file and delete file that is live in a snapshot."""
    for manifest in manifests_of(table, snapshot):
        with told_of_damage(manifest.manifest_path):
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        yield from entries


def manifests_of(table: Table, snapshot: Snapshot) -> list[ManifestFile]:
    """Return the manifests of a snapshot. Raises DamagedTable, as does whatever reads one of them here."""
    with told_of_damage(snapshot.manifest_list):
        return snapshot.manifests(table.io)


@contextmanager
def damage_named(table: Table) -> Iterator[None]:
    """Raise DamagedTable for a failure in which the table's current manifests turn out damaged, whatever it was."""
    try:
        yield
    except (SfsError, CommitFailedException, ValidationException):
        raise
    except Exception:
        # reading damaged bytes may raise anything, but so may a defect: the manifests themselves tell which it was
        snapshot = table.current_snapshot()
        for _ in entries_of(table, snapshot) if snapshot else ():
            pass
        raise


def _written(entry: ManifestEntry) -> tuple[int, str, str]:
    """Order by commit, then by partition; files of one commit and day by the part number in their names."""
    name = entry.data_file.file_path.rpartition("/")[2]
    return entry.sequence_number or 0, str(entry.data_file.partition), name.partition("_")[2] or name


def day_of(table: Table, event_time: str, file: DataFile) -> str | None:
    """Return the day of the feature `event_time` in a file's records, None if it is partitioned in another way."""
    place = day_field(table, event_time, file.spec_id or 0)
    return None if place is None else str(file.partition[place])


def _copied(table: Table, task: FileScanTask, path: Path) -> LiveFile:
    """Write the live records of a file to a path, in the table's columns."""
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    records = 0
    shape = schema_to_pyarrow(table.schema(), include_field_ids=False)
    with told_of_damage(task.file.file_path), pq.ParquetWriter(path, shape, store_schema=False) as writer:
        for batch in scan.to_record_batches([task]):
            records += batch.num_rows
            writer.write_batch(batch.cast(shape))
    file = task.file
    return LiveFile(file.file_path, path, records, file.file_size_in_bytes, file, is_copy=True)
