"""DDL over the catalogue: tables and databases made and dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.json_service import wire_time


def catalogued(
    database: str, name: str, typed: Sequence[tuple[str, str]], parts: Sequence[str], location: str, now: float | None
) -> Table:
    """Return a Parquet table as the catalogue keeps it; partition columns come last among the columns given."""
    columns = [{"Name": column, "Type": kind} for column, kind in typed if column not in parts]
    return {
        "Name": name, "DatabaseName": database, "CreateTime": now, "UpdateTime": now, "Retention": 0,
        "TableType": "EXTERNAL_TABLE", "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": part, "Type": dict(typed).get(part, "string")} for part in parts],
        "StorageDescriptor": {
            "Columns": columns, "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "Compressed": False, "NumberOfBuckets": -1,
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                          "Parameters": {"serialization.format": "1"}},
            "StoredAsSubDirectories": False,
        },
    }  # fmt: skip


def catalogued_from(tree: exp.Create, database: str) -> dict[str, Any]:
    """Return the table that CREATE EXTERNAL TABLE defines. Raises QueryFailed."""
    schema, given = tree.this, properties(tree)
    if not isinstance(schema, exp.Schema) or not given.get("location"):
        raise QueryFailed("SYNTAX_ERROR: a table needs columns and a LOCATION")
    if str(given.get("format") or "").upper() != "PARQUET":
        raise unsupported("this sandbox makes tables STORED AS PARQUET only")
    typed = [(one.name.lower(), _hive_name(one)) for one in schema.expressions]
    typed += [(one, "string") for one in given.get("partitioned_by") or ()]
    name, now = schema.this, wire_time(SystemClock().now())
    parts = tuple(given.get("partitioned_by") or ())
    return catalogued((name.db or database).lower(), name.name.lower(), typed, parts, given["location"], now)


def _hive_name(column: exp.Expr) -> str:
    return str(column.args["kind"].sql("hive")).lower()


def properties(tree: exp.Create) -> dict[str, Any]:
    """Return what WITH, PARTITIONED BY, STORED AS and LOCATION say: DuckDB's form of the statement drops them."""
    found: dict[str, Any] = {}
    for one in (tree.args.get("properties") or exp.Properties(expressions=[])).expressions:
        if isinstance(one, exp.FileFormatProperty):
            found["format"] = one.this.name
        elif isinstance(one, exp.LocationProperty):
            found["location"] = one.this.name
        elif isinstance(one, exp.PartitionedByProperty):
            found["partitioned_by"] = [part.name.lower() for part in one.this.expressions]
        elif isinstance(one, exp.Property) and one.args.get("value") is not None:
            found[one.name.lower()] = one.args["value"].name
    return found


def made_database(catalogue: Catalogue, tree: exp.Create) -> None:
    """Carry out CREATE DATABASE. Raises QueryFailed."""
    name = tree.this.name.lower()
    if name not in catalogue.databases():
        catalogue.put_database({"Name": name, "CreateTime": wire_time(SystemClock().now())})
    elif not tree.args.get("exists"):
        raise QueryFailed(f"FAILED: Execution Error: AlreadyExistsException: Database {name} already exists")


def dropped(catalogue: Catalogue, tree: exp.Drop, database: str) -> None:
    """Carry out DROP TABLE and DROP DATABASE: objects stay. Raises QueryFailed."""
    target = tree.this or tree.args["tables"][0]
    name, is_table = target.name.lower(), str(tree.args.get("kind")).upper() == "TABLE"
    database = (target.db or database).lower() if is_table else name
    is_there = catalogue.has_table(database, name) if is_table else name in catalogue.databases()
    if not is_there:
        if not tree.args.get("exists"):
            raise QueryFailed(f"FAILED: SemanticException: {name} does not exist")
    elif is_table:
        catalogue.drop_table(database, name)
    elif catalogue.tables(name) and not tree.args.get("cascade"):
        raise QueryFailed(f"FAILED: Execution Error: InvalidOperationException: Database {name} is not empty")
    else:
        catalogue.drop_database(name)
