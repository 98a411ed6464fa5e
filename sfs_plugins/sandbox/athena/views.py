"""Views, kept in the catalogue as Athena keeps them: the query as base64 of JSON in a comment."""

from __future__ import annotations

import re

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.dialect import parsed
from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.kept_views import VIEW, is_view, kept
from sfs_plugins.sandbox.athena.naming import TABLE
from sfs_plugins.sandbox.athena.output import hive_type
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines
from sfs_plugins.sandbox.json_service import wire_time

CREATE = re.compile(rf"CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+{TABLE}\s+AS\s+(?P<query>.*)", re.I | re.S)
DROP = re.compile(rf"DROP\s+VIEW\s+(?P<exists>IF\s+EXISTS\s+)?{TABLE}", re.IGNORECASE)


def create(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out CREATE [OR REPLACE] VIEW: its columns are those its query gives now. Raises QueryFailed."""
    catalogue = work.engine.catalogue
    database, name = (found["database"] or work.statement.database).lower(), found["name"].lower()
    if database not in catalogue.databases():
        raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema {database} does not exist")
    before = catalogue.table(database, name)
    if before is not None and not is_view(before):
        raise QueryFailed(f"TABLE_ALREADY_EXISTS: line 1:1: Table '{database}.{name}' already exists")
    if before is not None and not found["replace"]:
        raise QueryFailed(f"VIEW_ALREADY_EXISTS: line 1:1: View '{database}.{name}' already exists")
    columns = work.columns(work.bound(parsed(found["query"], work.statement.parameters)))
    now = wire_time(SystemClock().now())
    made = before["CreateTime"] if before else now
    catalogue.put_table({
        "Name": name, "DatabaseName": database, "CreateTime": made, "UpdateTime": now,
        "Retention": 0, "TableType": VIEW, "PartitionKeys": [],
        "Parameters": {"comment": "Presto View", "presto_view": "true"},
        "StorageDescriptor": {
            "Columns": [{"Name": column.name, "Type": hive_type(column.duckdb)} for column in columns], "Location": "",
        },
        "ViewOriginalText": kept(found["query"], work.statement.database, columns),
        "ViewExpandedText": "/* Presto View */",
    })  # fmt: skip
    return of_lines(work, [], "DDL", "CREATE_VIEW")


def drop(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out DROP VIEW. Raises QueryFailed."""
    catalogue = work.engine.catalogue
    database, name = (found["database"] or work.statement.database).lower(), found["name"].lower()
    table = catalogue.table(database, name)
    if table is not None and is_view(table):
        catalogue.drop_table(database, name)
    elif not found["exists"] or table is not None:
        raise QueryFailed(f"VIEW_NOT_FOUND: line 1:1: View '{database}.{name}' does not exist")
    return of_lines(work, [], "DDL", "DROP_VIEW")
