"""The column of ids in a file of any form."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    FileUnreadable,
    FormatUnknown,
    Message,
    Unreadable,
    UsageError,
    csv_batches,
    csv_names,
    file_format,
    json_array,
    json_lines,
    parquet_batches,
    say,
    to_text,
    whole_texts,
)

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_IDS: Final = 65_536


class IdFormat(StrEnum):
    """The forms of a file of record ids."""

    LINES = "lines"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


class NoIdColumn(UsageError):
    """It is not clear which column of a file holds the record ids."""

    sentence = "{path} has no column {column!r}: it has {columns}; say which holds the record ids with --file-column"


def id_format(path: Path) -> IdFormat:
    """Return the form that a file's name tells, else one id a line. Raises FileNotLocal."""
    try:
        return IdFormat(file_format(path))
    except FormatUnknown:
        return IdFormat.LINES


def id_columns(
    format: IdFormat, name: Message, file: io.BufferedReader, wanted: Sequence[str], *, whole: bool, named: bool
) -> Iterator[pa.Array]:
    """Yield the ids as arrays of texts, null where there is none.

    `wanted` are names of the column, best first; where there is but one column it is taken, unless the user `named`
    it. With `whole`, doubles that are whole numbers are read as such. Raises NoIdColumn, FileUnreadable.
    """
    if format is IdFormat.LINES:
        return _arrays(_lines(name, file))
    if format is IdFormat.CSV:
        return _of_csv(name, file, wanted, named)
    if format is IdFormat.PARQUET:
        return _of_parquet(name, file, wanted, whole, named)
    values = (json_array if format is IdFormat.JSON else json_lines)(name, file)
    return _arrays(_of_json(name, (value for value, _ in values), wanted, named))


def _column(name: Message, names: Sequence[str], wanted: Sequence[str], named: bool) -> str:
    for column in wanted:
        if column in names:
            return column
    if len(names) == 1 and not named:
        return names[0]
    raise NoIdColumn(path=name, column=wanted[0], columns=", ".join(map(repr, names)))


def _arrays(texts: Iterator[str | None]) -> Iterator[pa.Array]:
    import pyarrow as pa

    waiting = []
    for text in texts:
        waiting.append(text)
        if len(waiting) == BATCH_IDS:
            yield pa.array(waiting, pa.string())
            waiting = []
    if waiting:
        yield pa.array(waiting, pa.string())


def _lines(name: Message, file: io.BufferedReader) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            problem = say("line {number:,} is not UTF-8", number=number)
            raise FileUnreadable(path=name, problem=problem) from error
        if text.strip("\r\n"):
            yield text.rstrip("\r\n")


def _of_csv(name: Message, file: io.BufferedReader, wanted: Sequence[str], named: bool) -> Iterator[pa.Array]:
    import pyarrow as pa

    names = csv_names(name, file)
    if not names:
        return
    column = _column(name, names, wanted, named)
    if column not in wanted:
        # a single column of another name has no header: its first line is an id like the others
        yield pa.array([column], pa.string())
    for batch in csv_batches(name, file, names=names):
        yield batch.column(names.index(column))


def _of_parquet(
    name: Message, file: io.BufferedReader, wanted: Sequence[str], whole: bool, named: bool
) -> Iterator[pa.Array]:
    import pyarrow as pa

    for batch in parquet_batches(name, file):
        column = batch.column(_column(name, batch.schema.names, wanted, named))
        yield whole_texts(column) if whole and pa.types.is_floating(column.type) else to_text(column)


def _of_json(name: Message, values: Iterator[Any], wanted: Sequence[str], named: bool) -> Iterator[str | None]:
    column = None
    for number, value in enumerate(values, 1):
        found = value
        if isinstance(value, dict):
            # the first object settles which key it is: in a later one that lacks it no other key may stand in
            column = column or _column(name, list(value), wanted, named)
            found = value.get(column)
        if isinstance(found, Unreadable):
            raise FileUnreadable(path=name, problem=found.problem)
        if isinstance(found, bool) or not isinstance(found, str | None):
            problem = say("value {number:,} is no record id", number=number)
            raise FileUnreadable(path=name, problem=problem)
        if found and not found.isascii() and any("\ud800" <= letter <= "\udfff" for letter in found):
            problem = say("value {number:,} has half of a surrogate pair, which is no text", number=number)
            raise FileUnreadable(path=name, problem=problem)
        yield found
