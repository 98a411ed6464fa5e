"""Glue's operations on databases and tables."""

from __future__ import annotations

import re
from concurrent.futures import Executor
from typing import Any

from sfs_core import SfsError, SystemClock
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.glue.iceberg import is_iceberg, metadata_location
from sfs_plugins.sandbox.glue.pages import batch, not_found, page_of
from sfs_plugins.sandbox.glue.partitions import Partitions
from sfs_plugins.sandbox.glue.searching import searched
from sfs_plugins.sandbox.glue.versions import Versions, forget, seen
from sfs_plugins.sandbox.json_service import JsonService, Operation, present, wire_time
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.wire import Failure

# a star that repeats nothing: `*orders*`, `orders_*`
_ANY_TEXT = re.compile(r"(?<![.)\]}\\])\*")


def glue(catalogue: Catalogue, tokens: Tokens, account: str, pool: Executor) -> JsonService:
    """Return the Glue service."""
    of = GlueOperations(catalogue, tokens, account)
    operations: dict[str, Operation] = {
        "GetDatabase": of.get_database, "GetDatabases": of.get_databases, "CreateDatabase": of.create_database,
        "UpdateDatabase": of.update_database, "DeleteDatabase": of.delete_database, "GetTable": of.get_table,
        "GetTables": of.get_tables, "CreateTable": of.create_table, "UpdateTable": of.update_table,
        "DeleteTable": of.delete_table, "BatchDeleteTable": of.batch_delete_table, "SearchTables": of.search_tables,
        "GetUserDefinedFunctions": of.get_functions, **Versions(catalogue, tokens, of.table_of).operations(),
        **Partitions(catalogue, tokens, of.table_of).operations(),
    }  # fmt: skip
    return JsonService("glue", "AWSGlue", operations, pool, "InvalidInputException")


def _changed_meanwhile() -> Failure:
    message = "Update table failed due to concurrent modifications."
    return Failure("ConcurrentModificationException", message)


