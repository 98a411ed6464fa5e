"""What is catalogued: databases and tables written down here, and the tables that live feature groups have.

A group's table is described from the group as it is, so that added features are columns at once; it is written down
when the group is deleted, because it outlives the group.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    FeatureGroup,
    FeatureType,
    GroupQuery,
    GroupStatus,
    SfsError,
    SystemClock,
    TableFormat,
)
from sfs_plugins.sandbox.glue.iceberg import (
    LEFT_AT,
    catalogued,
    described,
    is_iceberg,
    last_metadata,
    metadata_location,
)
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.json_service import wire_time
from sfs_plugins.sandbox.state import State

FEATURE_STORE_DATABASE = "sagemaker_featurestore"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS glue_databases (name TEXT PRIMARY KEY, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS glue_tables (
    database TEXT, name TEXT, definition TEXT NOT NULL, PRIMARY KEY (database, name));
CREATE TABLE IF NOT EXISTS glue_dropped (
    database TEXT, name TEXT, created INTEGER, PRIMARY KEY (database, name, created));
CREATE TABLE IF NOT EXISTS glue_partitions (
    database TEXT, name TEXT, partition_values TEXT, definition TEXT NOT NULL,
    PRIMARY KEY (database, name, partition_values));
CREATE TABLE IF NOT EXISTS glue_versions (
    database TEXT, name TEXT, version INTEGER, mark TEXT NOT NULL, definition TEXT NOT NULL,
    PRIMARY KEY (database, name, version));
"""
_COLUMN_TYPES = {FeatureType.STRING: "string", FeatureType.INTEGRAL: "bigint", FeatureType.FRACTIONAL: "double"}
Table = dict[str, Any]


