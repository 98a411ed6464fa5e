"""Records as Arrow batches of the service's own texts: making them, checking them, and typed forms at the edges.

The checks here only *find candidates* fast; what is wrong, and the words for it, are `rules.py`'s, row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from sfs_core.errors import MissingFeature, SfsError
from sfs_core.event_time import NANOS, EventTime
from sfs_core.facts import RECORD_ID, Remark
from sfs_core.messages import say
from sfs_core.model import IS_DELETED, SYSTEM_COLUMNS, FeatureDefinition, FeatureGroup, FeatureType
from sfs_core.rules import (
    MAX_RECORD_BYTES,
    MAX_RECORD_ID_BYTES,
    Value,
    check_key,
    check_record,
)

if TYPE_CHECKING:
    import pyarrow as pa

SURE_INTEGRAL = r"^-?[0-9]{1,18}$"
SURE_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$"
SURE_SECONDS = r"^[0-9]{1,11}(\.[0-9]+)?$"


def record_ids(ids: Iterable[str]) -> pa.RecordBatch:
    """Return a batch of record ids, in the order given."""
    import pyarrow as pa

    return pa.record_batch({RECORD_ID: pa.array(list(ids), pa.string())})


def without_versions(objects: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch of objects as a store without versions tells them: `version` null, and every one current."""
    import pyarrow as pa

    count = objects.num_rows
    objects = objects.append_column("version", pa.nulls(count, pa.string()))
    return objects.append_column("is_current", pa.repeat(pa.scalar(True), count))


def text_type(feature: FeatureDefinition) -> pa.DataType:
    """Return the Arrow type of a feature's column on its way: string, or list of strings for a collection."""
    import pyarrow as pa

    return pa.list_(pa.string()) if feature.collection else pa.string()


def typed(feature: FeatureDefinition) -> pa.DataType:
    """Return the Arrow type of a feature's values in a typed file: string, int64, double, or a list of them."""
    import pyarrow as pa

    kinds = {
        FeatureType.STRING: pa.string(),
        FeatureType.INTEGRAL: pa.int64(),
        FeatureType.FRACTIONAL: pa.float64(),
    }
    kind = kinds[feature.type]
    return pa.list_(kind) if feature.collection else kind


def text_schema(features: Iterable[FeatureDefinition]) -> pa.Schema:
    """Return the schema of records on their way, in the order of `features`."""
    import pyarrow as pa

    return pa.schema([pa.field(feature.name, text_type(feature)) for feature in features])


def records_from(features: Sequence[FeatureDefinition], rows: Iterable[Mapping[str, Value]]) -> pa.RecordBatch:
    """Return a batch of the records `rows`; a feature that a row lacks is null."""
    import pyarrow as pa

    rows = list(rows)
    schema = text_schema(features)
    return pa.record_batch([pa.array([row.get(f.name) for row in rows], f.type) for f in schema], schema=schema)


def rows_of(records: pa.RecordBatch) -> list[dict[str, Value]]:
    """Return each record as feature name to value, absent features left out."""
    return [{name: value for name, value in row.items() if value is not None} for row in records.to_pylist()]


