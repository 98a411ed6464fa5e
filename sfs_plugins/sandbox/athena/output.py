"""What a query leaves in S3: its rows as CSV, its files, its manifest; and the rows kept for GetQueryResults."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.quoting import literal, quoted
from sfs_plugins.sandbox.s3.blobs import pieces_of
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.wire import Failure

if TYPE_CHECKING:
    import duckdb

_TYPES = {
    "VARCHAR": "varchar", "BIGINT": "bigint", "INTEGER": "integer", "SMALLINT": "smallint", "TINYINT": "tinyint",
    "DOUBLE": "double", "FLOAT": "float", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp",
    "TIMESTAMP_NS": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "BLOB": "varbinary",
    "HUGEINT": "bigint", "UBIGINT": "bigint", "UINTEGER": "bigint", "TIME": "time", '"NULL"': "varchar",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a result: its name, Athena's type for it, and DuckDB's; whether times have six decimals."""

    name: str
    type: str
    duckdb: str
    has_microseconds: bool = False

    def on_wire(self) -> dict[str, Any]:
        """Return the column as GetQueryResults describes it."""
        precision = {"varchar": 2147483647, "bigint": 19, "integer": 10, "double": 17, "float": 17}.get(self.type, 0)
        return {
            "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": self.name, "Label": self.name,
            "Type": self.type, "Precision": precision, "Scale": 0, "Nullable": "UNKNOWN",
            "CaseSensitive": self.type == "varchar",
        }  # fmt: skip


def columns_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Column]:
    """Return the columns that a query gives, names in lower case."""
    described = connection.execute(f"DESCRIBE {sql}").fetchall()
    return [Column(row[0].lower(), athena_type(row[1]), row[1]) for row in described]


def athena_type(duckdb_type: str) -> str:
    """Return Athena's name of a type."""
    if duckdb_type.endswith("]"):
        return "array"
    if duckdb_type.startswith("STRUCT"):
        return "row"
    if duckdb_type.startswith("MAP"):
        return "map"
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    return _TYPES.get(duckdb_type, "varchar")


def hive_type(duckdb_type: str) -> str:
    """Return the catalogue's name of a type. Raises QueryFailed for one that Hive tables cannot hold."""
    if duckdb_type.endswith("[]"):
        return f"array<{hive_type(duckdb_type[:-2])}>"
    kind = athena_type(duckdb_type)
    if kind in ("timestamp with time zone", "row", "map", "time"):
        told = "timestamp(3) with time zone" if kind.startswith("timestamp") else kind
        raise QueryFailed(f"NOT_SUPPORTED: Unsupported Hive type: {told}")
    if kind == "decimal":
        return duckdb_type.lower()
    return {"varchar": "string", "integer": "int", "varbinary": "binary"}.get(kind, kind)


def as_texts(columns: Sequence[Column]) -> str:
    """Return SQL expressions that write each column as Athena's results do, all of them texts."""
    return ", ".join(f"{_text(column)} AS {quoted(column.name)}" for column in columns)


def _text(column: Column) -> str:
    name, decimals = quoted(column.name), "%f" if column.has_microseconds else "%g"
    if column.type == "timestamp":
        return f"strftime({name}, '%Y-%m-%d %H:%M:%S.{decimals}')"
    if column.type == "timestamp with time zone":
        return f"strftime({name}, '%Y-%m-%d %H:%M:%S.{decimals}') || ' UTC'"
    if column.type == "varbinary":
        return f"hex({name})"
    return f"CAST({name} AS VARCHAR)"


@dataclass(frozen=True)
class Output:
    """Writes objects of queries; each has a name that nothing else had."""

    objects: Objects

    def has_bucket(self, uri: str) -> bool:
        """Tell whether the bucket of a place is there."""
        return self.objects.buckets.exists(uri.removeprefix("s3://").partition("/")[0])

    def put(self, uri: str, made: Path) -> None:
        """Make an object of a file. Raises QueryFailed where it cannot be."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._put(bucket, key, self.objects.blobs.write(pieces_of(made)))

    def put_text(self, uri: str, text: str) -> None:
        """Make an object of a text."""
        self.put_bytes(uri, text.encode())

    def put_bytes(self, uri: str, content: bytes) -> None:
        """Make an object of bytes."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self._put(bucket, key, self.objects.blobs.write([content]))

    def _put(self, bucket: str, key: str, blob: Any) -> None:
        headers = {"content-type": "application/octet-stream", "x-amz-server-side-encryption": "AES256"}
        made = Stored(bucket, key, "", blob.name, etag=blob.md5, size=blob.size, headers=headers)
        try:
            self.objects.put(made, lambda before: None)
        except Failure as failure:
            message = (
                f"Unable to verify/create output bucket {bucket}" if failure.code == "NoSuchBucket" else failure.message
            )
            raise QueryFailed(message) from failure

    def files(
        self, connection: duckdb.DuckDBPyConnection, sql: str, scratch: Path, how: Format, target: str
    ) -> list[str]:
        """Write a query's rows as files under a prefix; return their URIs."""
        place = scratch / secrets.token_hex(4)
        connection.execute(f"COPY ({sql}) TO {literal(str(place))} ({how.options()})")
        files = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        made = []
        for file in files:
            folder = file.parent.relative_to(place).as_posix() if place.is_dir() else "."
            inside = "" if folder == "." else f"{folder}/"
            uri = f"{target.rstrip('/')}/{inside}{secrets.token_hex(16)}{how.ending()}"
            self.put(uri, file)
            made.append(uri)
        return made


@dataclass(frozen=True)
class Format:
    """How rows are written to files."""

    name: str
    compression: str | None
    partitioned_by: tuple[str, ...] = ()
    delimiter: str = "\x01"

    def options(self) -> str:
        """Return DuckDB's options for it. Raises QueryFailed."""
        compression = (self.compression or "gzip").lower()
        if compression == "none":
            compression = "uncompressed"
        parts = ""
        if self.partitioned_by:
            parts = f", PARTITION_BY ({', '.join(quoted(name) for name in self.partitioned_by)})"
        match self.name.upper():
            case "PARQUET":
                return f"FORMAT parquet, COMPRESSION {literal(compression)}{parts}"
            case "JSON":
                return f"FORMAT json, COMPRESSION {literal(_of_text(compression))}{parts}"
            case "TEXTFILE" | "CSV":
                text = f"DELIMITER {literal(self.delimiter)}, HEADER false, QUOTE '', ESCAPE '', NULLSTR '\\N'"
                return f"FORMAT csv, {text}, COMPRESSION {literal(_of_text(compression))}{parts}"
        raise QueryFailed(f"NOT_SUPPORTED: this sandbox does not write files of format {self.name}")

    def ending(self) -> str:
        """Return what the names of files end with."""
        is_text = self.name.upper() != "PARQUET"
        return ".gz" if is_text and (self.compression or "gzip").lower() == "gzip" else ""


def _of_text(compression: str) -> str:
    return compression if compression in ("gzip", "zstd") else "none"
