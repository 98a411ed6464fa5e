"""Records in JSON as Arrow batches of texts; what cannot be a record says why, in a column of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sfs_core.arrow import text_type
from sfs_core.json_values import Unreadable, json_array, json_lines
from sfs_core.messages import Message, say
from sfs_core.model import FeatureDefinition

if TYPE_CHECKING:
    import pyarrow as pa

PROBLEM: Final = "?"
"""The column that says why a record could not be read, null where it could; no feature can have this name."""
BATCH_BYTES: Final = 4 * 2**20
BATCH_RECORDS: Final = 16_384


def json_batches(
    name: Message, file: BinaryIO, features: Sequence[FeatureDefinition], *, lines: bool
) -> Iterator[pa.RecordBatch]:
    """Yield a file's objects as batches of texts: the columns of `features` first, then keys that are none of them.

    A record that is not an object, or holds what a feature cannot, is all null but for the column `PROBLEM`.
    Raises FileUnreadable where an array ends before its time; a bad line of JSON lines is a `PROBLEM` only.
    """
    values: list[Any] = []
    size = 0
    for value, length in (json_lines if lines else json_array)(name, file):
        values.append(value)
        size += length
        if size >= BATCH_BYTES or len(values) >= BATCH_RECORDS:
            yield batch_of_values(values, features)
            values, size = [], 0
    if values:
        yield batch_of_values(values, features)


def batch_of_values(values: Iterable[Any], features: Sequence[FeatureDefinition]) -> pa.RecordBatch:
    """Return decoded JSON objects as one batch of texts, as `json_batches` does."""
    import pyarrow as pa

    problems: dict[int, str] = {}
    rows = [_row(number, value, problems) for number, value in enumerate(values)]
    kinds = {feature.name: text_type(feature) for feature in features}
    for row in rows:
        if row.keys() - kinds.keys():
            kinds.update(dict.fromkeys((key for key in row if key not in kinds), pa.string()))
    columns = {key: _column([row.get(key) for row in rows], kind, key, problems) for key, kind in kinds.items()}
    if problems:
        columns[PROBLEM] = pa.array([problems.get(number) for number in range(len(rows))], pa.string())
    return pa.record_batch(columns)


def _row(number: int, value: Any, problems: dict[int, str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    problem = value.problem if isinstance(value, Unreadable) else say("a record is an object, and this is none")
    problems[number] = str(problem)
    return {}


def _column(values: list[Any], kind: pa.DataType, name: str, problems: dict[int, str]) -> pa.Array:
    import pyarrow as pa

    wanted = list if pa.types.is_list(kind) else str
    if set(map(type, values)) <= {wanted, type(None)}:
        with_lists = wanted is list
        try:
            if not with_lists or all(type(item) is str for value in values if value for item in value):
                return pa.array(values, kind)
        except UnicodeEncodeError:
            pass
    texts = []
    for number, value in enumerate(values):
        try:
            texts.append(_list_of_texts(value) if wanted is list else _text(value))
        except ValueError as error:
            problems.setdefault(number, f"{name!r} {error}")
            texts.append(None)
    return pa.array(texts, kind)


def _list_of_texts(value: Any) -> list[str | None] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(say("holds lists, and this is one value"))
    if None in value:
        raise ValueError(say("has null in its list"))
    return [_text(item) for item in value]


def _text(value: Any) -> str | None:
    """Return the text of a JSON value. Raises ValueError for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        raise ValueError(say("is a list, and takes one value"))
    if isinstance(value, dict):
        raise ValueError(say("is an object, and takes one value"))
    if value is None:
        return None
    text = str(value)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(say("has half of a surrogate pair, which is no text"))
    return text