def to_typed(records: pa.RecordBatch, features: Iterable[FeatureDefinition]) -> pa.RecordBatch:
    """Return the columns of `features` with int64, double and string values; columns not named are left as they are.

    The texts must have passed `check`. Raises nothing else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    by_name = {feature.name: feature for feature in features}
    columns = []
    for name, column in zip(records.schema.names, records.columns, strict=True):
        feature = by_name.get(name)
        if feature is not None and feature.type is FeatureType.INTEGRAL and feature.collection is None:
            column = pc.replace_substring_regex(column, r"^\+", "")
        if feature is not None and feature.collection and feature.type is FeatureType.INTEGRAL:
            lists = [None if v is None else [int(Decimal(text)) for text in v] for v in column.to_pylist()]
            column = pa.array(lists, typed(feature))
        columns.append(column if feature is None else column.cast(typed(feature)))
    return pa.record_batch(columns, names=records.schema.names)


def to_text(column: pa.Array) -> pa.Array:
    """Return a column's values as the service's texts; nulls stay, nested lists of numbers become lists of texts.

    Whole numbers exactly, doubles as the shortest text that round-trips (`5.0`, `0.1`, `1e-7`), NaN as `nan` (which
    the check refuses), booleans as `true`/`false`, timestamps with a zone as ISO 8601 UTC.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return to_text(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lists = pc.cast(column, pa.list_(kind.value_type))
        lengths = pc.fill_null(pc.list_value_length(lists), 0)
        ends = pc.cumulative_sum(pa.concat_arrays([pa.array([0], pa.int32()), lengths.cast(pa.int32())]))
        return pa.ListArray.from_arrays(ends, to_text(lists.flatten()), mask=lists.is_null())
    if pa.types.is_floating(kind):
        return _double_texts(column.cast(pa.float64()))
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        texts = column.cast(pa.timestamp(kind.unit)).cast(pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(texts, " ", "T"), "Z", "")
    return column.cast(pa.string())


def _double_texts(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    texts = column.cast("string")
    # Arrow writes whole doubles without their decimals; few columns have any, so the rest is not looked at as text
    bare = pc.fill_null(pc.equal(pc.trunc(column), column), False)
    bare = (
        pc.and_(bare, pc.fill_null(pc.match_substring_regex(texts, r"^-?\d+$"), False))
        if pc.any(bare).as_py()
        else bare
    )
    if not pc.any(bare).as_py():
        return texts
    whole = pc.binary_join_element_wise(texts.filter(bare), ".0", "")
    return pc.replace_with_mask(texts, bare, whole)


def whole_texts(column: pa.Array) -> pa.Array:
    """Return doubles as texts, those that are whole numbers as such (`5`, not `5.0`) where a double holds them exactly.

    For a column of whole numbers that became doubles because some are missing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    doubles = column.cast(pa.float64())
    exact = pc.and_(pc.equal(pc.trunc(doubles), doubles), pc.less(pc.abs(doubles), 2.0**53))
    whole = pc.if_else(exact, doubles, None).cast(pa.int64()).cast(pa.string())
    return pc.if_else(pc.fill_null(exact, False), whole, to_text(doubles))


def check(records: pa.RecordBatch, group: FeatureGroup) -> tuple[Remark, ...]:
    """Return a failed remark for each record that may not be put into the group, by row.

    Raises UnknownFeature where a *column* is not a feature of the group (nor a system column).
    """
    for name in records.schema.names:
        if name not in SYSTEM_COLUMNS:
            group.feature(name)
    for name, role in ((group.record_identifier, say("record identifier")), (group.event_time, say("event time"))):
        if name not in records.schema.names:
            raise MissingFeature(feature=name, group=group.name, role=role)
    remarks = []
    kept = [name for name in records.schema.names if name not in SYSTEM_COLUMNS]
    for row in _doubtful_rows(records, group):
        record = rows_of(records.slice(row, 1).select(kept))[0]
        try:
            if IS_DELETED in records.schema.names and records.column(IS_DELETED)[row].as_py():
                check_key(group, record.get(group.record_identifier), record.get(group.event_time))
            else:
                check_record(group, record)
        except SfsError as error:
            remarks.append(Remark.failed(row, error))
    return tuple(remarks)


def _doubtful_rows(records: pa.RecordBatch, group: FeatureGroup) -> list[int]:
    """Return the rows that might break a rule, ascending; the others surely do not."""
    import pyarrow.compute as pc

    fine = pc.and_(
        _is_sure_time(records.column(group.event_time), group.event_time_in_seconds),
        _has_length(records.column(group.record_identifier)),
    )
    for name in records.schema.names:
        if name in SYSTEM_COLUMNS:
            continue
        feature, column = group.feature(name), records.column(name)
        if feature.collection:
            return list(range(records.num_rows))
        if feature.type is FeatureType.INTEGRAL:
            fine = pc.and_(fine, _is_surely_integral(column))
        elif feature.type is FeatureType.FRACTIONAL:
            fine = pc.and_(fine, _is_surely_fractional(column))
    fine = pc.and_(fine, _is_surely_small(records))
    rows: list[int] = pc.indices_nonzero(pc.invert(fine)).to_pylist()
    return rows


# Arrow's own parsers are much faster than expressions; where one of them stumbles, expressions tell which row it was


def _is_surely_integral(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        column.cast(pa.int64())
    except pa.ArrowInvalid:
        return pc.fill_null(pc.match_substring_regex(column, SURE_INTEGRAL), True)
    return pc.fill_null(pc.invert(pc.match_substring(column, "x", ignore_case=True)), True)


def _is_surely_fractional(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.fill_null(pc.is_finite(column.cast(pa.float64())), True)
    except pa.ArrowInvalid:
        return pc.fill_null(pc.match_substring_regex(column, _SURE_FRACTIONAL), True)


# an exponent of one or two digits over at most 100 digits cannot leave a double's range
_SURE_FRACTIONAL = r"^[+-]?([0-9]{1,100}\.?[0-9]{0,100}|\.[0-9]{1,100})([eE][+-]?[0-9]{1,2})?$"


def _is_surely_small(records: pa.RecordBatch) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in records.schema.names if name not in SYSTEM_COLUMNS]
    lengths = [pc.fill_null(pc.binary_length(records.column(name)), 0) for name in names]
    size = sum(len(name.encode()) for name in names)
    if size + sum(pc.max(length).as_py() or 0 for length in lengths) <= MAX_RECORD_BYTES:
        return pa.repeat(pa.scalar(True), len(records))
    sizes = pa.repeat(pa.scalar(size, pa.int64()), len(records))
    for length in lengths:
        sizes = pc.add(sizes, length.cast(pa.int64()))
    return pc.less_equal(sizes, MAX_RECORD_BYTES)


def _has_length(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    lengths = pc.binary_length(column)
    return pc.fill_null(pc.and_(pc.greater(lengths, 0), pc.less_equal(lengths, MAX_RECORD_ID_BYTES)), False)


def _is_sure_time(column: pa.Array, seconds: bool) -> pa.Array:
    """Tell which texts surely are event times: of the usual form, and for ISO ones a day that exists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if seconds:
        return pc.fill_null(pc.match_substring_regex(column, SURE_SECONDS), False)
    formed = pc.fill_null(pc.match_substring_regex(column, SURE_ISO), False)
    whole = pc.if_else(formed, pc.utf8_slice_codeunits(column, 0, 19), None)
    try:
        whole.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return pa.repeat(pa.scalar(False), len(column))
    return formed


def instants(column: pa.Array, *, seconds: bool) -> tuple[pa.Array, pa.Array]:
    """Return event times as whole seconds since 1970 (int64) and the nanoseconds after them (int32, 0 to 999,999,999).

    Compared as a pair they order as instants do. The texts must have passed `check`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    form = SURE_SECONDS if seconds else SURE_ISO
    if not pc.all(pc.fill_null(pc.match_substring_regex(column, form), False), min_count=0).as_py():
        times = [EventTime.parse(text, seconds=seconds).nanoseconds for text in column.to_pylist()]
        return pa.array([t // NANOS for t in times], pa.int64()), pa.array([t % NANOS for t in times], pa.int32())
    if seconds:
        parts = pc.extract_regex(column, r"^(?P<whole>[0-9]+)(?:\.(?P<decimals>[0-9]+))?$")
        whole, decimals = pc.struct_field(parts, "whole").cast(pa.int64()), pc.struct_field(parts, "decimals")
    else:
        whole = pc.utf8_slice_codeunits(column, 0, 19).cast(pa.timestamp("s")).cast(pa.int64())
        decimals = pc.utf8_rtrim(pc.utf8_slice_codeunits(column, 20, 40), "Z")
    nanos = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(decimals, ""), 9, "0"), 0, 9).cast(pa.int32())
    return whole, nanos
