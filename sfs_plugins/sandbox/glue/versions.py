"""The versions of catalogued tables: each state of a table that the catalogue has told of, numbered from 0.

What changes a table by itself (a feature group that grows, a commit to an Iceberg table) is a version once it is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.glue.iceberg import metadata_location
from sfs_plugins.sandbox.glue.pages import batch, not_found, page_of
from sfs_plugins.sandbox.json_service import Operation, present
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.wire import Failure

_WHERE = "database = ? AND name = ?"


def seen(catalogue: Catalogue, table: Table) -> str:
    """Return the number of a table's state, GetTable's VersionId: that of the last one unless it has changed since."""
    key = (table["DatabaseName"], table["Name"])
    # an Iceberg table is its metadata file: what is read out of that is no change
    mark = metadata_location(table) or json.dumps(table, sort_keys=True, default=str)
    with catalogue.state.writing() as connection:
        query = f"SELECT version, mark FROM glue_versions WHERE {_WHERE} ORDER BY version DESC LIMIT 1"
        last = connection.execute(query, key).fetchone()
        if last is not None and last[1] == mark:
            return str(last[0])
        number = 0 if last is None else last[0] + 1
        connection.execute("INSERT INTO glue_versions VALUES (?, ?, ?, ?, ?)", (*key, number, mark, json.dumps(table)))
        return str(number)


def forget(catalogue: Catalogue, table: Table, version: str) -> None:
    """Strike out one version of a table."""
    with catalogue.state.writing() as connection:
        row = (table["DatabaseName"], table["Name"], int(version))
        connection.execute(f"DELETE FROM glue_versions WHERE {_WHERE} AND version = ?", row)


class Versions:
    """The operations on versions. `table_of` finds a table as it is now, its VersionId in it, or raises Failure."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens, table_of: Callable[[str, str], Table]) -> None:
        self._catalogue, self._tokens, self._table_of = catalogue, tokens, table_of

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        return {
            "GetTableVersions": self.listed, "GetTableVersion": self.get, "DeleteTableVersion": self.delete,
            "BatchDeleteTableVersion": self.batch_delete,
        }  # fmt: skip

    def _of(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the versions of a table, the newest first."""
        table = self._table_of(given["DatabaseName"], given["TableName"])
        query = f"SELECT version, definition FROM glue_versions WHERE {_WHERE} ORDER BY version DESC"
        with self._catalogue.state.reading() as connection:
            rows = connection.execute(query, (table["DatabaseName"], table["Name"])).fetchall()
        about = {"CatalogId": table["CatalogId"]}
        return [
            {"VersionId": str(number), "Table": {**json.loads(definition), **about, "VersionId": str(number)}}
            for number, definition in rows
        ]

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTableVersions, the newest first."""
        about = f"versions {given['DatabaseName']}.{given['TableName']}"
        shown, token = page_of(self._tokens, about, given, self._of(given))
        return present(TableVersions=shown, NextToken=token)

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTableVersion: the newest one where none is named."""
        return {"TableVersion": self._find(given)}

    def _find(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given.get("VersionId")
        if wanted is not None and not wanted.isdecimal():
            raise Failure("InvalidInputException", "version must be an integer")
        found = (one for one in self._of(given) if wanted is None or int(one["VersionId"]) == int(wanted))
        version = next(found, None)
        if version is None:
            raise not_found(f"Table version {wanted}")
        return version

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteTableVersion; the one that is current stays."""
        version = self._find(given)
        if version["VersionId"] == self._table_of(given["DatabaseName"], given["TableName"])["VersionId"]:
            raise Failure("InvalidInputException", f"Version {version['VersionId']} is the current one of the table")
        forget(self._catalogue, version["Table"], version["VersionId"])
        return {}

    def batch_delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchDeleteTableVersion: what failed is named."""
        each = [({"TableName": given["TableName"], "VersionId": one}, {**given, "VersionId": one})
                for one in given["VersionIds"]]  # fmt: skip
        return batch(self.delete, each)
