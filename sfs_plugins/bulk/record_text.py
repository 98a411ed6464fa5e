"""Records as CSV lines and as JSON objects: exact texts, and an empty text told apart from none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sfs_core import FeatureDefinition, FeatureType

if TYPE_CHECKING:
    import pyarrow as pa

_JSON_NUMBER: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
# a bare U+FEFF right after the header would be taken for a byte order mark
_NEEDS_QUOTES: Final = '^$|^\ufeff|[",\r\n]'
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def csv_header(names: Sequence[str]) -> bytes:
    """Return the first line of a CSV file; names of features need no quotes."""
    return (",".join(names) + "\n").encode()


def csv_lines(records: pa.RecordBatch, features: Mapping[str, FeatureDefinition]) -> bytes:
    """Return a line a record: absent is an empty cell, an empty text is `""`, a collection a JSON list."""
    import pyarrow.compute as pc

    cells = [
        _csv_cells(column, features.get(name))
        for name, column in zip(records.schema.names, records.columns, strict=True)
    ]
    lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def _csv_cells(column: pa.Array, feature: FeatureDefinition | None) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if feature is None:
        return column.cast(pa.string())
    if feature.collection:
        column = pa.array(_json_values(column, feature), pa.string())
    elif feature.type is not FeatureType.STRING:
        return column
    needs_quotes = pc.match_substring_regex(column, _NEEDS_QUOTES)
    if not pc.any(needs_quotes).as_py():
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(needs_quotes, quoted, column)


def json_objects(records: pa.RecordBatch, features: Mapping[str, FeatureDefinition]) -> list[str]:
    """Return an object a record, absent features left out; numbers are JSON numbers with the very digits they have."""
    columns = [
        _json_values(column, features.get(name))
        for name, column in zip(records.schema.names, records.columns, strict=True)
    ]
    keys = [f"{_quoted(name)}: " for name in records.schema.names]
    return [
        "{" + ", ".join([key + text for key, text in zip(keys, values, strict=True) if text is not None]) + "}"
        for values in zip(*columns, strict=True)
    ]


def _json_values(column: pa.Array, feature: FeatureDefinition | None) -> list[str | None]:
    """Return each value of a column as JSON text, None where there is none."""
    import pyarrow.compute as pc

    if feature is None:
        return [None if value is None else _quoted(value) for value in column.to_pylist()]
    if feature.collection:
        items = iter(_json_values(column.flatten(), FeatureDefinition(feature.name, feature.type)))
        lengths = pc.list_value_length(column).to_pylist()
        return [None if size is None else f"[{', '.join(_take(items, size))}]" for size in lengths]
    values: list[str | None] = column.to_pylist()
    if feature.type is FeatureType.STRING:
        return [None if value is None else _quoted(value) for value in values]
    plain = pc.fill_null(pc.match_substring_regex(column, _JSON_NUMBER), True)
    # a text such as +5 or 007 is a number for the service, not for JSON: as a string it keeps its form
    for row in pc.indices_nonzero(pc.invert(plain)).to_pylist():
        values[row] = _quoted(values[row])
    return values


def _take(items: Any, count: int) -> list[str]:
    return [next(items) for _ in range(count)]
