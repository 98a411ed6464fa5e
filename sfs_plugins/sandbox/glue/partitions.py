"""Glue's operations on the partitions of a table: registered by clients, never by Feature Store."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sfs_core import SystemClock
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.glue.pages import batch, not_found, page_of
from sfs_plugins.sandbox.json_service import Operation, present, wire_time
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.wire import Failure

Partition = dict[str, Any]


class Partitions:
    """The operations on partitions. `table_of` finds a table or raises Failure."""

    def __init__(self, catalogue: Catalogue, tokens: Tokens, table_of: Callable[[str, str], Table]) -> None:
        self._catalogue, self._tokens, self._table_of = catalogue, tokens, table_of

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        return {
            "GetPartitions": self.listed, "GetPartition": self.get, "BatchGetPartition": self.batch_get,
            "CreatePartition": self.create, "BatchCreatePartition": self.batch_create, "UpdatePartition": self.update,
            "BatchUpdatePartition": self.batch_update, "DeletePartition": self.delete,
            "BatchDeletePartition": self.batch_delete, "GetPartitionIndexes": self.indexes,
        }  # fmt: skip

    def _of(self, given: dict[str, Any]) -> dict[str, Partition]:
        """Return a table's partitions by their values, in the order of these."""
        database, name = given["DatabaseName"].lower(), given["TableName"].lower()
        self._table_of(database, name)
        query = "SELECT partition_values, definition FROM glue_partitions WHERE database = ? AND name = ? ORDER BY 1"
        with self._catalogue.state.reading() as connection:
            rows = connection.execute(query, (database, name)).fetchall()
        return {values: json.loads(definition) for values, definition in rows}

    def _find(self, given: dict[str, Any], values: Sequence[str]) -> Partition:
        found = self._of(given).get(json.dumps(values))
        if found is None:
            raise not_found(f"Partition {values}")
        return found

    def _write(self, given: dict[str, Any], made: Partition, created: Any) -> None:
        database, name = given["DatabaseName"].lower(), given["TableName"].lower()
        definition = {**made, "DatabaseName": database, "TableName": name, "CreationTime": created}
        with self._catalogue.state.writing() as connection:
            row = (database, name, json.dumps(made.get("Values") or []), json.dumps(definition))
            connection.execute("INSERT OR REPLACE INTO glue_partitions VALUES (?, ?, ?, ?)", row)

    def _remove(self, given: dict[str, Any], values: Sequence[str]) -> None:
        where = (given["DatabaseName"].lower(), given["TableName"].lower(), json.dumps(values))
        with self._catalogue.state.writing() as connection:
            connection.execute(
                "DELETE FROM glue_partitions WHERE database = ? AND name = ? AND partition_values = ?", where
            )

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPartitions; the expression is SQL over the partition columns."""
        found, expression = list(self._of(given).values()), given.get("Expression") or ""
        if expression.strip():
            found = _chosen(found, self._table_of(given["DatabaseName"], given["TableName"]), expression)
        about = f"partitions {given['DatabaseName']}.{given['TableName']} {expression}"
        shown, token = page_of(self._tokens, about, given, found)
        return present(Partitions=shown, NextToken=token)

    def indexes(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPartitionIndexes: a table has none, since this sandbox makes none."""
        self._table_of(given["DatabaseName"], given["TableName"])
        return {"PartitionIndexDescriptorList": []}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetPartition."""
        return {"Partition": self._find(given, given["PartitionValues"])}

    def batch_get(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchGetPartition: those that are not there are left out."""
        known = self._of(given)
        wanted = [json.dumps(one["Values"]) for one in given["PartitionsToGet"]]
        return {"Partitions": [known[values] for values in wanted if values in known], "UnprocessedKeys": []}

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreatePartition."""
        made = given["PartitionInput"]
        if json.dumps(made.get("Values") or []) in self._of(given):
            raise Failure("AlreadyExistsException", f"Partition already exists: {made.get('Values')}")
        self._write(given, made, wire_time(SystemClock().now()))
        return {}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdatePartition: its values may change too."""
        before, made = self._find(given, given["PartitionValueList"]), given["PartitionInput"]
        made = {**made, "Values": made.get("Values") or given["PartitionValueList"]}
        with self._catalogue.state.writing():
            self._remove(given, given["PartitionValueList"])
            self._write(given, made, before["CreationTime"])
        return {}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeletePartition: its objects stay."""
        self._find(given, given["PartitionValues"])
        self._remove(given, given["PartitionValues"])
        return {}

    def batch_create(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchCreatePartition: what failed is named."""
        return batch(self.create, [
            ({"PartitionValues": one.get("Values")}, {**given, "PartitionInput": one})
            for one in given["PartitionInputList"]
        ])  # fmt: skip

    def batch_update(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchUpdatePartition: what failed is named."""
        return batch(self.update, [
            ({"PartitionValueList": one["PartitionValueList"]}, {**given, **one}) for one in given["Entries"]
        ])  # fmt: skip

    def batch_delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchDeletePartition: what failed is named."""
        values = [one["Values"] for one in given["PartitionsToDelete"]]
        names = [{"PartitionValues": one} for one in values]
        return batch(self.delete, [(name, {**given, **name}) for name in names])


def _chosen(found: list[Partition], table: Table, expression: str) -> list[Partition]:
    """Return the partitions for which an expression holds. Raises Failure."""
    import duckdb

    from sfs_plugins.sandbox.athena.engine import duckdb_type
    from sfs_plugins.sandbox.athena.quoting import quoted

    columns = [(part["Name"], duckdb_type(part["Type"])) for part in table.get("PartitionKeys") or ()]
    typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
    places = ", ".join("?" for _ in ("number", *columns))
    with duckdb.connect(config={"enable_external_access": False}) as connection:
        connection.execute(f"CREATE TABLE partitions (partition_number BIGINT, {typed})")
        for number, partition in enumerate(found):
            connection.execute(f"INSERT INTO partitions VALUES ({places})", [number, *partition["Values"]])
        try:
            query = f"SELECT partition_number FROM partitions WHERE ({expression}) ORDER BY 1"
            numbers = connection.execute(query).fetchall()
        except duckdb.Error as error:
            problem = f"Unsupported expression: {str(error).splitlines()[0]}"
            raise Failure("InvalidInputException", problem) from error
    return [found[row[0]] for row in numbers]
