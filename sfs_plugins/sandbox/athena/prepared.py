"""Prepared statements of a workgroup: PREPARE, EXECUTE and DEALLOCATE, and the API's operations on them."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from sfs_core import EventTime
from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.workgroups import PRIMARY, WorkGroups, invalid
from sfs_plugins.sandbox.json_service import present, wire_time
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

PREPARE = re.compile(r"PREPARE\s+[`\"]?(\w+)[`\"]?\s+FROM\s+(.*)", re.IGNORECASE | re.DOTALL)
EXECUTE = re.compile(r"EXECUTE\s+[`\"]?(\w+)[`\"]?(?:\s+USING\s+(.*))?", re.IGNORECASE | re.DOTALL)
DEALLOCATE = re.compile(r"DEALLOCATE\s+PREPARE\s+[`\"]?(\w+)[`\"]?", re.IGNORECASE)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS athena_prepared (
    workgroup TEXT, name TEXT, definition TEXT NOT NULL, PRIMARY KEY (workgroup, name));
"""
_PAGE = 50


class Prepared:
    """The prepared statements of every workgroup."""

    def __init__(self, state: State, workgroups: WorkGroups, tokens: Tokens) -> None:
        self._state, self._workgroups, self._tokens = state, workgroups, tokens
        state.declare(_SCHEMA)

    def find(self, workgroup: str, name: str) -> dict[str, Any] | None:
        """Return a prepared statement, or None."""
        query = "SELECT definition FROM athena_prepared WHERE workgroup = ? AND name = ?"
        with self._state.reading() as connection:
            row = connection.execute(query, (workgroup, name)).fetchone()
        return None if row is None else json.loads(row[0])

    def keep(self, workgroup: str, name: str, query: str, description: str | None = None) -> None:
        """Write a prepared statement down, or write it anew."""
        made = present(
            StatementName=name, QueryStatement=query, WorkGroupName=workgroup, Description=description,
            LastModifiedTime=wire_time(EventTime(time.time_ns())),
        )  # fmt: skip
        with self._state.writing() as connection:
            row = (workgroup, name, json.dumps(made))
            connection.execute("INSERT OR REPLACE INTO athena_prepared VALUES (?, ?, ?)", row)

    def forget(self, workgroup: str, name: str) -> bool:
        """Strike a prepared statement out; tell whether there was one."""
        query = "DELETE FROM athena_prepared WHERE workgroup = ? AND name = ?"
        with self._state.writing() as connection:
            return connection.execute(query, (workgroup, name)).rowcount > 0

    def executed(self, workgroup: str, found: re.Match[str]) -> tuple[str, list[str]]:
        """Return the query that EXECUTE carries out, and what its USING gives. Raises QueryFailed."""
        import sqlglot
        from sqlglot.errors import SqlglotError

        kept = self.find(workgroup, found[1])
        if kept is None:
            raise QueryFailed(f"PREPARED_STATEMENT_NOT_FOUND: Prepared statement not found: {found[1]}")
        try:
            values = sqlglot.parse_one(f"SELECT {found[2]}", read="athena").expressions if found[2] else []
        except SqlglotError as error:
            raise QueryFailed(f"SYNTAX_ERROR: USING {found[2][:60]} is not a list of values") from error
        return kept["QueryStatement"], [value.sql("athena") for value in values]

    # the API's operations

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreatePreparedStatement."""
        group = self._workgroups.find(given["WorkGroup"])["Name"]
        if self.find(group, given["StatementName"]) is not None:
            raise invalid(f"Prepared Statement {given['StatementName']} already exists in WorkGroup {group}")
        self.keep(group, given["StatementName"], given["QueryStatement"], given.get("Description"))
        return {}

    def _required(self, given: dict[str, Any]) -> dict[str, Any]:
        group = self._workgroups.find(given["WorkGroup"])["Name"]
        found = self.find(group, given["StatementName"])
        if found is None:
            name = given["StatementName"]
            message = f"PreparedStatement {name} was not found in WorkGroup {group}"
            raise Failure("ResourceNotFoundException", message, ResourceName=name)
        return found

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPreparedStatement."""
        return {"PreparedStatement": self._required(given)}

    def batch_get(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchGetPreparedStatement: those that are not there are named."""
        found, missing = [], []
        for name in given["PreparedStatementNames"]:
            try:
                found.append(self._required({"WorkGroup": given["WorkGroup"], "StatementName": name}))
            except Failure as failure:
                missing.append({"StatementName": name, "ErrorCode": failure.code, "ErrorMessage": failure.message})
        return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": missing}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdatePreparedStatement."""
        kept = self._required(given)
        description = given.get("Description", kept.get("Description"))
        self.keep(kept["WorkGroupName"], kept["StatementName"], given["QueryStatement"], description)
        return {}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeletePreparedStatement."""
        kept = self._required(given)
        self.forget(kept["WorkGroupName"], kept["StatementName"])
        return {}

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListPreparedStatements of a workgroup, by name."""
        group = self._workgroups.find(given.get("WorkGroup") or PRIMARY)["Name"]
        about, query = f"prepared {group}", "SELECT definition FROM athena_prepared WHERE workgroup = ? ORDER BY name"
        with self._state.reading() as connection:
            kept = [json.loads(row[0]) for row in connection.execute(query, (group,)).fetchall()]
        try:
            start = int(self._tokens.read(about, given["NextToken"])) if given.get("NextToken") else 0
        except BadToken as error:
            raise invalid("NextToken is not valid") from error
        end = start + (given.get("MaxResults") or _PAGE)
        members = ("StatementName", "LastModifiedTime")
        shown = [{name: one[name] for name in members} for one in kept[start:end]]
        token = self._tokens.make(about, end) if end < len(kept) else None
        return present(PreparedStatements=shown, NextToken=token)
