"""Writes records to a stream as CSV, a JSON array, JSON lines or Parquet, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, Self

from sfs_core import IS_DELETED, SYSTEM_COLUMNS, FeatureDefinition, FileFormat, to_typed, typed
from sfs_plugins.bulk.record_text import csv_header, csv_lines, json_objects

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_RECORDS: Final = 8_192
"""How many records are turned into text at once."""
ROW_GROUP_RECORDS: Final = 131_072
ROW_GROUP_BYTES: Final = 64 * 2**20


class RecordWriter(Protocol):
    """Takes batches of texts, then is closed; a writer that is not closed leaves a file that is not whole."""

    def write(self, records: pa.RecordBatch) -> None:
        """Write the records of a batch; columns other than those the writer was made for are left out."""
        ...

    def close(self) -> None:
        """Write what belongs at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file of records: features in order, then any system columns."""

    features: tuple[FeatureDefinition, ...]
    with_system: bool = False

    @property
    def names(self) -> list[str]:
        """The names in order."""
        return [*(feature.name for feature in self.features), *(SYSTEM_COLUMNS if self.with_system else ())]

    @property
    def by_name(self) -> dict[str, FeatureDefinition]:
        """The features by name."""
        return {feature.name: feature for feature in self.features}

    @classmethod
    def of(cls, features: Sequence[FeatureDefinition], names: Sequence[str] | None, *, with_system: bool) -> Self:
        """Return the columns `names`, or all features."""
        by_name = {feature.name: feature for feature in features}
        return cls(tuple(by_name[name] for name in names) if names else tuple(features), with_system)


def record_writer(format: FileFormat, stream: BinaryIO, columns: Columns) -> RecordWriter:
    """Return a writer of that form; what stands before the first record is written at once."""
    writers: dict[FileFormat, Callable[[BinaryIO, Columns], RecordWriter]] = {
        FileFormat.CSV: CsvWriter,
        FileFormat.JSON: JsonWriter,
        FileFormat.JSONL: JsonLinesWriter,
        FileFormat.PARQUET: ParquetWriter,
    }
    return writers[format](stream, columns)


def _pieces(records: pa.RecordBatch, columns: Columns) -> Iterator[pa.RecordBatch]:
    chosen = records.select(columns.names)
    for start in range(0, chosen.num_rows, TEXT_RECORDS):
        yield chosen.slice(start, TEXT_RECORDS)


@dataclass
class CsvWriter:
    """A header, then a line a record."""

    stream: BinaryIO
    columns: Columns

    def __post_init__(self) -> None:
        self.stream.write(csv_header(self.columns.names))

    def write(self, records: pa.RecordBatch) -> None:
        """Write a line a record."""
        for piece in _pieces(records, self.columns):
            self.stream.write(csv_lines(piece, self.columns.by_name))

    def close(self) -> None:
        """Do nothing: a CSV file has no end."""


@dataclass
class JsonLinesWriter:
    """An object a line."""

    stream: BinaryIO
    columns: Columns

    def write(self, records: pa.RecordBatch) -> None:
        """Write a line a record."""
        for piece in _pieces(records, self.columns):
            self.stream.write("".join(f"{text}\n" for text in json_objects(piece, self.columns.by_name)).encode())

    def close(self) -> None:
        """Do nothing: JSON lines have no end."""


@dataclass
class JsonWriter:
    """One array, an object a line."""

    stream: BinaryIO
    columns: Columns
    _before: str = "[\n"

    def write(self, records: pa.RecordBatch) -> None:
        """Write an object a record."""
        for piece in _pieces(records, self.columns):
            self.stream.write((self._before + ",\n".join(json_objects(piece, self.columns.by_name))).encode())
            self._before = ",\n"

    def close(self) -> None:
        """End the array."""
        self.stream.write(b"[]\n" if self._before == "[\n" else b"\n]\n")


@dataclass
class ParquetWriter:
    """Typed columns: string, int64, double, lists of them; times of the system columns as UTC timestamps."""

    stream: BinaryIO
    columns: Columns
    _waiting: list[pa.RecordBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        features = [pa.field(feature.name, typed(feature)) for feature in self.columns.features]
        system = [pa.field(name, _system_type(name)) for name in SYSTEM_COLUMNS if self.columns.with_system]
        self._schema = pa.schema(features + system)
        self._writer = pq.ParquetWriter(self.stream, self._schema)

    def write(self, records: pa.RecordBatch) -> None:
        """Keep records until they fill a row group."""
        import pyarrow as pa

        chosen = to_typed(records.select(self.columns.names), self.columns.features)
        fields = zip(chosen.columns, self._schema, strict=True)
        columns = [
            column if column.type == wanted.type else _as_system(column, wanted.type) for column, wanted in fields
        ]
        self._waiting.append(pa.record_batch(columns, schema=self._schema))
        full = sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP_RECORDS
        if full or sum(batch.nbytes for batch in self._waiting) >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
            self._waiting.clear()

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._flush()
        self._writer.close()


def _system_type(name: str) -> pa.DataType:
    import pyarrow as pa

    return pa.bool_() if name == IS_DELETED else pa.timestamp("us", tz="UTC")


def _as_system(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_string(column.type) and pa.types.is_timestamp(wanted):
        column = column.cast(pa.timestamp("ns", tz="UTC"))
    return column.cast(wanted, safe=False)
