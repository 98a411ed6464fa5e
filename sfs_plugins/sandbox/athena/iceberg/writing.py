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
_ATTEMPTS = 5
Answer = TypeVar("Answer")


class ChangedMeanwhile(Exception):
    """A data file that was to be replaced is no longer in the table: what replaces it must be made out anew."""


def typed(table: IcebergTable) -> dict[str, str]:
    """Return DuckDB's types of a table's columns by name. Raises QueryFailed."""
    return {field.name: duckdb_type(field.field_type) for field in table.schema().fields}


def records_of(work: Work, sql: str) -> Iterator[pa.Table]:
    """Yield what a query gives, in parts of a size that becomes a file."""
    import pyarrow as pa

    reader: Any = work.connection.sql(sql).to_arrow_reader(_FILE_RECORDS)
    for batch in reader:
        yield pa.Table.from_batches([batch])


def put(table: IcebergTable, gone: Sequence[str], records: Iterable[pa.Table]) -> None:
    """Take data files (their URIs) away and add records, in one snapshot; nothing at all where there is neither.

    Every new file is whole and on disk before the snapshot that names it. Raises ChangedMeanwhile, SfsError.
    """
    from sfs_plugins.iceberg.tables import committed

    files = [file for some in records if some.num_rows for file in _written(table, some)]
    if gone or files:
        committed(table, lambda table: _commit(table, gone, files))


def _written(table: IcebergTable, records: pa.Table) -> list[DataFile]:
    """Write data files that are not part of the table yet, by the table's own partitions."""
    from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow

    shape = schema_to_pyarrow(table.schema(), include_field_ids=False)
    shaped = records.select(shape.names).cast(shape)
    return list(_dataframe_to_data_files(table.metadata, shaped, table.io))


def _commit(table: IcebergTable, gone: Sequence[str], files: Sequence[DataFile]) -> None:
    from sfs_plugins.iceberg.reading import entries_of

    snapshot = table.current_snapshot()
    known = {} if snapshot is None or not gone else {
        entry.data_file.file_path: entry.data_file for entry in entries_of(table, snapshot)
    }  # fmt: skip
    if not known.keys() >= set(gone):
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
