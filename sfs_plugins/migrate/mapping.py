"""Making records of one feature group fit another: features renamed, left out or set, event times written anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core import (
    IS_DELETED,
    BadEventTime,
    BadOption,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    Message,
    Remark,
    Session,
    SfsError,
    TargetStore,
    UsageError,
    kept,
    option,
    say,
    text_type,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class MappingOptions:
    """How features of the source become features of the target."""

    map: tuple[str, ...] = option("Features that have another name in the target.", default=(), value="OLD=NEW,...")
    drop: tuple[str, ...] = option("Features of the source to leave out.", default=(), value="A,B")
    default: tuple[str, ...] = option(
        "Values for features that a record lacks; an empty one leaves the feature absent.", default=(), value="F=V,..."
    )

    def renames(self) -> dict[str, str]:
        """Return new names by old ones. Raises BadOption."""
        return _pairs("--map", self.map)

    def defaults(self) -> dict[str, str]:
        """Return texts by feature; empty means absent. Raises BadOption."""
        return _pairs("--default", self.default, may_be_empty=True)


def _pairs(flag: str, texts: Sequence[str], *, may_be_empty: bool = False) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not name or not sign or not (value or may_be_empty):
            raise BadOption(option=flag, value=text, expected=say("NAME=VALUE, several with commas between them"))
        if name in pairs:
            raise BadOption(option=flag, value=text, expected=say("{name} once", name=name))
        pairs[name] = value
    return pairs


class EventTimeNotExact(UsageError):
    """An event time has more digits than the offline store's double holds."""

    sentence = "event time {text!r} has more digits than Unix seconds in an offline store keep"


@dataclass(frozen=True, slots=True)
class MapRecords:
    """Turns records of the source into records of the target, column by column.

    `names` are the features taken, old name and new; `defaults` are texts for features that a record lacks.
    """

    source: FeatureGroup
    target: FeatureGroup
    names: tuple[tuple[str, str], ...]
    defaults: tuple[tuple[str, str], ...] = ()

    def describe(self) -> Message:
        """Return what changes."""
        return say("map ({changes})", changes="; ".join(str(change) for change in self.changes()))

    def changes(self) -> Iterator[Message]:
        """Yield each change in words."""
        taken = dict(self.names)
        for old, new in taken.items():
            if old != new:
                yield say("{old} to {new}", old=old, new=new)
        for feature in self.source.features:
            if feature.name not in taken:
                yield say("without {feature}", feature=feature.name)
        for name, text in self.defaults:
            yield say("{feature} {value!r} where absent", feature=name, value=text)
        if self.rewrites_event_times:
            seconds = self.target.event_time_in_seconds
            yield say("event times to Unix seconds") if seconds else say("event times to ISO 8601")

    @property
    def rewrites_event_times(self) -> bool:
        """Whether the two groups write event times differently."""
        return self.source.event_time_in_seconds != self.target.event_time_in_seconds

    @property
    def is_needed(self) -> bool:
        """Whether anything changes."""
        return any(self.changes())

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records of the target; an event time that would not be the same instant fails."""
        import pyarrow as pa

        found = {new: records.column(old) for old, new in self.names if old in records.schema.names}
        remarks: Sequence[Remark] = ()
        if self.rewrites_event_times:
            found[self.target.event_time], remarks = self._rewritten(found[self.target.event_time])
        texts = dict(self.defaults)
        for feature in self.target.features:
            if feature.name in texts:
                found[feature.name] = _filled(found.get(feature.name), texts[feature.name], feature, len(records))
        columns = {feature.name: found[feature.name] for feature in self.target.features if feature.name in found}
        if IS_DELETED in records.schema.names:
            columns[IS_DELETED] = records.column(IS_DELETED)
        return kept(pa.record_batch(columns), remarks), remarks

    def _rewritten(self, times: pa.Array) -> tuple[pa.Array, list[Remark]]:
        import pyarrow as pa

        texts: list[str | None] = times.to_pylist()
        remarks = []
        for row, text in enumerate(texts):
            try:
                texts[row] = self._rewrite(str(text))
            except SfsError as error:
                remarks.append(Remark.failed(row, error))
        return pa.array(texts, pa.string()), remarks

    def _rewrite(self, text: str) -> str:
        """Return an event time as the target writes it. Raises BadEventTime, EventTimeNotExact."""
        instant = EventTime.parse(text, seconds=self.source.event_time_in_seconds)
        written = self.target.event_time_text(instant)
        if self.target.event_time_in_seconds and TargetStore.OFFLINE in self.target.stores:
            try:
                kept_offline = EventTime.parse(repr(float(written)), seconds=True)
            except BadEventTime:
                kept_offline = None
            if kept_offline != instant:
                raise EventTimeNotExact(text=text)
        return written


def _filled(column: pa.Array | None, text: str, feature: FeatureDefinition, count: int) -> pa.Array:
    import pyarrow as pa

    value = pa.scalar(text, text_type(feature))
    return pa.repeat(value, count) if column is None else column.fill_null(value)


WIDER = {
    FeatureType.INTEGRAL: (FeatureType.INTEGRAL, FeatureType.FRACTIONAL, FeatureType.STRING),
    FeatureType.FRACTIONAL: (FeatureType.FRACTIONAL, FeatureType.STRING),
    FeatureType.STRING: (FeatureType.STRING,),
}
"""The types that hold every value of a type."""


def fits(feature: FeatureDefinition, other: FeatureDefinition) -> bool:
    """Tell whether every value of a feature is one of the other's."""
    same_form = (feature.collection, feature.dimension) == (other.collection, other.dimension)
    return same_form and other.type in WIDER[feature.type]
