"""Event times of a file as the group's feature type writes them: ISO 8601 UTC, or Unix seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfs_core import SURE_ISO, SURE_SECONDS, ZONE_FORM, BadEventTime, EventTime, SfsError, to_text

if TYPE_CHECKING:
    import pyarrow as pa


def event_time_texts(column: pa.Array, *, seconds: bool, assume_utc: bool, problems: dict[int, SfsError]) -> pa.Array:
    """Return event times as texts: Unix seconds where `seconds`, else ISO 8601 UTC.

    Timestamps and ISO texts with a zone are converted; those without one are taken as UTC where `assume_utc`, else
    each has its reason put into `problems`, by row. Numbers are never taken for ISO times; what else does not fit is
    left as it is for the check.
    """
    import pyarrow as pa

    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    if pa.types.is_timestamp(column.type):
        return _of_timestamps(column, seconds, assume_utc, problems)
    texts = to_text(column)
    return _of_texts(texts, seconds, assume_utc, problems)


def _of_timestamps(column: pa.Array, seconds: bool, assume_utc: bool, problems: dict[int, SfsError]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    unit = column.type.unit
    instants = column.cast(pa.timestamp(unit))
    texts = pc.replace_substring(instants.cast(pa.string()), " ", "T")
    texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    if column.type.tz is None and not assume_utc:
        for row, text in enumerate(texts.to_pylist()):
            if text is not None:
                problems[row] = BadEventTime(text=text, expected=ZONE_FORM)
    if not seconds:
        return pc.binary_join_element_wise(texts, "Z", "")
    # the same whole number, read with so many decimals, is exact seconds
    decimals = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    whole = instants.cast(pa.int64()).cast(pa.decimal128(19, 0))
    exact = pa.Array.from_buffers(pa.decimal128(19, decimals), len(whole), whole.buffers(), offset=whole.offset)
    return pc.replace_substring_regex(exact.cast(pa.string()), r"\.?0*$" if decimals else r"$", "")


def _of_texts(texts: pa.Array, seconds: bool, assume_utc: bool, problems: dict[int, SfsError]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    sure = pc.match_substring_regex(texts, SURE_SECONDS if seconds else SURE_ISO)
    rows = pc.indices_nonzero(pc.invert(pc.fill_null(sure, True))).to_pylist()
    if not rows:
        return texts
    values = texts.to_pylist()
    for row in rows:
        try:
            values[row] = _of_text(values[row], seconds, assume_utc)
        except BadEventTime as error:
            problems[row] = error
    return pa.array(values, pa.string())


def _of_text(text: str, seconds: bool, assume_utc: bool) -> str:
    """Return an event time in the group's form. Raises BadEventTime."""
    if seconds:
        try:
            EventTime.parse(text, seconds=True)
        except BadEventTime as error:
            if text[4:5] != "-":
                raise error
        else:
            return text
    return EventTime.parse_zoned(text, assume_utc=assume_utc).text(seconds=seconds)
