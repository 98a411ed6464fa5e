"""Iceberg tables in queries: a snapshot's data files, time travel, and the tables about a table (`"t$snapshots"`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.iceberg.tables import duckdb_type
from sfs_plugins.sandbox.athena.quoting import literal, quoted

if TYPE_CHECKING:
    import duckdb
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

_ABOUT = {
    "snapshots": "*", "history": "*", "files": "*", "refs": "*", "manifests": "*",
    "partitions": "partition, record_count, file_count, total_data_file_size_in_bytes AS total_size",
}  # fmt: skip
_ABOUT_WITHOUT_PARTITION = "record_count, file_count, total_data_file_size_in_bytes AS total_size"
PATH, POSITION = "$path", "$pos"


@dataclass(frozen=True)
class Source:
    """A snapshot as SQL, and the files of it that are read."""

    sql: str
    files: list[Path]


def source(table: IcebergTable, snapshot: Snapshot | None, scratch: Path, *, with_path: bool) -> Source:
    """Return a query of the records of a snapshot, or of the current one; `$path` and `$pos` are a record's place.

    Raises SfsError for a table that cannot be read.
    """
    from sfs_plugins.iceberg.reading import live_files

    scratch.mkdir(parents=True, exist_ok=True)
    files = live_files(table, scratch, snapshot)
    schema = table.schema() if snapshot is None else table.schemas()[_schema_of(table, snapshot)]
    typed = [(field.name, duckdb_type(field.field_type)) for field in schema.fields]
    empty = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in typed)
    sql = f"SELECT {empty}, NULL::VARCHAR AS filename, NULL::BIGINT AS file_row_number WHERE false"
    if files:
        listed = ", ".join(literal(str(file.path)) for file in files)
        sql += (
            f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, filename = true, "
            "file_row_number = true, hive_partitioning = false)"
        )
    shown = [f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in typed]
    if with_path:
        places = ", ".join(f"{literal(str(file.path))}: {literal(file.location)}" for file in files)
        path = f"MAP {{{places}}}[filename]" if files else "filename"
        shown += [f"{path} AS {quoted(PATH)}", f"file_row_number AS {quoted(POSITION)}"]
    return Source(f"SELECT {', '.join(shown)} FROM ({sql})", [file.path for file in files])


def _schema_of(table: IcebergTable, snapshot: Snapshot) -> int:
    return table.schema().schema_id if snapshot.schema_id is None else snapshot.schema_id


def travelled(connection: duckdb.DuckDBPyConnection, table: IcebergTable, named: str, version: exp.Expr) -> Snapshot:
    """Return the snapshot that FOR TIMESTAMP AS OF or FOR VERSION AS OF names. Raises QueryFailed."""
    kind, told = version.name.upper(), version.args["expression"]
    if version.args.get("kind") != "AS OF":
        raise QueryFailed("SYNTAX_ERROR: time travel is FOR TIMESTAMP AS OF or FOR VERSION AS OF")
    value = _value(connection, told, "TIMESTAMPTZ" if kind == "TIMESTAMP" else None)
    if kind == "TIMESTAMP":
        found = table.snapshot_as_of_timestamp(value)
        if found is None:
            raise QueryFailed(f"INVALID_ARGUMENTS: No version history table {named} at or before {told.name}")
        return found
    by_id = table.snapshot_by_id(value) if isinstance(value, int) else table.snapshot_by_name(str(value))
    if by_id is None:
        raise QueryFailed(f"INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: {value}")
    return by_id


def _value(connection: duckdb.DuckDBPyConnection, told: exp.Expr, kind: str | None) -> Any:
    from sfs_plugins.sandbox.athena.dialect import to_duckdb

    sql = to_duckdb(exp.select(told.copy()))
    if kind is not None:
        sql = f"SELECT epoch_ms(CAST(({sql}) AS {kind}))"
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def about(table: IcebergTable, part: str, scratch: Path) -> Source:
    """Return a query of what is known about a table: `snapshots`, `history`, `files`... Raises QueryFailed."""
    import pyarrow.parquet as pq

    from sfs_plugins.iceberg.reading import damage_named

    if part not in _ABOUT:
        raise QueryFailed(f"TABLE_NOT_FOUND: there is no table ${part}: {', '.join(f'${one}' for one in _ABOUT)}")
    with damage_named(table):
        found = getattr(table.inspect, part)()
    shown = _ABOUT[part]
    if part == "partitions" and "partition" not in found.column_names:
        shown = _ABOUT_WITHOUT_PARTITION
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"{part}.parquet"
    pq.write_table(found, path)
    return Source(f"SELECT {shown} FROM read_parquet({literal(str(path))})", [])
