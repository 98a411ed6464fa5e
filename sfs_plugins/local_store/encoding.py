"""How the online store keeps a record: one text of its values in definition order, made and read a column at a time.

Features are only ever added at the end of a definition, so a value's place tells its feature, and an older record is
merely shorter. Values are parted by a control character; texts that hold one of ours are escaped, which a scan finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfs_core import FeatureDefinition, FeatureType, text_type

if TYPE_CHECKING:
    import pyarrow as pa

_BETWEEN = "\x1f"
_AFTER_ELEMENT = "\x1e"
_ABSENT = "\x1a"
_ESCAPE = "\x1b"
# the escape character first, so that undoing in the other order is exact
_ESCAPES = {_ESCAPE: "\x1b0", _BETWEEN: "\x1b1", _AFTER_ELEMENT: "\x1b2", _ABSENT: "\x1b3"}
_SPECIAL = "[\x1a\x1b\x1e\x1f]"


def encoded(records: pa.RecordBatch, features: Sequence[FeatureDefinition]) -> pa.StringArray:
    """Return each record as one text; a feature without a column is absent from every record."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = set(records.schema.names)
    nothing = pa.nulls(records.num_rows, pa.string())
    columns = [_flat(records.column(f.name), f) if f.name in names else nothing for f in features]
    return pc.binary_join_element_wise(*columns, _BETWEEN, null_handling="replace", null_replacement=_ABSENT)


def decoded(
    texts: pa.StringArray, features: Sequence[FeatureDefinition], wanted: Sequence[FeatureDefinition]
) -> pa.RecordBatch:
    """Return the `wanted` features of records that `encoded` made with `features` or with the first few of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pc.split_pattern(texts, _BETWEEN)
    starts, lengths = values.offsets[:-1], pc.list_value_length(values)
    place = {feature.name: number for number, feature in enumerate(features)}
    columns = []
    for feature in wanted:
        number = place[feature.name]
        there = pc.if_else(pc.greater(lengths, number), pc.add(starts, number), None)
        column = values.values.take(there)
        column = pc.if_else(pc.equal(column, _ABSENT), None, column)
        columns.append(_shaped(column, feature))
    return pa.record_batch(columns, names=[feature.name for feature in wanted])


def _flat(column: pa.Array, feature: FeatureDefinition) -> pa.Array:
    """Return a column as texts that hold none of our characters bare."""
    import pyarrow as pa

    if feature.collection is not None:
        texts = [
            None if v is None else "".join(_escaped_text(e) + _AFTER_ELEMENT for e in v) for v in column.to_pylist()
        ]
        return pa.array(texts, pa.string())
    # numbers passed the check, so they hold none
    return _escaped(column) if feature.type is FeatureType.STRING else column


def _shaped(column: pa.Array, feature: FeatureDefinition) -> pa.Array:
    """Return the values that `_flat` was given."""
    import pyarrow as pa

    if feature.collection is None:
        return _unescaped(column) if feature.type is FeatureType.STRING else column
    lists = [
        None if text is None else [_unescaped_text(e) for e in text.split(_AFTER_ELEMENT)[:-1]]
        for text in column.to_pylist()
    ]
    return pa.array(lists, text_type(feature))


def _escaped(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(column, _SPECIAL)).as_py():
        for bare, escape in _ESCAPES.items():
            column = pc.replace_substring(column, bare, escape)
    return column


def _unescaped(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    if pc.any(pc.match_substring(column, _ESCAPE)).as_py():
        for bare, escape in reversed(_ESCAPES.items()):
            column = pc.replace_substring(column, escape, bare)
    return column


def _escaped_text(text: str) -> str:
    for bare, escape in _ESCAPES.items():
        text = text.replace(bare, escape)
    return text


def _unescaped_text(text: str) -> str:
    for bare, escape in reversed(_ESCAPES.items()):
        text = text.replace(escape, bare)
    return text
