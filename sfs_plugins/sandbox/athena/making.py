"""Statements that write files of Hive tables: UNLOAD, CREATE TABLE AS, INSERT INTO."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.definitions import catalogued, properties
from sfs_plugins.sandbox.athena.dialect import parsed
from sfs_plugins.sandbox.athena.engine import duckdb_type
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.output import Format, hive_type
from sfs_plugins.sandbox.athena.quoting import is_s3, quoted
from sfs_plugins.sandbox.athena.statement import Outcome, Work
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.json_service import wire_time

UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<to>[^']*)'\s*(?:WITH\s*\((?P<how>.*)\))?\s*;?\s*", re.I | re.S
)
_OPTION = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|ARRAY\s*\[([^\]]*)\])", re.IGNORECASE)


def unload(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out UNLOAD: files under an empty place, and their manifest. Raises QueryFailed."""
    given = {one[1].lower(): one[2] or _names(one[3]) for one in _OPTION.finditer(found["how"] or "")}
    how = Format(
        str(given.get("format") or "TEXTFILE"), given.get("compression"),
        tuple(given.get("partitioned_by") or ()), str(given.get("field_delimiter") or "\x01"),
    )  # fmt: skip
    target = found["to"]
    if not is_s3(target):
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {target} is not an S3 location")
    if not how.partitioned_by and work.engine.files(target):
        raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Unload target directory is not empty: {target}")
    sql = work.bound(parsed(found["query"], work.statement.parameters))
    for column in work.columns(sql):
        hive_type(column.duckdb)
    made = work.output.files(work.connection, sql, work.scratch, how, target)
    output = work.statement.target
    manifest = work.keep_manifest(f"{output}-manifest.csv", made)
    work.keep_metadata(output)
    return Outcome("DML", "UNLOAD", output=output, manifest=manifest)


def _names(text: str | None) -> Any:
    return [one.strip().strip("'").lower() for one in (text or "").split(",") if one.strip()] or None


def create_as(work: Work, tree: exp.Create) -> Outcome:
    """Carry out CREATE TABLE AS for a Hive table. Raises QueryFailed."""
    database, name = new_table(work, tree)
    given = properties(tree)
    how = Format(
        str(given.get("format") or "PARQUET"),
        given.get("write_compression") or given.get("parquet_compression"),
        tuple(given.get("partitioned_by") or ()),
    )
    if how.name.upper() != "PARQUET":
        raise unsupported(f"this sandbox makes Parquet tables only, not {how.name}")
    output = f"{work.statement.prefix}/tables/{work.statement.id}"
    location = str(given.get("external_location") or f"{output}/")
    if work.engine.files(location):
        raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {location}")
    sql = work.bound(tree.expression)
    columns = work.columns(sql)
    typed = [(column.name, hive_type(column.duckdb)) for column in columns]
    made = work.output.files(work.connection, sql, work.scratch, how, location)
    now = wire_time(SystemClock().now())
    work.engine.catalogue.put_table(catalogued(database, name, typed, how.partitioned_by, location, now))
    manifest = work.keep_manifest(f"{output}-manifest.csv", made)
    work.keep_metadata(output)
    return Outcome("DDL", "CREATE_TABLE_AS_SELECT", output=output, manifest=manifest)


def new_table(work: Work, tree: exp.Create) -> tuple[str, str]:
    """Return database and name of a table that is to be made. Raises QueryFailed where it is there already."""
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    database, name = (target.db or work.statement.database).lower(), target.name.lower()
    if database not in work.engine.catalogue.databases():
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema {database} does not exist")
    if work.engine.catalogue.has_table(database, name):
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: line 1:1: Table '{database}.{name}' already exists")
    return database, name


def insert(work: Work, tree: exp.Insert, table: Table) -> Outcome:
    """Carry out INSERT INTO a Hive table. Raises QueryFailed."""
    typed = {column["Name"]: duckdb_type(column["Type"]) for column in table["StorageDescriptor"]["Columns"]}
    parts = tuple(column["Name"] for column in table.get("PartitionKeys") or ())
    typed |= dict.fromkeys(parts, "VARCHAR")
    rows = inserted(work, tree, typed)
    how = Format("PARQUET", "gzip", parts)
    made = work.output.files(work.connection, rows, work.scratch, how, table["StorageDescriptor"]["Location"])
    manifest = work.keep_manifest(f"{work.statement.target}-manifest.csv", made)
    return Outcome("DML", "INSERT", output=work.statement.target, manifest=manifest)


def target_of(work: Work, tree: exp.Expr) -> tuple[str, str]:
    """Return database and name of the table that a statement changes."""
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    return (target.db or work.statement.database).lower(), target.name.lower()


def inserted(work: Work, tree: exp.Insert, typed: dict[str, str]) -> str:
    """Return the query of what INSERT adds, in a table's columns (DuckDB's type by name). Raises QueryFailed."""
    named = [one.name.lower() for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    given = named or list(typed)
    for name in given:
        if name not in typed:
            raise QueryFailed(f"COLUMN_NOT_FOUND: Insert column name does not exist in target table: {name}")
    sql = work.bound(tree.expression)
    if len(work.columns(sql)) != len(given):
        raise QueryFailed("TYPE_MISMATCH: Insert query has mismatched column types")
    cast = ", ".join(
        f"CAST({quoted(name) if name in given else 'NULL'} AS {kind}) AS {quoted(name)}" for name, kind in typed.items()
    )
    names = ", ".join(quoted(name) for name in given)
    return f"SELECT {cast} FROM ({sql}) AS query({names})"
