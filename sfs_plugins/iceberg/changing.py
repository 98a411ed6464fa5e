"""Changing the records of an Iceberg table: appended, or deleted by day, each in one snapshot."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.table import Table

from sfs_plugins.iceberg.errors import ForeignPartitions
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.naming import data_location
from sfs_plugins.iceberg.reading import day_of, entries_of
from sfs_plugins.iceberg.schema import DAY_CHARACTERS, check_by_day, file_schema
from sfs_plugins.iceberg.tables import committed

_WRITERS = 4


def append(table: Table, event_time: str, records: pa.Table, seed: str | None = None) -> None:
    """Append records, in the order given; the same seed and records make files of the same names.

    Columns are taken by name; one that the records lack is absent from them. Raises ForeignPartitions, and appends
    nothing, if the table is not partitioned by the day of the feature `event_time`.
    """
    files = written(table, event_time, [records], seed)
    committed(table, lambda table: commit(table, (), files))


def delete_days(table: Table, event_time: str, days: Sequence[str]) -> int:
    """Delete all records of some days of the feature `event_time` (`YYYY-MM-DD`), without reading them.

    Returns how many files that were.

    Raises ForeignPartitions, and changes nothing, if another tool has partitioned files in another way.
    """
    wanted = set(days)

    def delete(table: Table) -> int:
        files = list(_data_files(table))
        found = [day_of(table, event_time, file) for file in files]
        if None in found:
            raise ForeignPartitions(location=table.location())
        gone = [file for file, day in zip(files, found, strict=True) if day in wanted]
        commit(table, gone, ())
        return len(gone)

    return committed(table, delete)


def _data_files(table: Table) -> Iterator[DataFile]:
    snapshot = table.current_snapshot()
    for entry in entries_of(table, snapshot) if snapshot else ():
        if entry.data_file.content == DataFileContent.DATA:
            yield entry.data_file


def commit(table: Table, gone: Sequence[DataFile], files: Sequence[DataFile]) -> None:
    """Take files out of the table and put others in, in one snapshot; none if there is nothing to change."""
    if not gone and not files:
        return
    with table.transaction() as transaction:
        update = transaction.update_snapshot()
        with update.overwrite() if gone else update.fast_append() as snapshot:
            for file in gone:
                snapshot.delete_data_file(file)
            for file in files:
                snapshot.append_data_file(file)


def written(table: Table, event_time: str, records: Iterable[pa.Table], seed: str | None = None) -> list[DataFile]:
    """Write records to data files, one for each table given and day in it, that are not part of the table yet.

    Raises ForeignPartitions if the table is not partitioned by the day of the feature `event_time`.
    """
    check_by_day(table, event_time)
    seed = seed or secrets.token_hex(16)
    files: list[DataFile] = []
    with ThreadPoolExecutor(_WRITERS) as pool:
        for part, some in enumerate(records):
            days = _by_day(table, event_time, some)
            files += pool.map(lambda day, part=part: write_file(table, day[0], part, seed, day[1], [day[2]]), days)
    return files


def _by_day(table: Table, event_time: str, records: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """Yield each event day, the latest event time in it, and its records in the columns of the table."""
    days = pc.utf8_slice_codeunits(records.column(event_time), 0, DAY_CHARACTERS)
    # a stable sort: records of a day stay in their order
    order = pc.sort_indices(days)
    records, days = shaped(table, records).take(order), days.take(order)
    encoded = pc.run_end_encode(days.combine_chunks())
    start = 0
    for end, day in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        some = records.slice(start, end - start)
        yield day, pc.max(pc.utf8_slice_codeunits(some.column(event_time), 0, 19)).as_py(), some
        start = end


def shaped(table: Table, records: pa.Table) -> pa.Table:
    """Return records in the columns of the table."""
    schema = file_schema(table)
    columns = [
        records.column(field.name).cast(field.type)
        if field.name in records.column_names
        else pa.nulls(records.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def write_file(
    table: Table, day: str, part: int, seed: str, latest: str, records: Iterable[pa.Table]
) -> DataFile:  # fmt: skip
    """Write records of one event day to a data file, and return what Iceberg is to know of it."""
    from pyiceberg.typedef import Record

    files = cast(FolderIO, table.io)
    partition = table.spec().partition_to_path(Record(day), table.schema())
    location = data_location(table.location().rstrip("/"), partition, latest, part, seed)
    with files.new_output(location).create(overwrite=True) as out, pq.ParquetWriter(
        out, file_schema(table), store_schema=False
    ) as writer:  # fmt: skip
        for some in records:
            writer.write_table(some)
    return parquet_file_to_data_file(files, table.metadata, location)
