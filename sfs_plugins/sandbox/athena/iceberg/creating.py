"""CREATE TABLE, CREATE TABLE AS, ALTER TABLE and DROP TABLE of Iceberg tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from sqlglot import exp

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.altering import ADD_COLUMNS, SET_PROPERTIES, columns_in
from sfs_plugins.sandbox.athena.definitions import properties
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.iceberg.removing import undo
from sfs_plugins.sandbox.athena.iceberg.schemas import iceberg_schema, iceberg_type, partition_spec
from sfs_plugins.sandbox.athena.iceberg.tables import opened
from sfs_plugins.sandbox.athena.iceberg.writing import put, records_of
from sfs_plugins.sandbox.athena.making import new_table
from sfs_plugins.sandbox.athena.naming import pairs
from sfs_plugins.sandbox.athena.quoting import is_s3
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.glue.iceberg import catalogued
from sfs_plugins.sandbox.json_service import wire_time

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as IcebergTable

_FORMAT = {"format-version": "2", "write.format.default": "parquet", "write.parquet.compression-codec": "zstd"}
_MILLISECONDS = 1000
_KNOWN = (
    "table_type", "format", "location", "is_external", "partitioning", "write_compression", "partitioned_by",
    "external_location",
)  # fmt: skip


def is_for_iceberg(tree: exp.Create) -> bool:
    """Tell whether CREATE TABLE asks for an Iceberg table."""
    return str(properties(tree).get("table_type", "")).upper() == "ICEBERG"


def create(work: Work, tree: exp.Create) -> Outcome:
    """Carry out CREATE TABLE [AS] for an Iceberg table. Raises QueryFailed."""
    given = properties(tree)
    if str(given.get("format") or "PARQUET").upper() != "PARQUET":
        raise unsupported("this sandbox makes Iceberg tables of Parquet files only")
    location = str(given.get("location") or "").rstrip("/")
    if not is_s3(location) or location.count("/") < 3:
        raise QueryFailed("INVALID_TABLE_PROPERTY: an Iceberg table needs a location, s3://bucket/folder")
    if tree.args.get("exists") and _is_there(work, tree):
        return of_lines(work, [], "DDL", "CREATE_TABLE")
    database, name = new_table(work, tree)
    kept = {**_FORMAT, **iceberg_properties({key: value for key, value in given.items() if key not in _KNOWN})}
    if tree.expression is not None:
        return _create_as(work, tree, (database, name), location, kept)
    columns = {one.name.lower(): str(one.args["kind"].sql("hive")).lower() for one in tree.this.expressions}
    schema = iceberg_schema(columns)
    _make(work, (database, name), location, schema, partition_spec(schema, _transforms(tree)), kept)
    return of_lines(work, [], "DDL", "CREATE_TABLE")


def _is_there(work: Work, tree: exp.Create) -> bool:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    return work.engine.catalogue.has_table((target.db or work.statement.database).lower(), target.name.lower())


def _transforms(tree: exp.Create) -> list[str]:
    """Return the parts of PARTITIONED BY, or of CTAS's `partitioning`, as texts."""
    for one in (tree.args.get("properties") or exp.Properties(expressions=[])).expressions:
        if isinstance(one, exp.PartitionedByProperty):
            return [part.sql() for part in one.this.expressions]
        if isinstance(one, exp.Property) and one.name.lower() == "partitioning":
            return [part.name for part in one.args["value"].expressions]
    return []


def _create_as(
    work: Work, tree: exp.Create, names: tuple[str, str], location: str, kept: dict[str, str]
) -> Outcome:  # fmt: skip
    sql = work.bound(tree.expression)
    schema = iceberg_schema({column.name: column.duckdb for column in work.columns(sql)})
    table = _make(work, names, location, schema, partition_spec(schema, _transforms(tree)), kept)
    named = ", ".join(f'"{field.name}"' for field in schema.fields)
    try:
        put(table, (), records_of(work, f"SELECT {named} FROM ({sql}) AS query({named})"))
    except BaseException:
        undo(work, cast(Table, work.engine.catalogue.table(*names)), table)
        raise
    output = f"{work.statement.prefix}/tables/{work.statement.id}"
    work.keep_metadata(output)
    return Outcome("DDL", "CREATE_TABLE_AS_SELECT", output=output)


def _make(
    work: Work, names: tuple[str, str], location: str, schema: Schema, spec: PartitionSpec, kept: dict[str, str]
) -> IcebergTable:  # fmt: skip
    """Make a table without records and catalogue it. Raises QueryFailed where anything lies at its place."""
    from sfs_plugins.iceberg.catalog import OneTable
    from sfs_plugins.iceberg.file_io import FolderIO

    catalogue = work.engine.catalogue
    if not work.output.has_bucket(location):
        raise QueryFailed(f"GENERIC_USER_ERROR: there is no bucket for {location}")
    if work.engine.files(location):
        raise QueryFailed(f"ICEBERG_FILESYSTEM_ERROR: Cannot create a table on a non-empty location: {location}")
    made = _Made()
    OneTable(made, FolderIO(catalogue.state.folder)).make(schema, spec, location, kept)
    now = wire_time(SystemClock().now())
    catalogue.put_table(catalogued(*names, location, cast(str, made.place), now))
    return opened(catalogue, cast(Table, catalogue.table(*names)))


class _Made:
    """A pointer that takes the first metadata file of a table that is not catalogued yet."""

    place: str | None = None

    def location(self) -> str | None:
        return self.place

    def swap(self, old: str | None, new: str) -> bool:
        self.place = new
        return True


def iceberg_properties(given: dict[str, Any]) -> dict[str, str]:
    """Return Iceberg's properties for Athena's own names. Raises QueryFailed for a value that is none."""
    found = {}
    for name, value in given.items():
        match name.lower():
            case "vacuum_max_snapshot_age_seconds":
                found["history.expire.max-snapshot-age-ms"] = str(_number(name, value) * _MILLISECONDS)
            case "vacuum_min_snapshots_to_keep":
                found["history.expire.min-snapshots-to-keep"] = str(_number(name, value))
            case _:
                found[name] = str(value)
    return found


def _number(name: str, value: Any) -> int:
    if not re.fullmatch(r"\d+", str(value)):
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: {name} must be a whole number, not {value!r}")
    return int(value)


def alter(work: Work, table: Table, change: str) -> Outcome:
    """Carry out ALTER TABLE of an Iceberg table. Raises QueryFailed."""
    from sfs_plugins.iceberg.tables import committed

    target = opened(work.engine.catalogue, table)
    given, added = SET_PROPERTIES.fullmatch(change.strip()), ADD_COLUMNS.fullmatch(change.strip())
    if given is not None:
        kept = iceberg_properties(pairs(given[1]))
        committed(target, lambda table: _set(table, kept))
    elif added is not None:
        columns = columns_in(added[1])
        committed(target, lambda table: _add(table, columns))
    else:
        raise unsupported(f"this sandbox does not carry out ALTER TABLE ... {change[:60]} of an Iceberg table")
    return of_lines(work, [], "DDL", "ALTER_TABLE")


def _set(table: IcebergTable, kept: dict[str, str]) -> None:
    with table.transaction() as transaction:
        transaction.set_properties(kept)


def _add(table: IcebergTable, columns: list[dict[str, str]]) -> None:
    with table.update_schema() as change:
        for column in columns:
            change.add_column(column["Name"], iceberg_type(column["Type"]))
