"""Records written to an Iceberg table, in one snapshot; and the retries that let other writers come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.iceberg.tables import duckdb_type
from sfs_plugins.sandbox.athena.statement import Work

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as IcebergTable

_FILE_RECORDS = 500_000
_ATTEMPTS = 10
Answer = TypeVar("Answer")


class ChangedMeanwhile(Exception):
    """A data file that was to be replaced is no longer in the table: what replaces it must be made out anew."""


def typed(table: IcebergTable) -> dict[str, str]:
    """Return DuckDB's types of a table's columns by name. Raises QueryFailed."""
    return {field.name: duckdb_type(field.field_type) for field in table.schema().fields}


def records_of(work: Work, sql: str) -> Iterator[pa.Table]:
    """Yield what a query gives, in parts of a size that becomes a file."""
    import pyarrow as pa

    # a batch of the answer may be as small as one of what it is made from
    reader: Any = work.connection.sql(sql).to_arrow_reader(_FILE_RECORDS)
    gathered: list[pa.RecordBatch] = []
    for batch in reader:
        gathered.append(batch)
        if sum(one.num_rows for one in gathered) >= _FILE_RECORDS:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def put(table: IcebergTable, gone: Sequence[str], records: Iterable[pa.Table]) -> None:
    """Take data files (their URIs) away and add records, in one snapshot; nothing at all where there is neither.

    Every new file is whole and on disk before the snapshot that names it. Raises ChangedMeanwhile, SfsError.
    """
    from sfs_plugins.iceberg.tables import committed

    # what the records were made out from: deletions that others commit from here on are not in them
    hidden = _delete_files(table) if gone else frozenset()
    files = [file for some in records if some.num_rows for file in _written(table, some)]
    if gone or files:
        committed(table, lambda table: _commit(table, gone, files, hidden))


def _delete_files(table: IcebergTable) -> frozenset[str]:
    """Return the places of the files that tell which records of data files are deleted."""
    from pyiceberg.manifest import DataFileContent

    from sfs_plugins.iceberg.reading import entries_of

    snapshot = table.current_snapshot()
    entries = entries_of(table, snapshot) if snapshot else ()
    return frozenset(e.data_file.file_path for e in entries if e.data_file.content != DataFileContent.DATA)


def _written(table: IcebergTable, records: pa.Table) -> list[DataFile]:
    """Write data files that are not part of the table yet, by the table's own partitions."""
    from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow

    shape = schema_to_pyarrow(table.schema(), include_field_ids=False)
    shaped = records.select(shape.names).cast(shape)
    return list(_dataframe_to_data_files(table.metadata, shaped, table.io))


def _commit(table: IcebergTable, gone: Sequence[str], files: Sequence[DataFile], hidden: frozenset[str]) -> None:
    """Commit one snapshot. Raises ChangedMeanwhile where a file to be replaced has gone, or may have fewer records."""
    from sfs_plugins.iceberg.reading import entries_of

    snapshot = table.current_snapshot()
    known = {} if snapshot is None or not gone else {
        entry.data_file.file_path: entry.data_file for entry in entries_of(table, snapshot)
    }  # fmt: skip
    if not known.keys() >= set(gone) or (gone and not _delete_files(table) <= hidden):
        raise ChangedMeanwhile
    with table.transaction() as transaction:
        update = transaction.update_snapshot()
        with update.overwrite() if gone else update.fast_append() as change:
            for place in gone:
                change.delete_data_file(known[place])
            for file in files:
                change.append_data_file(file)


def retried(work: Work, change: Callable[[], Answer]) -> Answer:
    """Return what a change answers, made out anew whenever another writer has replaced the same files meanwhile.

    Raises QueryFailed after a few attempts: nothing was changed then.
    """
    from sfs_plugins.iceberg.errors import TableBusy

    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            return change()
        except (ChangedMeanwhile, TableBusy) as error:
            reason = str(error) or "its files were replaced by others"
            work.reading.forget()
    raise QueryFailed(f"ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table: {reason}")
