"""Statements that tell what is catalogued: SHOW and DESCRIBE, in the lines that Athena answers with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.kept_views import is_view, query_of
from sfs_plugins.sandbox.athena.naming import TABLE, names_like
from sfs_plugins.sandbox.athena.partitions import partition_names
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines
from sfs_plugins.sandbox.glue.catalog import Table

_LIST = re.compile(
    r"SHOW\s+(?P<what>TABLES|VIEWS)(?:\s+(?:IN|FROM)\s+[`\"]?(?P<database>\w+)[`\"]?)?(?:\s+(?:LIKE\s+)?'(?P<like>[^']*)')?",
    re.I,
)
_DATABASES = re.compile(r"SHOW\s+(?:DATABASES|SCHEMAS)(?:\s+(?:LIKE\s+)?'([^']*)')?", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?P<verb>DESCRIBE|DESC|SHOW\s+COLUMNS\s+(?:IN|FROM)|SHOW\s+PARTITIONS|SHOW\s+TBLPROPERTIES|SHOW\s+CREATE\s+TABLE|"
    rf"SHOW\s+CREATE\s+VIEW)\s+(?:(?:EXTENDED|FORMATTED)\s+)?{TABLE}(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = {
    "DESCRIBE": ["col_name", "data_type", "comment"], "DESC": ["col_name", "data_type", "comment"],
    "SHOW_COLUMNS": ["field"], "SHOW_CREATE_TABLE": ["createtab_stmt"], "SHOW_PARTITIONS": ["partition"],
    "SHOW_CREATE_VIEW": ["create view"], "SHOW_TBLPROPERTIES": ["prpt_name", "prpt_value"],
}  # fmt: skip
_BLANK = "\t \t "


def show(work: Work, text: str) -> Outcome:
    """Carry out SHOW and DESCRIBE. Raises QueryFailed."""
    catalogue, like = work.engine.catalogue, _DATABASES.fullmatch(text)
    if like is not None:
        pattern = names_like(like[1])
        found = [name for name in catalogue.databases() if pattern.fullmatch(name)]
        return of_lines(work, found, "UTILITY", "SHOW_DATABASES", ["database_name"])
    listed = _LIST.fullmatch(text)
    if listed is not None:
        pattern, what = names_like(listed["like"]), listed["what"].upper()
        database = (listed["database"] or work.statement.database).lower()
        tables = [t for t in catalogue.tables(database) if what == "TABLES" or is_view(t)]
        lines = [table["Name"] for table in tables if pattern.fullmatch(table["Name"])]
        return of_lines(work, lines, "UTILITY", f"SHOW_{what}", ["tab_name"] if what == "TABLES" else ["views"])
    about = _ABOUT.fullmatch(text)
    if about is None:
        raise unsupported(f"this sandbox does not carry out: {text[:60]}")
    verb = "_".join(about["verb"].upper().split()[:3]).removesuffix("_IN").removesuffix("_FROM")
    database, name = (about["database"] or work.statement.database).lower(), about["name"].lower()
    table = catalogue.table(database, name)
    if table is None:
        raise QueryFailed(f"FAILED: SemanticException: Table not found {about['name']}")
    lines = _ABOUT_A_TABLE["DESCRIBE" if verb == "DESC" else verb](work, table, about["rest"].strip())
    return of_lines(work, lines, "UTILITY", verb, _NAMES.get(verb, ["result"]))


def _described(work: Work, table: Table, rest: str) -> list[str]:
    if rest:
        raise unsupported(f"this sandbox describes whole tables, not {rest[:40]}")
    columns, parts = table["StorageDescriptor"]["Columns"], table.get("PartitionKeys") or []
    lines = [_padded(column) for column in (*columns, *parts)]
    if parts:
        head = _padded({"Name": "# col_name", "Type": "data_type", "Comment": "comment"})
        lines += [_BLANK, f"# Partition Information{_BLANK}", head, _BLANK, *(_padded(part) for part in parts)]
    return lines


def _padded(column: dict[str, Any]) -> str:
    return "\t".join(f"{column.get(member) or '':<20}" for member in ("Name", "Type", "Comment"))


def _columns(work: Work, table: Table, rest: str) -> list[str]:
    columns = [*table["StorageDescriptor"]["Columns"], *(table.get("PartitionKeys") or ())]
    return [f"{column['Name']:<20}" for column in columns]


def _partitions(work: Work, table: Table, rest: str) -> list[str]:
    if not table.get("PartitionKeys"):
        raise QueryFailed(f"FAILED: SemanticException Table {table['Name']} is not a partitioned table")
    return partition_names(work.engine, table)


def _properties(work: Work, table: Table, rest: str) -> list[str]:
    wanted = re.fullmatch(r"\(\s*'([^']*)'\s*\)", rest)
    found = {name: str(value) for name, value in sorted((table.get("Parameters") or {}).items())}
    if wanted is not None:
        told = f"Table {table['DatabaseName']}.{table['Name']} does not have property: {wanted[1]}"
        return [found.get(wanted[1], told)]
    return [f"{name}\t{value}" for name, value in found.items()]


def _created(work: Work, table: Table, rest: str) -> list[str]:
    if is_view(table):
        raise QueryFailed(f"FAILED: SemanticException {table['Name']} is a view: use SHOW CREATE VIEW")
    where = f"`{table['DatabaseName']}.{table['Name']}`"
    stored, parts = table["StorageDescriptor"], table.get("PartitionKeys") or []
    given = {name: str(value) for name, value in (table.get("Parameters") or {}).items() if name != "EXTERNAL"}
    if given.get("table_type", "").upper() == "ICEBERG":
        columns = _listed(stored["Columns"])
        shown = {"table_type": "iceberg", **{n: v for n, v in given.items() if n in _SHOWN_OF_ICEBERG}}
        return [f"CREATE TABLE {where.replace('`', '')} (", *columns,
                f"LOCATION '{stored['Location']}'", *_set_of("TBLPROPERTIES (", shown, ");")]  # fmt: skip
    lines = [f"CREATE EXTERNAL TABLE {where}(", *_listed(stored["Columns"])]
    if parts:
        lines += ["PARTITIONED BY ( ", *_listed(parts)]
    serde = (stored.get("SerdeInfo") or {}).get("SerializationLibrary", "")
    lines += [
        "ROW FORMAT SERDE ", f"  '{serde}' ", "STORED AS INPUTFORMAT ", f"  '{stored.get('InputFormat', '')}' ",
        "OUTPUTFORMAT ", f"  '{stored.get('OutputFormat', '')}'", "LOCATION", f"  '{stored['Location']}'",
    ]  # fmt: skip
    return [*lines, *_set_of("TBLPROPERTIES (", given, ")")]


_SHOWN_OF_ICEBERG = ("vacuum_max_snapshot_age_seconds", "vacuum_min_snapshots_to_keep", "write_compression", "format")


def _listed(columns: list[dict[str, Any]]) -> list[str]:
    told = [f"  `{column['Name']}` {column['Type']}" for column in columns]
    return [*(f"{one}, " for one in told[:-1]), f"{told[-1]})"]


def _set_of(beginning: str, given: dict[str, str], end: str) -> list[str]:
    if not given:
        return []
    told = [f"  '{name}'='{value}'" for name, value in given.items()]
    return [beginning, *(f"{one}, " for one in told[:-1]), f"{told[-1]}{end}"]


def _created_view(work: Work, table: Table, rest: str) -> list[str]:
    if not is_view(table):
        raise QueryFailed(f"FAILED: SemanticException {table['Name']} is not a view")
    return [f"CREATE VIEW {table['DatabaseName']}.{table['Name']} AS", *query_of(table)[0].splitlines()]


_ABOUT_A_TABLE: dict[str, Callable[[Work, Table, str], list[str]]] = {
    "DESCRIBE": _described, "SHOW_COLUMNS": _columns, "SHOW_PARTITIONS": _partitions,
    "SHOW_TBLPROPERTIES": _properties, "SHOW_CREATE_TABLE": _created, "SHOW_CREATE_VIEW": _created_view,
}  # fmt: skip
