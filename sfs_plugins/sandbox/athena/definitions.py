"""DDL over the catalogue: tables and databases made, dropped and shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.json_service import wire_time

_SHOW_TABLES = re.compile(r"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+[`\"]?(\w+)[`\"]?)?(?:\s+'([^']*)')?", re.IGNORECASE)
_SHOW_DATABASES = re.compile(r"SHOW\s+(?:DATABASES|SCHEMAS)(?:\s+LIKE\s+'([^']*)')?", re.IGNORECASE)
_ABOUT_TABLE = re.compile(
    r"(?:DESCRIBE|SHOW\s+CREATE\s+TABLE|SHOW\s+COLUMNS\s+(?:IN|FROM)|MSCK\s+REPAIR\s+TABLE|ALTER\s+TABLE|SHOW\s+PARTITIONS)\s+"
    r"(?:[`\"]?(\w+)[`\"]?\.)?[`\"]?([\w$]+)[`\"]?(.*)",
    re.IGNORECASE | re.DOTALL,
)


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


def shown(catalogue: Catalogue, text: str, database: str) -> list[str]:
    """Return the lines of SHOW and DESCRIBE; MSCK and ADD PARTITION do nothing, since files are found as they lie."""
    tables = _SHOW_TABLES.fullmatch(text)
    if tables is not None:
        pattern = _like(tables[2])
        return [t["Name"] for t in catalogue.tables((tables[1] or database).lower()) if pattern.fullmatch(t["Name"])]
    databases = _SHOW_DATABASES.fullmatch(text)
    if databases is not None:
        pattern = _like(databases[1])
        return [name for name in catalogue.databases() if pattern.fullmatch(name)]
    about = _ABOUT_TABLE.fullmatch(text)
    if about is None:
        raise unsupported(f"this sandbox does not carry out: {text[:60]}")
    table = catalogue.table((about[1] or database).lower(), about[2].lower())
    if table is None:
        raise QueryFailed(f"FAILED: SemanticException: Table not found {about[2]}")
    verb = text.split()[0].upper()
    if verb == "MSCK" or (
        verb == "ALTER" and re.match(r"\s+ADD\s+(IF\s+NOT\s+EXISTS\s+)?PARTITION", about[3], re.IGNORECASE)
    ):
        return []
    if verb == "ALTER" or "PARTITIONS" in text.upper().split():
        raise unsupported(f"this sandbox does not carry out: {text[:60]}")
    if text.split()[1].upper() == "CREATE":
        return _created(table)
    if text.split()[1].upper() == "COLUMNS":
        return [f"{column['Name']:<20}" for column in _columns(table)]
    return _described(table)


def shown_columns(text: str) -> list[str]:
    """Return the names of the columns that SHOW, DESCRIBE and the like have; DESCRIBE's lines hold all of them."""
    first, second = [*text.upper().split(), ""][:2]
    if first == "DESCRIBE":
        return ["col_name", "data_type", "comment"]
    return {"TABLES": ["tab_name"], "DATABASES": ["database_name"], "SCHEMAS": ["database_name"], "COLUMNS": ["field"],
            "CREATE": ["createtab_stmt"]}.get(second, ["result"])  # fmt: skip


def _columns(table: Table) -> list[dict[str, Any]]:
    return [*table["StorageDescriptor"]["Columns"], *(table.get("PartitionKeys") or ())]


def _described(table: Table) -> list[str]:
    def line(*cells: str) -> str:
        return "\t".join(f"{cell:<20}" for cell in cells)

    def lines(columns: Sequence[dict[str, Any]]) -> list[str]:
        return [line(column["Name"], column["Type"], column.get("Comment") or "") for column in columns]

    parts = table.get("PartitionKeys") or ()
    if not parts:
        return lines(_columns(table))
    blank = "\t \t "
    title = [blank, "# Partition Information\t \t ", line("# col_name", "data_type", "comment"), blank]
    return [*lines(_columns(table)), *title, *lines(parts)]


def _created(table: Table) -> list[str]:
    storage, parts = table["StorageDescriptor"], table.get("PartitionKeys") or ()

    def listed(columns: Sequence[dict[str, Any]]) -> list[str]:
        return [f"  `{one['Name']}` {one['Type']}{', ' if one is not columns[-1] else ')'}" for one in columns]

    named = [f"  '{key}'='{value}'" for key, value in sorted((table.get("Parameters") or {}).items())]
    return [
        f"CREATE EXTERNAL TABLE `{table['DatabaseName']}.{table['Name']}`(", *listed(storage["Columns"]),
        *(["PARTITIONED BY ( ", *listed(parts)] if parts else []),
        "ROW FORMAT SERDE ", f"  '{storage['SerdeInfo']['SerializationLibrary']}' ",
        "STORED AS INPUTFORMAT ", f"  '{storage['InputFormat']}' ", "OUTPUTFORMAT ", f"  '{storage['OutputFormat']}'",
        "LOCATION", f"  '{storage['Location']}'",
        "TBLPROPERTIES (", *(f"{one}, " for one in named[:-1]), *(f"{one})" for one in named[-1:]),
    ]  # fmt: skip


def _like(pattern: str | None) -> re.Pattern[str]:
    """Return Hive's pattern of names: `*` for anything, `|` for either."""
    return re.compile(".*" if pattern is None else "|".join(
        ".*".join(re.escape(part) for part in one.split("*")) for one in pattern.split("|")
    ), re.IGNORECASE)  # fmt: skip
