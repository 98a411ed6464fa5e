"""DuckDB with the catalogue's tables in it: each table that a query names becomes a view over its Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sfs_plugins.sandbox.athena.dialect import MACROS, PATH_COLUMN, parsed, to_duckdb
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.iceberg.tables import holding_microseconds, opened
from sfs_plugins.sandbox.athena.kept_views import is_view, query_of
from sfs_plugins.sandbox.athena.precision import columns_in
from sfs_plugins.sandbox.athena.quoting import is_s3, literal, quoted
from sfs_plugins.sandbox.athena.reading import Reading, Running
from sfs_plugins.sandbox.glue.catalog import Catalogue, Table
from sfs_plugins.sandbox.glue.iceberg import is_iceberg

if TYPE_CHECKING:
    import duckdb

_MEMORY = "512MB"
_HIVE_TYPES = {
    "string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER", "integer": "INTEGER", "smallint": "SMALLINT",
    "tinyint": "TINYINT", "double": "DOUBLE", "float": "FLOAT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP",
    "date": "DATE", "binary": "BLOB",
}  # fmt: skip
_COLLECTION = re.compile(r"array<(.+)>")


def duckdb_type(hive: str) -> str:
    """Return DuckDB's type for a column of the catalogue. Raises QueryFailed."""
    kind = hive.lower().strip()
    collection = _COLLECTION.fullmatch(kind)
    if collection is not None:
        return f"{duckdb_type(collection[1])}[]"
    if kind.startswith(("varchar", "char")):
        return "VARCHAR"
    if kind.startswith("decimal"):
        return kind.upper()
    if kind not in _HIVE_TYPES:
        raise unsupported(f"this sandbox does not read columns of type {hive}")
    return _HIVE_TYPES[kind]


