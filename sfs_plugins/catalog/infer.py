"""The features that a file's records have: names in the file's order, types by every value there is.

CSV: a column of whole numbers within 64 bits is Integral, one of numbers Fractional, any other String. Numbers written
as codes (`007`, `+49301234`, more digits than an integer holds) make a column String, since as a number they would
not come back. JSON: by the kind of value. Parquet: by the column's own type. The system columns of an offline store
are left out, as the service writes them itself.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfs_core import (
    SYSTEM_COLUMNS,
    CollectionType,
    FeatureDefinition,
    FeatureType,
    FileUnreadable,
    Message,
    say,
)
from sfs_plugins.catalog.columns import Column, Number

if TYPE_CHECKING:
    import pyarrow as pa

_ENDINGS: Final = (".csv", ".json", ".jsonl", ".ndjson", ".parquet")
_parse_json = partial(json.loads, parse_int=Number, parse_float=Number)


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a file says of its records. `empty` are features without one value, `left_out` columns that are none."""

    features: tuple[FeatureDefinition, ...]
    records: int
    empty: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """The columns of a file and how many records it has."""

    columns: dict[str, Column]
    records: int = 0


class _NotRecords(Exception):
    """The file is readable and holds something other than records."""

    def __init__(self, problem: Message) -> None:
        super().__init__(problem)
        self.problem = problem


def infer(path: Path) -> Inferred:
    """Return the features of a CSV, JSON, JSON-lines or Parquet file, `.gz` and `.zst` too. Raises FileUnreadable."""
    seen = _seen(path)
    if not seen.records:
        raise FileUnreadable(path=path, problem=say("it holds no records, so there is nothing to infer from"))
    columns = [column for column in seen.columns.values() if column.name not in SYSTEM_COLUMNS]
    mixed = next((column.name for column in columns if len(column.collections) > 1), None)
    if mixed is not None:
        problem = say("{name!r} is a list in some records and one value in others", name=mixed)
        raise FileUnreadable(path=path, problem=problem)
    return Inferred(
        tuple(column.definition() for column in columns),
        seen.records,
        tuple(column.name for column in columns if not column.values),
        tuple(name for name in seen.columns if name in SYSTEM_COLUMNS),
    )


def _seen(path: Path) -> _Seen:
    import pyarrow as pa

    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    readers = {".csv": _of_csv, ".parquet": _of_parquet}
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), None)
    if ending is None:
        problem: object = say("its name must end in one of {endings}", endings=", ".join(_ENDINGS))
        raise FileUnreadable(path=path, problem=problem)
    try:
        path.open("rb").close()
        return readers.get(ending, _of_json)(path)
    except _NotRecords as error:
        raise FileUnreadable(path=path, problem=error.problem) from error
    except (OSError, pa.ArrowException, ValueError, csv.Error, RecursionError) as error:
        problem = (isinstance(error, OSError) and error.strerror) or error
        raise FileUnreadable(path=path, problem=" ".join(str(problem).split())) from error


def _of_parquet(path: Path) -> _Seen:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return _Seen({one.name: _typed(one) for one in file.schema_arrow}, file.metadata.num_rows)


def _typed(one: pa.Field) -> Column:
    import pyarrow as pa

    kind, collection = one.type, None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind, collection = kind.value_type, CollectionType.LIST
    types = {FeatureType.STRING}
    if pa.types.is_integer(kind):
        types = {FeatureType.INTEGRAL}
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        types = {FeatureType.FRACTIONAL}
    # whether there are values is not looked at: the file says what they would be
    return Column(one.name, types, {collection}, values=1)


def _of_csv(path: Path) -> _Seen:
    import pyarrow as pa
    import pyarrow.csv as pc

    with pa.input_stream(path, compression="detect") as stream:
        names = next(csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")), [])
    if not names:
        return _Seen({})
    if len(set(names)) != len(names):
        twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
        raise _NotRecords(say("it has more than one column named {names}", names=twice))
    texts = pc.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    seen = _Seen({name: Column(name) for name in names})
    with pa.input_stream(path, compression="detect") as stream:
        for batch in pc.open_csv(stream, None, pc.ParseOptions(newlines_in_values=True), texts):
            seen.records += batch.num_rows
            for name in names:
                seen.columns[name].take_texts(batch.column(name).drop_null())
    return seen


def _of_json(path: Path) -> _Seen:
    import pyarrow as pa

    seen = _Seen({})
    with pa.input_stream(path, compression="detect") as stream:
        for record in _json_records(io.TextIOWrapper(stream, encoding="utf-8-sig")):
            seen.records += 1
            if not isinstance(record, dict):
                raise _NotRecords(say("record {number} is not names and values", number=seen.records))
            for name, value in record.items():
                seen.columns.setdefault(name, Column(name)).take(value)
    return seen


def _json_records(lines: Iterator[str]) -> Iterator[object]:
    """Yield the records of a JSON array, or of lines with one record each; numbers stay as they are written."""
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from _parse_json("".join(chain([first], lines)))
        return
    for number, line in enumerate((line for line in chain([first], lines) if line.strip()), 1):
        try:
            yield _parse_json(line)
        except (ValueError, RecursionError) as error:
            text = "record {number} is not JSON ({problem}); JSON lines hold one record each"
            raise _NotRecords(say(text, number=number, problem=error)) from error
