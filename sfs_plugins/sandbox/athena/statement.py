"""A statement on its way: what it says and where it runs, what it has read so far, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from sfs_plugins.sandbox.athena.dialect import to_duckdb
from sfs_plugins.sandbox.athena.engine import Engine
from sfs_plugins.sandbox.athena.output import Column, Output, as_texts, columns_of
from sfs_plugins.sandbox.athena.precision import columns_in
from sfs_plugins.sandbox.athena.quoting import literal, quoted
from sfs_plugins.sandbox.athena.reading import Reading
from sfs_plugins.sandbox.athena.result_metadata import result_metadata

if TYPE_CHECKING:
    import duckdb


@dataclass
class Outcome:
    """What a statement came to. `kind` is DML, DDL or UTILITY; `update_count` counts the rows that were changed."""

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
    workgroup: str = "primary"

    @property
    def prefix(self) -> str:
        """The output location without a slash at its end."""
        return self.location.rstrip("/")

    @property
    def target(self) -> str:
        """The beginning of the names of this statement's own output objects."""
        return f"{self.prefix}/{self.id}"


@dataclass
class Work:
    """One statement being carried out over an engine, with a connection and a scratch folder of its own."""

    engine: Engine
    output: Output
    statement: Statement
    connection: duckdb.DuckDBPyConnection
    scratch: Path
    reading: Reading

    def bound(self, tree: exp.Expr) -> str:
        """Return a query as DuckDB's SQL over the catalogue's tables. Raises QueryFailed."""
        return to_duckdb(self.engine.bind(self.connection, tree, self.reading, self.statement.database))

    def bound_with_columns(self, tree: exp.Expr) -> tuple[str, list[Column]]:
        """Return a query as DuckDB's SQL, and the columns that it gives. Raises QueryFailed."""
        bound = self.engine.bind(self.connection, tree, self.reading, self.statement.database)
        sql, known = to_duckdb(bound), columns_in(bound, self.reading.columns)
        columns = self.columns(sql)
        return sql, [replace(column, has_microseconds=known.get(column.name, False)) for column in columns]

    def columns(self, sql: str) -> list[Column]:
        """Return the columns that a bound query gives."""
        return columns_of(self.connection, sql)

    def keep_rows(self, sql: str, columns: list[Column]) -> None:
        """Write a query's rows down: as the CSV in S3, and for GetQueryResults."""
        rows, csv = self.scratch / "rows.parquet", self.scratch / "rows.csv"
        names = ", ".join(quoted(column.name) for column in columns)
        texts = f"SELECT {as_texts(columns)} FROM ({sql}) AS query({names})"
        self.connection.execute(f"COPY ({texts}) TO {literal(str(rows))} (FORMAT parquet)")
        self.connection.execute(
            f"COPY (SELECT * FROM read_parquet({literal(str(rows))})) TO {literal(str(csv))} "
            "(FORMAT csv, HEADER true, FORCE_QUOTE *)"
        )
        self.statement.results.parent.mkdir(parents=True, exist_ok=True)
        self.statement.results.write_bytes(rows.read_bytes())
        self.output.put(f"{self.statement.target}.csv", csv)
        self.keep_metadata(f"{self.statement.target}.csv", columns)

    def keep_lines(self, lines: Sequence[str]) -> str:
        """Write lines down: as the text in S3, whose URI is returned, and for GetQueryResults."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        uri = f"{self.statement.target}.txt"
        self.output.put_text(uri, "".join(f"{line}\n" for line in lines))
        self.statement.results.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"result": pa.array(lines, pa.string())}), self.statement.results)
        return uri

    def keep_manifest(self, uri: str, made: Iterable[str]) -> str:
        """Write down the files that were made; return the manifest's URI."""
        self.output.put_text(uri, "".join(f"{one}\n" for one in made))
        return uri

    def keep_metadata(self, uri: str, columns: Sequence[Column] = ()) -> None:
        """Write down what the columns of a result are, beside it."""
        self.output.put_bytes(f"{uri}.metadata", result_metadata(self.statement.id, columns))


def of_lines(work: Work, lines: Sequence[str], kind: str, sub_type: str, names: Sequence[str] = ("result",)) -> Outcome:
    """Return the outcome of a statement that answers with lines of text; a line holds all of its columns."""
    uri = work.keep_lines(lines)
    columns = [Column(name, "string", "VARCHAR") for name in names] if lines else []
    work.keep_metadata(uri, columns)
    return Outcome(kind, sub_type, columns, has_header=False, output=uri)