class GlueOperations:
    """The operations, over one catalogue."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens, account: str) -> None:
        self._catalogue, self._tokens, self._account = catalogue, tokens, account

    # databases

    def _database(self, name: str) -> dict[str, Any]:
        database = self._catalogue.databases().get(name.lower())
        if database is None:
            raise not_found(f"Database {name}")
        return {**database, "CatalogId": self._account}

    def get_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetDatabase."""
        return {"Database": self._database(given["Name"])}

    def get_databases(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetDatabases."""
        found = [{**database, "CatalogId": self._account} for database in self._catalogue.databases().values()]
        shown, token = page_of(self._tokens, "databases", given, found)
        return present(DatabaseList=shown, NextToken=token)

    def create_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateDatabase."""
        made = {**given["DatabaseInput"], "Name": given["DatabaseInput"]["Name"].lower()}
        if made["Name"] in self._catalogue.databases():
            raise Failure("AlreadyExistsException", f"Database {made['Name']} already exists.")
        self._catalogue.put_database({**made, "CreateTime": wire_time(SystemClock().now())})
        return {}

    def update_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateDatabase."""
        before = self._database(given["Name"])
        made = {**given["DatabaseInput"], "Name": before["Name"], "CreateTime": before["CreateTime"]}
        self._catalogue.put_database(made)
        return {}

    def delete_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteDatabase, with its tables."""
        self._catalogue.drop_database(self._database(given["Name"])["Name"])
        return {}

    # tables

    def table_of(self, database: str, name: str) -> Table:
        """Return a table as the wire has it. Raises Failure."""
        self._database(database)
        table = self._catalogue.table(database, name)
        if table is None:
            raise not_found(f"Entity Not Found: table {database}.{name}")
        return {**table, "CatalogId": self._account, "VersionId": seen(self._catalogue, table)}

    def get_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTable."""
        return {"Table": self.table_of(given["DatabaseName"], given["Name"])}

    def get_tables(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTables; the expression is a regular one, where a lone `*` is any text, as in Hive."""
        database = self._database(given["DatabaseName"])["Name"]
        try:
            expression = re.compile(_ANY_TEXT.sub(".*", given.get("Expression") or "*"), re.IGNORECASE)
        except re.error as error:
            raise Failure("InvalidInputException", f"Expression is not valid: {error}") from error
        found = [t for t in self._catalogue.tables(database) if expression.fullmatch(t["Name"])]
        shown, token = page_of(self._tokens, f"tables {database} {expression.pattern}", given, found)
        return present(TableList=[{**table, "CatalogId": self._account} for table in shown], NextToken=token)

    def create_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateTable."""
        database = self._database(given["DatabaseName"])["Name"]
        if given.get("OpenTableFormatInput"):
            raise Failure("InvalidInputException", "this sandbox makes Iceberg tables of a metadata_location only")
        made = self._made(database, given["TableInput"])
        if self._catalogue.has_table(database, made["Name"]):
            raise Failure("AlreadyExistsException", f"Table already exists: {database}.{made['Name']}")
        self._catalogue.put_table(made)
        return {}

    def _made(self, database: str, given: dict[str, Any]) -> Table:
        now = wire_time(SystemClock().now())
        return {**given, "Name": given["Name"].lower(), "DatabaseName": database, "CreateTime": now, "UpdateTime": now}

    def update_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateTable: of two that name one VersionId, one is refused. SkipArchive keeps no version of what was."""
        if not given.get("TableInput"):
            raise Failure("InvalidInputException", "this sandbox updates a table by its TableInput only")
        with self._catalogue.state.writing():
            before = self.table_of(given["DatabaseName"], given["TableInput"]["Name"])
            if given.get("VersionId") not in (None, before["VersionId"]):
                raise _changed_meanwhile()
            made = self._made(before["DatabaseName"], given["TableInput"])
            if is_iceberg(before):
                self._swap(before, made)
            else:
                self._catalogue.put_table({**made, "CreateTime": before["CreateTime"]})
            now = self.table_of(before["DatabaseName"], before["Name"])
            if given.get("SkipArchive") and now["VersionId"] != before["VersionId"]:
                forget(self._catalogue, before, before["VersionId"])
        return {}

    def _swap(self, before: Table, made: Table) -> None:
        """Give an Iceberg table the metadata file that is asked for: of two at once, one is refused."""
        current, new = metadata_location(before), metadata_location(made)
        if new is None:
            raise Failure("InvalidInputException", "an Iceberg table needs table_type and metadata_location")
        old = made["Parameters"].get("previous_metadata_location", current) if new != current else current
        try:
            if not self._catalogue.swap_metadata(before["DatabaseName"], before["Name"], old, new):
                raise _changed_meanwhile()
        except SfsError as error:
            raise Failure("InvalidInputException", str(error)) from error

    def delete_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteTable: its objects stay."""
        table = self.table_of(given["DatabaseName"], given["Name"])
        self._catalogue.drop_table(table["DatabaseName"], table["Name"])
        return {}

    def batch_delete_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchDeleteTable: what failed is named."""
        names = given["TablesToDelete"]
        return batch(self.delete_table, [
            ({"TableName": name}, {"DatabaseName": given["DatabaseName"], "Name": name}) for name in names
        ])  # fmt: skip

    def search_tables(self, given: dict[str, Any]) -> dict[str, Any]:
        """SearchTables, over every database."""
        tables = (table for name in self._catalogue.databases() for table in self._catalogue.tables(name))
        found = [{**table, "CatalogId": self._account} for table in searched(tables, given)]
        asked = {name: given.get(name) for name in ("SearchText", "Filters", "SortCriteria")}
        shown, token = page_of(self._tokens, f"search {asked}", given, found)
        return present(TableList=shown, NextToken=token)

    def get_functions(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetUserDefinedFunctions: there are none, since this sandbox makes none."""
        if given.get("DatabaseName"):
            self._database(given["DatabaseName"])
        return {"UserDefinedFunctions": []}
