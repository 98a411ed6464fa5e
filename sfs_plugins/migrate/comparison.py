"""Comparing records by what they mean: `5` and `5.0` are one number, `00Z` and `00.000Z` one instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    CollectionType,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    SfsError,
    TtlDuration,
)

if TYPE_CHECKING:
    import pyarrow as pa

MAX_EXAMPLES: Final = 10


class Difference(StrEnum):
    """How a record of the source and what the target has of it differ."""

    MISSING = "missing"
    EXTRA = "extra"
    VALUE = "different value"
    EVENT_TIME = "different event time"
    COUNT = "different count"


@dataclass(frozen=True, slots=True)
class Example:
    """One difference: `feature` is set where one value differs; values are texts, lists or None."""

    difference: Difference
    record_id: str
    feature: str | None = None
    source: Any = None
    target: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        line = {"difference": self.difference.value, "record_id": self.record_id, "feature": self.feature}
        return {**line, "source": self.source, "target": self.target}


@dataclass
class Tally:
    """What a comparison found: a record looked at is equal, expired, newer in the target, or counted as different."""

    compared: int = 0
    expired: int = 0
    newer: int = 0
    differences: Counter[Difference] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def add(self, example: Example) -> None:
        """Count a difference; the first ones of each kind are kept."""
        self.differences[example.difference] += 1
        if self.differences[example.difference] <= MAX_EXAMPLES:
            self.examples.append(example)

    @property
    def different(self) -> int:
        """How many records differ."""
        return self.differences.total()

    @property
    def equal(self) -> int:
        """How many of the records looked at are there with the same meaning."""
        return self.compared - self.expired - self.newer - self.different


@dataclass(frozen=True)
class Expiry:
    """When records are expected to have gone: their time to live is over at `now`."""

    ttl: TtlDuration | None
    now: EventTime

    def is_over(self, event_time: EventTime) -> bool:
        """Tell whether a record of this event time has expired."""
        return self.ttl is not None and event_time.plus(self.ttl.nanoseconds) <= self.now


@dataclass
class Compare:
    """Compares records of the source, in the target's features, with what the target has; counts into `tally`.

    With `newer_is_fine` a record whose target has a later event time is counted as newer, not as different.
    """

    group: FeatureGroup
    expiry: Expiry
    newer_is_fine: bool
    tally: Tally = field(default_factory=Tally)

    def batch(self, expected: pa.RecordBatch, found: pa.RecordBatch) -> None:
        """Compare expected records, each id once, with those found of the same ids, in any order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        identifier = self.group.record_identifier
        places = pc.index_in(expected.column(identifier), found.column(identifier))
        self.tally.compared += expected.num_rows
        for row in pc.indices_nonzero(pc.is_null(places)).to_pylist():
            self._missing(expected, row)
        there = pc.indices_nonzero(pc.is_valid(places))
        self._present(expected.take(there), found.take(pc.drop_null(places).cast(pa.int64())))

    def _missing(self, expected: pa.RecordBatch, row: int) -> None:
        record_id, text = (expected.column(name)[row].as_py() for name in self._keys)
        if self.expiry.is_over(self.group.parse_event_time(text)):
            self.tally.expired += 1
        else:
            self.tally.add(Example(Difference.MISSING, record_id, self.group.event_time, text))

    @property
    def _keys(self) -> tuple[str, str]:
        return self.group.record_identifier, self.group.event_time

    def _present(self, expected: pa.RecordBatch, found: pa.RecordBatch) -> None:
        """Compare records row by row: event times first, then values of those that agree on it."""
        seen = set()
        for row, mine, theirs in self._unequal_times(expected, found):
            seen.add(row)
            if self.newer_is_fine and theirs > mine:
                self.tally.newer += 1
            else:
                self.tally.add(self._example(Difference.EVENT_TIME, expected, found, row, self.group.event_time))
        for feature in self.group.features:
            if feature.name not in self._keys:
                for row in unequal(feature, _column(expected, feature.name), _column(found, feature.name)):
                    if row not in seen:
                        seen.add(row)
                        self.tally.add(self._example(Difference.VALUE, expected, found, row, feature.name))

    def _unequal_times(
        self, expected: pa.RecordBatch, found: pa.RecordBatch
    ) -> Iterator[tuple[int, EventTime, EventTime]]:
        name = self.group.event_time
        mine, theirs = expected.column(name), found.column(name)
        for row in _other_texts(mine, theirs):
            texts = mine[row].as_py(), theirs[row].as_py()
            times = [self.group.parse_event_time(text) for text in texts]
            # an offline store keeps Unix seconds as a double
            is_same_double = self.group.event_time_in_seconds and float(texts[0]) == float(texts[1])
            if times[0] != times[1] and not is_same_double:
                yield row, times[0], times[1]

    def _example(
        self, kind: Difference, expected: pa.RecordBatch, found: pa.RecordBatch, row: int, name: str
    ) -> Example:
        record_id = expected.column(self.group.record_identifier)[row].as_py()
        values = (
            None if column is None else column[row].as_py()
            for column in (_column(expected, name), _column(found, name))
        )
        return Example(kind, record_id, name, *values)


def _column(records: pa.RecordBatch, name: str) -> pa.Array | None:
    return records.column(name) if name in records.schema.names else None


def unequal(feature: FeatureDefinition, mine: pa.Array | None, theirs: pa.Array | None) -> list[int]:
    """Return the rows in which two columns of a feature mean different things; None is a column without values."""
    import pyarrow.compute as pc

    if mine is None or theirs is None:
        there = mine if mine is not None else theirs
        return [] if there is None else pc.indices_nonzero(pc.is_valid(there)).to_pylist()
    rows = range(len(mine)) if feature.collection else _other_texts(mine, theirs)
    meaning = meaning_of(feature)
    return [row for row in rows if meaning(mine[row].as_py()) != meaning(theirs[row].as_py())]


def _other_texts(mine: pa.Array, theirs: pa.Array) -> list[int]:
    """Return the rows in which two columns of texts are not the same text, or not both absent."""
    import pyarrow.compute as pc

    same = pc.or_kleene(pc.equal(mine, theirs), pc.and_(pc.is_null(mine), pc.is_null(theirs)))
    rows: list[int] = pc.indices_nonzero(pc.invert(pc.fill_null(same, False))).to_pylist()
    return rows


def meaning_of(feature: FeatureDefinition) -> Callable[[Any], object]:
    """Return what turns a feature's texts into what is equal where they mean the same; absent is None."""
    kinds: dict[FeatureType, Callable[[str], object]] = {
        FeatureType.STRING: str,
        FeatureType.INTEGRAL: int,
        FeatureType.FRACTIONAL: float,
    }
    kind = kinds[feature.type]
    many: Callable[[Any], object] = frozenset if feature.collection is CollectionType.SET else tuple

    def meaning(value: Any) -> object:
        if value is None:
            return None
        try:
            return many(kind(text) for text in value) if feature.collection else kind(value)
        except (ValueError, SfsError):
            return value

    return meaning