@dataclass(frozen=True)
class Engine:
    """Runs queries over one store's folder."""

    folder: Path
    catalogue: Catalogue
    running: Running = field(default_factory=Running)

    @contextmanager
    def connection(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        """Lend a connection and its scratch folder: it reads the store's objects and nothing else of the disk."""
        import duckdb

        with TemporaryDirectory(prefix="sagemaker-fs-") as scratch, duckdb.connect() as connection:
            connection.execute("SET integer_division = true")
            for macro in MACROS:
                connection.execute(macro)
            for setting, value in (
                ("memory_limit", _MEMORY), ("threads", 2), ("preserve_insertion_order", True),
                ("temp_directory", scratch), ("TimeZone", "UTC"),
                ("allowed_directories", [str(self.folder / "s3"), scratch]), ("enable_external_access", False),
            ):  # fmt: skip
                connection.execute(f"SET {setting} = {value if not isinstance(value, str) else literal(value)}")
            connection.execute("SET lock_configuration = true")
            yield connection, Path(scratch)

    def bind(self, connection: duckdb.DuckDBPyConnection, query: exp.Expr, reading: Reading, database: str) -> exp.Expr:
        """Make a view of each table that a query names, and return the query over those views. Raises QueryFailed."""
        query = query.copy()
        named = {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)}
        with_path = any(column.name == PATH_COLUMN for column in query.find_all(exp.Column))
        for node in list(query.find_all(exp.Table)):
            if not isinstance(node.this, exp.Identifier) or (not node.db and node.name.lower() in named):
                continue
            version = node.args.get("version")
            key = ((node.db or database).lower(), node.name.lower(), version.sql() if version else "")
            view = self._view(connection, (*key, "with path" if with_path else ""), reading, version)
            alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower(), quoted=True))
            node.replace(exp.Table(this=exp.to_identifier(view), alias=alias, joins=node.args.get("joins")))
        return query

    def _view(
        self, connection: duckdb.DuckDBPyConnection, key: tuple[str, ...], reading: Reading, version: exp.Expr | None
    ) -> str:
        """Return the name of the view that shows a table, made where it is not there yet."""
        if key not in reading.views:
            made = reading.views[key] = f"table_{len(reading.views)}"
            sql = self._source(connection, key, reading, version)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {made} AS {sql}")
        return reading.views[key]

    def _source(
        self, connection: duckdb.DuckDBPyConnection, key: tuple[str, ...], reading: Reading, version: exp.Expr | None
    ) -> str:
        name, _, part = key[1].partition("$")
        table = self.table(key[0], name)
        if is_iceberg(table):
            if not part:
                reading.columns[reading.views[key]] = holding_microseconds(self.iceberg_table(table, reading))
            return self._snapshot(connection, table, part, reading, version, with_path=bool(key[3]))
        if part:
            raise QueryFailed(f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{key[0]}.{key[1]}' does not exist")
        if version is not None:
            raise unsupported("time travel needs an Iceberg table")
        if is_view(table):
            query, database = query_of(table)
            bound = self.bind(connection, parsed(query, ()), reading, database)
            reading.columns[reading.views[key]] = columns_in(bound, reading.columns)
            return to_duckdb(bound)
        return self._select(table, reading, with_path=bool(key[3]))

    def _snapshot(
        self, connection: duckdb.DuckDBPyConnection, table: Table, part: str, reading: Reading,
        version: exp.Expr | None, *, with_path: bool,
    ) -> str:  # fmt: skip
        from sfs_plugins.sandbox.athena.iceberg import reading as iceberg

        scratch = reading.scratch / f"table-{len(reading.views)}"
        with self.running.lock:
            found = self.iceberg_table(table, reading)
            if part:
                return iceberg.about(found, part, scratch).sql
            named = f'"{table["DatabaseName"]}"."{table["Name"]}"'
            snapshot = None if version is None else iceberg.travelled(connection, found, named, version)
            source = iceberg.source(found, snapshot, scratch, with_path=with_path)
            reading.opened(source.files)
        return source.sql

    def iceberg_table(self, table: Table, reading: Reading) -> Any:
        """Return an Iceberg table as it was when the statement first asked for it. Raises QueryFailed."""
        key = (table["DatabaseName"], table["Name"])
        if key not in reading.tables:
            reading.tables[key] = opened(self.catalogue, table)
        return reading.tables[key]

    def _select(self, table: Table, reading: Reading, *, with_path: bool) -> str:
        columns = table["StorageDescriptor"]["Columns"]
        parts = [column["Name"] for column in table.get("PartitionKeys") or ()]
        typed = [(column["Name"].lower(), duckdb_type(column["Type"])) for column in columns]
        typed += [(name.lower(), "VARCHAR") for name in parts]
        empty = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in typed)
        empty = f"SELECT {empty}, NULL::VARCHAR AS filename WHERE false"
        files = self.files(table["StorageDescriptor"]["Location"])
        reading.opened(files)
        shown = [*(quoted(name) for name, _ in typed)]
        if with_path:
            shown.append(
                f"replace(filename, {literal(str(self.folder / 's3') + '/')}, 's3://') AS {quoted(PATH_COLUMN)}"
            )
        source = empty
        if files:
            listed = ", ".join(literal(str(file)) for file in files)
            hive = "true" if parts else "false"
            source += (
                f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, filename = true, "
                f"hive_partitioning = {hive}, hive_types_autocast = false)"
            )
        for partition, place in self._elsewhere(table):
            named = zip(parts, partition, strict=True)
            told = ", ".join(f"{literal(value)} AS {quoted(name)}" for name, value in named)
            listed = ", ".join(literal(str(file)) for file in place)
            source += (
                f" UNION ALL BY NAME SELECT *, {told} FROM read_parquet([{listed}], union_by_name = true, "
                "filename = true, hive_partitioning = false)"
            )
            reading.opened(place)
        cast = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in typed)
        return f"SELECT {', '.join(shown)} FROM (SELECT {cast}, filename FROM ({source}))"

    def table(self, database: str, name: str) -> Table:
        """Return a table. Raises QueryFailed."""
        if database not in self.catalogue.databases():
            raise QueryFailed(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist")
        table = self.catalogue.table(database, name)
        if table is None:
            raise QueryFailed(f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist")
        if is_view(table) or is_iceberg(table):
            return table
        serde = str(_inner(table, "StorageDescriptor", "SerdeInfo", "SerializationLibrary") or "parquet")
        if "parquet" not in serde.lower():
            raise unsupported(f"this sandbox reads Parquet tables only, and {database}.{name} is kept by {serde}")
        return table

    def _elsewhere(self, table: Table) -> Iterator[tuple[list[str], list[Path]]]:
        """Yield values and files of the partitions that are registered at places outside their table's."""
        root = self.path(table["StorageDescriptor"]["Location"])
        for partition in self.catalogue.partitions(table["DatabaseName"], table["Name"]):
            location = _inner(partition, "StorageDescriptor", "Location") or ""
            if is_s3(location) and not self.path(location).is_relative_to(root) and (files := self.files(location)):
                yield partition["Values"], files

    def path(self, location: str) -> Path:
        """Return the folder of a location."""
        return self.folder / "s3" / location.partition("://")[2].strip("/")

    def files(self, location: str) -> list[Path]:
        """Return the files under a location, hidden ones (`_` or `.` first) left out, in order."""
        root = self.path(location)
        found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(path for path in found if not path.name.startswith(("_", ".")) and path.stat().st_size)


def _inner(content: dict[str, Any], *names: str) -> Any:
    value: Any = content
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