class Catalogue:
    """Databases and tables by name, in lower case."""

    def __init__(self, store: FolderStore, state: State) -> None:
        self._store, self.state = store, state
        state.declare(_SCHEMA)

    @property
    def account(self) -> str:
        """The account whose catalogue this is."""
        return self._store.identity().account

    # databases

    def databases(self) -> dict[str, dict[str, Any]]:
        """Return every database by name."""
        with self.state.reading() as connection:
            rows = connection.execute("SELECT name, definition FROM glue_databases").fetchall()
        found = {name: json.loads(definition) for name, definition in rows}
        for table in self._group_tables():
            found.setdefault(table["DatabaseName"], {"Name": table["DatabaseName"], "CreateTime": table["CreateTime"]})
        found.setdefault("default", {"Name": "default", "CreateTime": 0.0})
        return dict(sorted(found.items()))

    def put_database(self, definition: dict[str, Any]) -> None:
        """Write a database down."""
        with self.state.writing() as connection:
            row = (definition["Name"], json.dumps(definition))
            connection.execute("INSERT OR REPLACE INTO glue_databases VALUES (?, ?)", row)

    def drop_database(self, name: str) -> None:
        """Strike out a database and its tables."""
        for table in self.tables(name):
            self.drop_table(name, table["Name"])
        with self.state.writing() as connection:
            connection.execute("DELETE FROM glue_databases WHERE name = ?", (name,))

    # tables

    def tables(self, database: str) -> list[Table]:
        """Return the tables of a database, by name."""
        with self.state.reading() as connection:
            rows = connection.execute("SELECT definition FROM glue_tables WHERE database = ?", (database,)).fetchall()
        of_groups = {table["Name"]: table for table in self._group_tables() if table["DatabaseName"] == database}
        found = of_groups | {table["Name"]: table for table in (self._finished(json.loads(row[0])) for row in rows)}
        # a live group's pointer is its store's, whatever was written down of it
        found |= {name: table for name, table in of_groups.items() if is_iceberg(table)}
        return [described(found[name], self.state.folder) for name in sorted(found)]

    def _finished(self, table: Table) -> Table:
        """Return a written table; one that a group has left gets the metadata file that was the group's last."""
        last = last_metadata(table, self.state.folder)
        if last is not None:
            table = {**table, "Parameters": {**table["Parameters"], "metadata_location": last}}
            del table[LEFT_AT]
            self.put_table(table)
        return table

    def table(self, database: str, name: str) -> Table | None:
        """Return a table, or None."""
        database, name = database.lower(), name.lower()
        return next((table for table in self.tables(database) if table["Name"] == name), None)

    def has_table(self, database: str, table: str) -> bool:
        """Tell whether a table is catalogued."""
        return self.table(database, table) is not None

    def places(self) -> Iterator[tuple[tuple[str, str], str]]:
        """Yield where every table lies, and every feature group's root: database and name, then the URI."""
        for database in self.databases():
            for table in self.tables(database):
                location = (table.get("StorageDescriptor") or {}).get("Location")
                if location:
                    yield (database, table["Name"]), location
        for group in self._groups():
            if group.offline is not None and group.offline.root is not None:
                yield _names(group), group.offline.root

    def put_table(self, table: Table) -> None:
        """Write a table down, or write it anew."""
        with self.state.writing() as connection:
            row = (table["DatabaseName"], table["Name"], json.dumps(table))
            connection.execute("INSERT OR REPLACE INTO glue_tables VALUES (?, ?, ?)", row)

    def swap_metadata(self, database: str, name: str, old: str | None, new: str) -> bool:
        """Make `new` the metadata file of an Iceberg table if `old` was, and tell whether it was: atomic and durable.

        Raises SfsError for a file that is not under the root of the live feature group whose table it is.
        """
        group = self.group_of(database, name)
        if group is not None:
            return self._store.swap_table_metadata(group, old, new)
        with self.state.writing() as connection:
            query = "SELECT definition FROM glue_tables WHERE database = ? AND name = ?"
            row = connection.execute(query, (database, name)).fetchone()
            table = None if row is None else self._finished(json.loads(row[0]))
            # what a group is about to leave is not to be changed before it has left it
            if table is not None and LEFT_AT not in table and metadata_location(table) == old:
                parameters = {**table["Parameters"], "metadata_location": new}
                self.put_table({**table, "Parameters": parameters, "UpdateTime": wire_time(SystemClock().now())})
                return True
        return False

    def group_of(self, database: str, name: str) -> FeatureGroup | None:
        """Return the live feature group whose Iceberg table this is, if it is one's."""
        groups = (group for group in self._catalogued() if _names(group) == (database, name))
        return next((group for group in groups if _keeps_iceberg(group)), None)

    def is_a_groups(self, database: str, name: str) -> bool:
        """Tell whether a table is that of a feature group that is there, if only to be deleted."""
        return any(_names(group) == (database, name) for group in self._catalogued())

    def drop_table(self, database: str, name: str) -> None:
        """Strike out a table, its partitions and its versions; a live group's stays struck out."""
        self._keep_database(database)
        created = [group.created_at for group in self._groups() if _names(group) == (database, name)]
        with self.state.writing() as connection:
            connection.execute("DELETE FROM glue_tables WHERE database = ? AND name = ?", (database, name))
            connection.execute("DELETE FROM glue_partitions WHERE database = ? AND name = ?", (database, name))
            connection.execute("DELETE FROM glue_versions WHERE database = ? AND name = ?", (database, name))
            for instant in created:
                row = (database, name, instant.nanoseconds if instant else 0)
                connection.execute("INSERT OR IGNORE INTO glue_dropped VALUES (?, ?, ?)", row)

    # partitions

    def partitions(self, database: str, name: str) -> list[dict[str, Any]]:
        """Return the partitions registered of a table, by their values."""
        query = "SELECT definition FROM glue_partitions WHERE database = ? AND name = ? ORDER BY partition_values"
        with self.state.reading() as connection:
            return [json.loads(row[0]) for row in connection.execute(query, (database, name)).fetchall()]

    def put_partition(self, table: Table, definition: dict[str, Any]) -> None:
        """Write a partition of a table down, or write it anew."""
        made = {**definition, "DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        row = (table["DatabaseName"], table["Name"], json.dumps(definition["Values"]), json.dumps(made))
        with self.state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO glue_partitions VALUES (?, ?, ?, ?)", row)

    def drop_partition(self, table: Table, values: list[str]) -> None:
        """Strike a partition of a table out, if it is there."""
        where = "database = ? AND name = ? AND partition_values = ?"
        with self.state.writing() as connection:
            row = (table["DatabaseName"], table["Name"], json.dumps(values))
            connection.execute(f"DELETE FROM glue_partitions WHERE {where}", row)

    # tables of groups

    def keep_table_of(self, group: FeatureGroup) -> None:
        """Write a group's table down: the group goes, and its table stays."""
        for table in self._group_tables([group]):
            self._keep_database(table["DatabaseName"])
            if not self._is_written(table):
                left = {LEFT_AT: table["StorageDescriptor"]["Location"]} if is_iceberg(table) else {}
                self.put_table({**table, **left})

    def _keep_database(self, name: str) -> None:
        """Write a database down: it outlives its tables."""
        databases = self.databases()
        if name in databases:
            self.put_database(databases[name])

    def _is_written(self, table: Table) -> bool:
        query = "SELECT 1 FROM glue_tables WHERE database = ? AND name = ?"
        with self.state.reading() as connection:
            return connection.execute(query, (table["DatabaseName"], table["Name"])).fetchone() is not None

    def _groups(self) -> Iterator[FeatureGroup]:
        for name in self._store.groups(GroupQuery()):
            try:
                yield self._store.describe(name)
            except SfsError:
                # deleted meanwhile
                continue

    def _catalogued(self, groups: list[FeatureGroup] | None = None) -> Iterator[FeatureGroup]:
        """Yield the groups whose tables are catalogued."""
        with self.state.reading() as connection:
            dropped = set(connection.execute("SELECT database, name, created FROM glue_dropped").fetchall())
        for group in self._groups() if groups is None else groups:
            if group.offline is None or group.offline.table is None or group.offline.disable_glue_table:
                continue
            key = (*_names(group), group.created_at.nanoseconds if group.created_at else 0)
            if key not in dropped:
                yield group

    def _group_tables(self, groups: list[FeatureGroup] | None = None) -> Iterator[Table]:
        for group in self._catalogued(groups):
            if not _keeps_iceberg(group):
                if group.offline is not None and group.offline.table_format is not TableFormat.ICEBERG:
                    yield table_of(group)
                continue
            metadata = self._store.table_metadata(group)
            if metadata is not None and group.offline is not None:
                root, made = (group.offline.root or "").rstrip("/"), wire_time(group.created_at)
                yield catalogued(*_names(group), root, metadata, made)


def _keeps_iceberg(group: FeatureGroup) -> bool:
    """Tell whether a group has an Iceberg table that is its own: while it is deleted, it leaves that table."""
    is_iceberg_group = group.offline is not None and group.offline.table_format is TableFormat.ICEBERG
    return is_iceberg_group and group.status not in (GroupStatus.DELETING, GroupStatus.CREATE_FAILED)


def _names(group: FeatureGroup) -> tuple[str, str]:
    table = group.offline.table if group.offline else None
    return ("", "") if table is None else (table.database.lower(), table.table.lower())


def table_of(group: FeatureGroup) -> Table:
    """Return a group's table as Glue has it. Source: feature-store-offline."""
    database, name = _names(group)
    columns = [{"Name": feature.name.lower(), "Type": _COLUMN_TYPES[feature.type]} for feature in group.features]
    columns += [
        {"Name": WRITE_TIME, "Type": "timestamp"},
        {"Name": API_INVOCATION_TIME, "Type": "timestamp"},
        {"Name": IS_DELETED, "Type": "boolean"},
    ]
    created = wire_time(group.created_at or SystemClock().now())
    return {
        "Name": name,
        "DatabaseName": database,
        "CreateTime": created,
        "UpdateTime": wire_time(group.last_modified_at) or created,
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": part, "Type": "string"} for part in ("year", "month", "day", "hour")],
        "StorageDescriptor": {
            "Columns": columns,
            "Location": group.offline.resolved_uri if group.offline else "",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
            "StoredAsSubDirectories": False,
        },
    }
