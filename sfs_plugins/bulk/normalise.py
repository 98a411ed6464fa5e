"""Columns as they lie in a file, made the service's own texts without a detour that could change a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sfs_core import (
    IS_DELETED,
    PROBLEM,
    SYSTEM_COLUMNS,
    BadRecord,
    BadValue,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    Message,
    Remark,
    Session,
    SfsError,
    UsageError,
    batch_of_values,
    kept,
    parse_json,
    say,
    text_type,
    to_text,
    whole_texts,
)
from sfs_plugins.bulk.event_times import event_time_texts

if TYPE_CHECKING:
    import pyarrow as pa

NAN_TEXTS: Final = ("nan", "NaN", "NAN")


class Nan(StrEnum):
    """What becomes of a NaN."""

    REFUSE = "refuse"
    DROP = "drop"


class NotANumber(BadRecord):
    """A value is NaN, which a feature cannot be."""

    sentence = (
        "feature {feature!r} is NaN, which no feature can be: mend it, or leave such features out with --nan drop"
    )


class DeleteMarker(BadRecord):
    """A delete marker stands where a record is expected."""

    sentence = "this is a delete marker, not a record: --replay makes delete markers soft deletes"


class ColumnUnusable(UsageError):
    """A column of a file has a type that no feature can have."""

    sentence = "column {column!r} holds {type}, which cannot be written as a feature's text: {problem}"


@dataclass(frozen=True, slots=True)
class NormaliseRecords:
    """Turns a file's columns into texts of a group's features.

    Whole numbers that became doubles because some are missing turn back where that is exact. Event times with a zone
    become UTC. The system columns of an export are left out; with `replay` its delete markers are kept as such.
    """

    group: FeatureGroup
    nan: Nan = Nan.REFUSE
    assume_utc: bool = False
    replay: bool = False

    def describe(self) -> Message:
        """Return what it does."""
        return say("take as texts")

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records as texts and a remark for each that cannot be. Raises UnknownFeature, ColumnUnusable."""
        import pyarrow as pa

        problems: dict[int, SfsError] = {}
        columns = {}
        for name, column in zip(records.schema.names, records.columns, strict=True):
            if name == PROBLEM:
                texts = enumerate(column.to_pylist())
                problems.update((row, BadRecord(problem=text)) for row, text in texts if text is not None)
            elif name not in SYSTEM_COLUMNS:
                columns[name] = self._texts(self.group.feature(name), column, problems)
        marked = _marked(records, problems)
        if self.replay:
            columns[IS_DELETED] = marked
        else:
            problems.update((row, DeleteMarker()) for row in _true_rows(marked))
        remarks = [Remark.failed(row, error) for row, error in sorted(problems.items())]
        return kept(pa.record_batch(columns), remarks), remarks

    def _texts(self, feature: FeatureDefinition, column: pa.Array, problems: dict[int, SfsError]) -> pa.Array:
        import pyarrow as pa

        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if feature.collection:
            return _lists(feature, column, problems)
        if pa.types.is_nested(column.type):
            return _no_lists(feature, column, problems)
        if pa.types.is_null(column.type):
            return column.cast(pa.string())
        column = self._without_nan(feature, column, problems)
        try:
            if feature.name == self.group.event_time:
                seconds = self.group.event_time_in_seconds
                return event_time_texts(column, seconds=seconds, assume_utc=self.assume_utc, problems=problems)
            if feature.type is FeatureType.INTEGRAL and pa.types.is_floating(column.type):
                return whole_texts(column)
            return to_text(column)
        except pa.ArrowException as error:
            problem = str(error).splitlines()[0]
            raise ColumnUnusable(column=feature.name, type=column.type, problem=problem) from error

    def _without_nan(self, feature: FeatureDefinition, column: pa.Array, problems: dict[int, SfsError]) -> pa.Array:
        """Return the column with NaN as null, or the reason why it may not be there in `problems`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_floating(column.type):
            is_nan = pc.is_nan(column)
        elif pa.types.is_string(column.type) and feature.type is not FeatureType.STRING:
            is_nan = pc.is_in(column, pa.array(NAN_TEXTS))
        else:
            return column
        rows = _true_rows(is_nan)
        if not rows:
            return column
        if self.nan is Nan.DROP:
            return pc.if_else(is_nan, pa.scalar(None, column.type), column)
        problems.update((row, NotANumber(feature=feature.name)) for row in rows)
        return column


def _true_rows(column: pa.Array) -> list[int]:
    import pyarrow.compute as pc

    rows: list[int] = pc.indices_nonzero(pc.fill_null(column, False)).to_pylist()
    return rows


def _marked(records: pa.RecordBatch, problems: dict[int, SfsError]) -> pa.Array:
    """Return which rows are delete markers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if IS_DELETED not in records.schema.names:
        return pa.repeat(pa.scalar(False), records.num_rows)
    texts = pc.fill_null(pc.utf8_lower(to_text(records.column(IS_DELETED))), "false")
    for row in _true_rows(pc.invert(pc.is_in(texts, pa.array(["true", "false"])))):
        problem = say("{column!r} is {value!r}: give true or false", column=IS_DELETED, value=texts[row].as_py())
        problems[row] = BadRecord(problem=problem)
    return pc.equal(texts, "true")


def _no_lists(feature: FeatureDefinition, column: pa.Array, problems: dict[int, SfsError]) -> pa.Array:
    import pyarrow as pa

    for row, value in enumerate(column.to_pylist()):
        if value is not None:
            expected = say("one value, not a list")
            problems[row] = BadValue(feature=feature.name, type=feature.type_text, value=value, expected=expected)
    return pa.nulls(len(column), pa.string())


def _lists(feature: FeatureDefinition, column: pa.Array, problems: dict[int, SfsError]) -> pa.Array:
    """Return a collection's values; in a column of texts each is a JSON list, as CSV has it."""
    import pyarrow as pa

    kind = text_type(feature)
    if pa.types.is_null(column.type):
        return column.cast(kind)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) or pa.types.is_fixed_size_list(column.type):
        texts = to_text(column)
        _refuse_nulls(feature, texts, problems)
        return texts
    values = [None if text is None else _json_list(text) for text in to_text(column).to_pylist()]
    read = batch_of_values([{feature.name: value} for value in values], [feature])
    for row, value in enumerate(values):
        if value is not None and read.column(feature.name)[row].as_py() is None:
            expected = say('a JSON list, as ["a", "b"]')
            problems[row] = BadValue(feature=feature.name, type=feature.type_text, value=value, expected=expected)
    return read.column(feature.name)


def _refuse_nulls(feature: FeatureDefinition, lists: pa.Array, problems: dict[int, SfsError]) -> None:
    import pyarrow.compute as pc

    if not lists.flatten().null_count:
        return
    parents = pc.list_parent_indices(lists).filter(pc.is_null(lists.flatten()))
    for row in parents.unique().to_pylist():
        expected = say("a list without nulls")
        value = lists[row].as_py()
        problems[row] = BadValue(feature=feature.name, type=feature.type_text, value=value, expected=expected)


def _json_list(text: str) -> object:
    try:
        return parse_json(text)
    except ValueError:
        return text
