"""Glue's operations on databases, tables and partitions."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

from sfs_core import SystemClock
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.json_service import JsonService, Operation, present, wire_time
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

_PAGE = 100


def glue(catalogue: Catalogue, tokens: Tokens, account: str, pool: Executor) -> JsonService:
    """Return the Glue service."""
    of = GlueOperations(catalogue, tokens, account)
    operations: dict[str, Operation] = {
        "GetDatabase": of.get_database, "GetDatabases": of.get_databases, "CreateDatabase": of.create_database,
        "DeleteDatabase": of.delete_database, "GetTable": of.get_table, "GetTables": of.get_tables,
        "CreateTable": of.create_table, "UpdateTable": of.update_table, "DeleteTable": of.delete_table,
        "BatchDeleteTable": of.batch_delete_table, "GetPartitions": of.get_partitions,
        "GetPartition": of.get_partition, "CreatePartition": of.create_partition,
        "BatchCreatePartition": of.batch_create_partition, "DeletePartition": of.delete_partition,
    }  # fmt: skip
    return JsonService("glue", "AWSGlue", operations, pool, "InvalidInputException")


def not_found(what: str) -> Failure:
    """Return the failure of a thing that is not catalogued."""
    return Failure("EntityNotFoundException", f"{what} not found.")


class GlueOperations:
    """The operations, over one catalogue."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens, account: str) -> None:
        self._catalogue, self._tokens, self._account = catalogue, tokens, account

    def _page(self, about: str, given: dict[str, Any], found: Sequence[Any]) -> tuple[Sequence[Any], str | None]:
        try:
            start = int(self._tokens.read(about, given["NextToken"])) if given.get("NextToken") else 0
        except BadToken as error:
            raise Failure("InvalidInputException", "NextToken is not valid") from error
        end = start + (given.get("MaxResults") or _PAGE)
        return found[start:end], self._tokens.make(about, end) if end < len(found) else None

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
        shown, token = self._page("databases", given, found)
        return present(DatabaseList=shown, NextToken=token)

    def create_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateDatabase."""
        made = {**given["DatabaseInput"], "Name": given["DatabaseInput"]["Name"].lower()}
        if made["Name"] in self._catalogue.databases():
            raise Failure("AlreadyExistsException", f"Database {made['Name']} already exists.")
        self._catalogue.put_database({**made, "CreateTime": wire_time(SystemClock().now())})
        return {}

    def delete_database(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteDatabase, with its tables."""
        self._catalogue.drop_database(self._database(given["Name"])["Name"])
        return {}

    # tables

    def _table(self, database: str, name: str) -> Table:
        self._database(database)
        table = self._catalogue.table(database, name)
        if table is None:
            raise not_found(f"Entity Not Found: table {database}.{name}")
        return {**table, "CatalogId": self._account}

    def get_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTable."""
        return {"Table": self._table(given["DatabaseName"], given["Name"])}

    def get_tables(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetTables; the expression is a regular one, as Glue's."""
        database = self._database(given["DatabaseName"])["Name"]
        try:
            expression = re.compile(given.get("Expression") or ".*", re.IGNORECASE)
        except re.error as error:
            raise Failure("InvalidInputException", f"Expression is not valid: {error}") from error
        found = [t for t in self._catalogue.tables(database) if expression.fullmatch(t["Name"])]
        shown, token = self._page(f"tables {database} {expression.pattern}", given, found)
        return present(TableList=[{**table, "CatalogId": self._account} for table in shown], NextToken=token)

    def create_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateTable."""
        database = self._database(given["DatabaseName"])["Name"]
        made = self._made(database, given["TableInput"])
        if self._catalogue.has_table(database, made["Name"]):
            raise Failure("AlreadyExistsException", f"Table already exists: {database}.{made['Name']}")
        self._catalogue.put_table(made)
        return {}

    def _made(self, database: str, given: dict[str, Any]) -> Table:
        now = wire_time(SystemClock().now())
        return {**given, "Name": given["Name"].lower(), "DatabaseName": database, "CreateTime": now, "UpdateTime": now}

    def update_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateTable."""
        before = self._table(given["DatabaseName"], given["TableInput"]["Name"])
        made = self._made(before["DatabaseName"], given["TableInput"])
        self._catalogue.put_table({**made, "CreateTime": before["CreateTime"]})
        return {}

    def delete_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteTable: its objects stay."""
        table = self._table(given["DatabaseName"], given["Name"])
        self._catalogue.drop_table(table["DatabaseName"], table["Name"])
        return {}

    def batch_delete_table(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchDeleteTable: what failed is named."""
        errors = []
        for name in given["TablesToDelete"]:
            try:
                self.delete_table({"DatabaseName": given["DatabaseName"], "Name": name})
            except Failure as failure:
                detail = {"ErrorCode": failure.code, "ErrorMessage": failure.message}
                errors.append({"TableName": name, "ErrorDetail": detail})
        return {"Errors": errors}

    # partitions

    def _partitions(self, database: str, name: str) -> dict[str, dict[str, Any]]:
        self._table(database, name)
        query = "SELECT partition_values, definition FROM glue_partitions WHERE database = ? AND name = ? ORDER BY 1"
        with self._catalogue.state.reading() as connection:
            rows = connection.execute(query, (database.lower(), name.lower())).fetchall()
        return {values: json.loads(definition) for values, definition in rows}

    def get_partitions(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPartitions, without an expression."""
        if given.get("Expression"):
            raise Failure("InvalidInputException", "this sandbox lists partitions without an Expression only")
        found = list(self._partitions(given["DatabaseName"], given["TableName"]).values())
        shown, token = self._page(f"partitions {given['DatabaseName']}.{given['TableName']}", given, found)
        return present(Partitions=shown, NextToken=token)

    def get_partition(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPartition."""
        found = self._partitions(given["DatabaseName"], given["TableName"]).get(json.dumps(given["PartitionValues"]))
        if found is None:
            raise not_found(f"Partition {given['PartitionValues']}")
        return {"Partition": found}

    def create_partition(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreatePartition."""
        made, database, name = given["PartitionInput"], given["DatabaseName"].lower(), given["TableName"].lower()
        values = json.dumps(made.get("Values") or [])
        if values in self._partitions(database, name):
            raise Failure("AlreadyExistsException", f"Partition already exists: {values}")
        definition = {
            **made,
            "DatabaseName": database,
            "TableName": name,
            "CreationTime": wire_time(SystemClock().now()),
        }
        with self._catalogue.state.writing() as connection:
            row = (database, name, values, json.dumps(definition))
            connection.execute("INSERT INTO glue_partitions VALUES (?, ?, ?, ?)", row)
        return {}

    def batch_create_partition(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchCreatePartition: what failed is named."""
        errors = []
        for made in given["PartitionInputList"]:
            try:
                self.create_partition({**given, "PartitionInput": made})
            except Failure as failure:
                detail = {"ErrorCode": failure.code, "ErrorMessage": failure.message}
                errors.append({"PartitionValues": made.get("Values"), "ErrorDetail": detail})
        return {"Errors": errors}

    def delete_partition(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeletePartition."""
        self.get_partition(given)
        where = "database = ? AND name = ? AND partition_values = ?"
        values = (given["DatabaseName"].lower(), given["TableName"].lower(), json.dumps(given["PartitionValues"]))
        with self._catalogue.state.writing() as connection:
            connection.execute(f"DELETE FROM glue_partitions WHERE {where}", values)
        return {}
