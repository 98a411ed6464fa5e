"""Statements carried out: queries, UNLOAD, CTAS, INSERT, and the DDL that clients send."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sfs_core import SystemClock
from sfs_plugins.sandbox.athena.definitions import (
    catalogued,
    catalogued_from,
    dropped,
    made_database,
    properties,
    shown,
    shown_columns,
)
from sfs_plugins.sandbox.athena.dialect import parsed, to_duckdb
from sfs_plugins.sandbox.athena.engine import Engine, duckdb_type, literal, quoted
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.output import Column, Format, Output, as_texts, columns_of, hive_type
from sfs_plugins.sandbox.athena.workgroups import is_s3
from sfs_plugins.sandbox.json_service import wire_time

if TYPE_CHECKING:
    import duckdb

_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<to>[^']*)'\s*(?:WITH\s*\((?P<how>.*)\))?\s*;?\s*", re.I | re.S
)
_OPTION = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|ARRAY\s*\[([^\]]*)\])", re.IGNORECASE)


@dataclass
class Outcome:
    """What a statement came to. `kind` is DML, DDL or UTILITY; `rows` counts those of a result."""

    kind: str
    sub_type: str
    columns: list[Column] = field(default_factory=list)
    has_header: bool = True
    output: str = ""
    manifest: str | None = None
    update_count: int | None = None


@dataclass(frozen=True)
class Statement:
    """One statement: its text, its parameters, the database it speaks of, where its output goes, and its id."""

    id: str
    query: str
    parameters: Sequence[str]
    database: str
    location: str
    results: Path
    """Where the rows are kept for GetQueryResults, as Parquet of texts."""

    @property
    def prefix(self) -> str:
        """Return the location without a slash at its end."""
        return self.location.rstrip("/")


@dataclass(frozen=True)
class Statements:
    """Carries statements out, over one engine."""

    engine: Engine
    output: Output

    def run(self, statement: Statement, started: Any) -> Outcome:
        """Carry a statement out; `started` gets the connection, so that it can be interrupted. Raises QueryFailed."""
        import duckdb

        try:
            with self.engine.connection() as (connection, scratch):
                started(connection)
                return self._run(statement, connection, scratch)
        except duckdb.Error as error:
            raise QueryFailed(_reason(error)) from error

    def _run(self, statement: Statement, connection: duckdb.DuckDBPyConnection, scratch: Path) -> Outcome:
        unload = _UNLOAD.fullmatch(statement.query)
        if unload is not None:
            return self._unload(statement, unload, connection, scratch)
        tree = parsed(statement.query, statement.parameters)
        if isinstance(tree, (exp.Query, exp.Values)):
            return self._select(statement, tree, connection, scratch)
        if isinstance(tree, exp.Create) and tree.expression is not None and tree.kind == "TABLE":
            return self._create_as(statement, tree, connection, scratch)
        if isinstance(tree, exp.Insert):
            return self._insert(statement, tree, connection, scratch)
        if isinstance(tree, (exp.Delete, exp.Update, exp.Merge)):
            raise unsupported("Modifying Hive table rows is only supported for transactional tables")
        return self._define(statement, tree)

    # queries

    def _bound(self, statement: Statement, tree: exp.Expr, connection: duckdb.DuckDBPyConnection) -> str:
        return to_duckdb(self.engine.bind(connection, tree, statement.database))

    def _select(
        self, statement: Statement, tree: exp.Expr, connection: duckdb.DuckDBPyConnection, scratch: Path
    ) -> Outcome:
        sql = self._bound(statement, tree, connection)
        columns = columns_of(connection, sql)
        rows, csv = scratch / "rows.parquet", scratch / "rows.csv"
        names = ", ".join(quoted(column.name) for column in columns)
        texts = f"SELECT {as_texts(columns)} FROM ({sql}) AS query({names})"
        connection.execute(f"COPY ({texts}) TO {literal(str(rows))} (FORMAT parquet)")
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({literal(str(rows))})) TO {literal(str(csv))} "
            "(FORMAT csv, HEADER true, FORCE_QUOTE *)"
        )
        self._keep(statement, rows)
        target = f"{statement.prefix}/{statement.id}.csv"
        self.output.put(target, csv)
        self.output.put_text(f"{target}.metadata", "")
        return Outcome("DML", "SELECT", columns, output=target)

    def _keep(self, statement: Statement, rows: Path) -> None:
        statement.results.parent.mkdir(parents=True, exist_ok=True)
        statement.results.write_bytes(rows.read_bytes())

    def _unload(
        self, statement: Statement, found: re.Match[str], connection: duckdb.DuckDBPyConnection, scratch: Path
    ) -> Outcome:
        given = {one[1].lower(): one[2] or _names(one[3]) for one in _OPTION.finditer(found["how"] or "")}
        how = Format(
            str(given.get("format") or "TEXTFILE"), given.get("compression"),
            tuple(given.get("partitioned_by") or ()), str(given.get("field_delimiter") or "\x01"),
        )  # fmt: skip
        target = found["to"]
        if not is_s3(target):
            raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: {target} is not an S3 location")
        if not how.partitioned_by and self.engine.files(target):
            raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Unload target directory is not empty: {target}")
        sql = self._bound(statement, parsed(found["query"], statement.parameters), connection)
        for column in columns_of(connection, sql):
            hive_type(column.duckdb)
        made = self.output.files(connection, sql, scratch, how, target)
        manifest = f"{statement.prefix}/{statement.id}-manifest.csv"
        self.output.put_text(manifest, "".join(f"{uri}\n" for uri in made))
        self.output.put_text(f"{statement.prefix}/{statement.id}.metadata", "")
        return Outcome("DML", "UNLOAD", output=f"{statement.prefix}/{statement.id}", manifest=manifest)

    def _create_as(
        self, statement: Statement, tree: exp.Create, connection: duckdb.DuckDBPyConnection, scratch: Path
    ) -> Outcome:
        database, name = (tree.this.db or statement.database).lower(), tree.this.name.lower()
        if database not in self.engine.catalogue.databases():
            raise QueryFailed(f"SCHEMA_NOT_FOUND: Schema {database} does not exist")
        if self.engine.catalogue.has_table(database, name):
            raise QueryFailed(f"TABLE_ALREADY_EXISTS: line 1:1: Table '{database}.{name}' already exists")
        given = properties(tree)
        how = Format(
            str(given.get("format") or "PARQUET"),
            given.get("write_compression") or given.get("parquet_compression"),
            tuple(given.get("partitioned_by") or ()),
        )
        if how.name.upper() != "PARQUET":
            raise unsupported(f"this sandbox makes Parquet tables only, not {how.name}")
        location = str(given.get("external_location") or f"{statement.prefix}/tables/{statement.id}/")
        if self.engine.files(location):
            raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: {location}")
        sql = self._bound(statement, tree.expression, connection)
        columns = columns_of(connection, sql)
        typed = [(column.name, hive_type(column.duckdb)) for column in columns]
        made = self.output.files(connection, sql, scratch, how, location)
        now = wire_time(SystemClock().now())
        self.engine.catalogue.put_table(catalogued(database, name, typed, how.partitioned_by, location, now))
        manifest = f"{statement.prefix}/tables/{statement.id}-manifest.csv"
        self.output.put_text(manifest, "".join(f"{uri}\n" for uri in made))
        output = f"{statement.prefix}/tables/{statement.id}"
        self.output.put_text(f"{output}.metadata", "")
        return Outcome("DDL", "CREATE_TABLE_AS_SELECT", output=output, manifest=manifest)

    def _insert(
        self, statement: Statement, tree: exp.Insert, connection: duckdb.DuckDBPyConnection, scratch: Path
    ) -> Outcome:
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        named = [one.name.lower() for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
        table = self.engine.table((target.db or statement.database).lower(), target.name.lower())
        typed = {column["Name"]: duckdb_type(column["Type"]) for column in table["StorageDescriptor"]["Columns"]}
        parts = tuple(column["Name"] for column in table.get("PartitionKeys") or ())
        typed |= dict.fromkeys(parts, "VARCHAR")
        given = named or list(typed)
        sql = self._bound(statement, tree.expression, connection)
        if len(columns_of(connection, sql)) != len(given):
            raise QueryFailed("TYPE_MISMATCH: Insert query has mismatched column types")
        cast = ", ".join(
            f"CAST({quoted(name) if name in given else 'NULL'} AS {kind}) AS {quoted(name)}"
            for name, kind in typed.items()
        )
        names = ", ".join(quoted(name) for name in given)
        rows = f"SELECT {cast} FROM ({sql}) AS query({names})"
        how = Format("PARQUET", "gzip", parts)
        made = self.output.files(connection, rows, scratch, how, table["StorageDescriptor"]["Location"])
        manifest = f"{statement.prefix}/{statement.id}-manifest.csv"
        self.output.put_text(manifest, "".join(f"{uri}\n" for uri in made))
        return Outcome("DML", "INSERT", output=f"{statement.prefix}/{statement.id}", manifest=manifest)

    # definitions

    def _define(self, statement: Statement, tree: exp.Expr) -> Outcome:
        catalogue = self.engine.catalogue
        text = statement.query.strip().rstrip(";").strip()
        verb = text.split()[0].upper()
        target = f"{statement.prefix}/{statement.id}.txt"
        lines: list[str] = []
        if isinstance(tree, exp.Create) and tree.kind in ("DATABASE", "SCHEMA"):
            made_database(catalogue, tree)
        elif isinstance(tree, exp.Create) and tree.kind == "TABLE":
            table = catalogued_from(tree, statement.database)
            if not catalogue.has_table(table["DatabaseName"], table["Name"]):
                catalogue.put_table(table)
            elif not tree.args.get("exists"):
                raise QueryFailed(
                    f"FAILED: Execution Error: AlreadyExistsException: Table {table['Name']} already exists"
                )
        elif isinstance(tree, exp.Drop):
            dropped(catalogue, tree, statement.database)
        elif verb in ("SHOW", "DESCRIBE", "MSCK", "ALTER"):
            lines = shown(catalogue, text, statement.database)
        elif verb in ("OPTIMIZE", "VACUUM"):
            raise unsupported(f"{verb} needs an Iceberg table")
        else:
            raise unsupported(f"this sandbox does not carry out {verb} statements")
        self.output.put_text(target, "".join(f"{line}\n" for line in lines))
        self._keep_lines(statement, lines)
        columns = [Column(name, "string", "VARCHAR") for name in shown_columns(text)] if lines else []
        return Outcome("DDL", verb, columns, has_header=False, output=target)

    def _keep_lines(self, statement: Statement, lines: list[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        statement.results.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"result": pa.array(lines, pa.string())}), statement.results)


def _names(text: str | None) -> Any:
    return [one.strip().strip("'").lower() for one in (text or "").split(",") if one.strip()] or None


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    code = {"BinderException": "COLUMN_NOT_FOUND", "ConversionException": "INVALID_CAST_ARGUMENT"}
    return f"{code.get(type(error).__name__, 'GENERIC_USER_ERROR')}: {text}"
