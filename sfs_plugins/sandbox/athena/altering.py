"""ALTER TABLE and MSCK of what is catalogued as a Hive table."""

from __future__ import annotations

import re
from collections.abc import Callable

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena import partitions
from sfs_plugins.sandbox.athena.engine import duckdb_type
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.naming import TABLE, pairs
from sfs_plugins.sandbox.athena.quoting import is_s3
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.json_service import wire_time

ALTER = re.compile(rf"ALTER\s+TABLE\s+{TABLE}\s+(?P<change>.*)", re.IGNORECASE | re.DOTALL)
REPAIR = re.compile(rf"MSCK\s+REPAIR\s+TABLE\s+{TABLE}", re.IGNORECASE)
SET_PROPERTIES = re.compile(r"SET\s+TBLPROPERTIES\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_SET_LOCATION = re.compile(r"SET\s+LOCATION\s+'([^']*)'", re.IGNORECASE)
_ADD_PARTITION = re.compile(r"ADD\s+(IF\s+NOT\s+EXISTS\s+)?(PARTITION.*)", re.IGNORECASE | re.DOTALL)
_DROP_PARTITION = re.compile(r"DROP\s+(IF\s+EXISTS\s+)?(PARTITION.*)", re.IGNORECASE | re.DOTALL)
ADD_COLUMNS = re.compile(r"ADD\s+COLUMNS\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_COLUMN = re.compile(r"\s*[`\"]?(\w+)[`\"]?\s+([\w]+(?:<[^,]*>|\([^)]*\))?)(?:\s+COMMENT\s+'([^']*)')?\s*(?:,|$)", re.I)


def found_table(work: Work, found: re.Match[str]) -> Table:
    """Return the table that DDL speaks of. Raises QueryFailed."""
    table = work.engine.catalogue.table((found["database"] or work.statement.database).lower(), found["name"].lower())
    if table is None:
        raise QueryFailed(f"FAILED: SemanticException: Table not found {found['name']}")
    return table


def repair(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out MSCK REPAIR TABLE: nothing is left to do, since files are found as they lie. Raises QueryFailed."""
    found_table(work, found)
    return of_lines(work, [], "DDL", "MSCK")


def alter(work: Work, table: Table, change: str) -> Outcome:
    """Carry out ALTER TABLE of a Hive table. Raises QueryFailed."""
    for pattern, apply in _CHANGES:
        found = pattern.fullmatch(change.strip())
        if found is not None:
            apply(work, table, found)
            return of_lines(work, [], "DDL", "ALTER_TABLE")
    raise unsupported(f"this sandbox does not carry out ALTER TABLE ... {change[:60]}")


def _write(work: Work, table: Table) -> None:
    work.engine.catalogue.put_table({**table, "UpdateTime": wire_time(SystemClock().now())})


def _set_properties(work: Work, table: Table, found: re.Match[str]) -> None:
    _write(work, {**table, "Parameters": {**(table.get("Parameters") or {}), **pairs(found[1])}})


def _set_location(work: Work, table: Table, found: re.Match[str]) -> None:
    if not is_s3(found[1]):
        raise QueryFailed(f"FAILED: SemanticException {found[1]} is not an S3 location")
    _write(work, {**table, "StorageDescriptor": {**table["StorageDescriptor"], "Location": found[1]}})


def _add_columns(work: Work, table: Table, found: re.Match[str]) -> None:
    columns = table["StorageDescriptor"]["Columns"]
    added = columns_in(found[1])
    known = {column["Name"] for column in (*columns, *(table.get("PartitionKeys") or ()))}
    for column in added:
        duckdb_type(column["Type"])
        if column["Name"] in known:
            raise QueryFailed(f"FAILED: SemanticException Duplicate column name: {column['Name']}")
    _write(work, {**table, "StorageDescriptor": {**table["StorageDescriptor"], "Columns": [*columns, *added]}})


def columns_in(text: str) -> list[dict[str, str]]:
    """Return the columns that `name type, ...` lists, as the catalogue has them. Raises QueryFailed."""
    columns, at = [], 0
    while at < len(text.rstrip()):
        one = _COLUMN.match(text, at)
        if one is None:
            raise QueryFailed(f"FAILED: ParseException: not a column: {text[at:][:40]}")
        columns.append({"Name": one[1].lower(), "Type": one[2].lower()} | ({"Comment": one[3]} if one[3] else {}))
        at = one.end()
    return columns


def _add_partition(work: Work, table: Table, found: re.Match[str]) -> None:
    partitions.add(work.engine, table, found[2], if_not_exists=bool(found[1]))


def _drop_partition(work: Work, table: Table, found: re.Match[str]) -> None:
    partitions.drop(work.engine, table, found[2], if_exists=bool(found[1]))


_CHANGES: tuple[tuple[re.Pattern[str], Callable[[Work, Table, re.Match[str]], None]], ...] = (
    (SET_PROPERTIES, _set_properties), (_SET_LOCATION, _set_location), (ADD_COLUMNS, _add_columns),
    (_ADD_PARTITION, _add_partition), (_DROP_PARTITION, _drop_partition),
)  # fmt: skip
