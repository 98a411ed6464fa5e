"""Records and deletions out of a few bytes each, for the state machine, as cheap as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sfs_core.event_time import HIGHEST, NANOS, EventTime
from sfs_core.model import FeatureGroup
from sfs_core.rules import Value

IDS = ("a", "b", "c", "d", "A", "é", "0", "a\x1fb")
HOUR = 3600 * NANOS
# from the full hour that the clock shows: the same again and again, so that ties and near misses are common
_OF_THE_HOUR = tuple(
    hour * HOUR + nanos for hour in (-2, -1, 0) for nanos in (0, 1_000, 500_000_000, 500_001_000, 999_999_000)
)
# from the very instant: later with each step, so that no record is stuck at the latest event time there is
_OF_NOW = (-2_000_000, -1_000_000, -1_000, 0, 0, 1_000)
_LONG_AGO = tuple(
    EventTime.parse(text, seconds=False).nanoseconds
    for text in ("0000-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "2024-02-29T12:00:00Z")
)
BAD_TIMES = (
    "",
    "yesterday",
    "2025-02-29T00:00:00Z",
    "2025-06-01T00:00:60Z",
    "2025-06-01T00:00:00+00:00",
    "1e99",
    "nan",
)
VALUES: tuple[dict[str, str], ...] = (
    {},
    {"city": "Oslo", "items": "5", "amount": "1.5"},
    {"city": "", "items": "-9223372036854775808"},
    {"city": "\x1a\x1b\x1e漢", "amount": "1e-7"},
    {"items": "+7", "amount": "-.5"},
    {"items": "007", "amount": "1E3"},
)
BAD_VALUES: tuple[dict[str, str], ...] = (
    {"items": "5.0"},
    {"items": "9223372036854775808"},
    {"items": ""},
    {"amount": "inf"},
    {"amount": "1e309"},
    {"amount": " 1"},
    {"id": ""},
    {"id": "x" * 2049},
)


@dataclass(frozen=True)
class RecordBytes:
    """Reads three bytes as one record of a group: which id, which event time, which values."""

    group: FeatureGroup
    now: EventTime

    def records(self, drawn: bytes) -> list[dict[str, Value]]:
        """Return the records of some bytes; one in about sixty breaks a rule."""
        return [self._record(*three) for three in _threes(drawn)]

    def deletions(self, drawn: bytes) -> list[tuple[str | None, str | None]]:
        """Return record ids and event times to delete; one in about sixty breaks a rule."""
        return [self._deletion(*three) for three in _threes(drawn)]

    def _record(self, one: int, two: int, three: int) -> dict[str, Value]:
        record: dict[str, Value] = {"id": IDS[one % len(IDS)], "at": self.time(two, three)}
        record |= self._values(three)
        if one == 255:
            del record["id" if three % 2 else "at"]
        elif one == 254:
            record["at"] = BAD_TIMES[three % len(BAD_TIMES)]
        elif one > 251:
            record |= BAD_VALUES[three % len(BAD_VALUES)]
        return record

    def _values(self, number: int) -> dict[str, Value]:
        known = {feature.name for feature in self.group.features}
        values: dict[str, Value] = {k: v for k, v in VALUES[number % len(VALUES)].items() if k in known}
        if "names" in known and number % 3:
            values["names"] = ["b", "", "a\x1e"][: number % 4]
        if "place" in known and number % 3 == 1:
            values["place"] = ["1.5", "-1e3"]
        added = [feature.name for feature in self.group.features if feature.name.startswith("added")]
        return values | {name: f"{name} {number}" for name in added[: number % 3]}

    def _deletion(self, one: int, two: int, three: int) -> tuple[str | None, str | None]:
        if one == 255:
            return (None, self.time(two, three)) if three % 2 else ("", self.time(two, three))
        if one == 254:
            return IDS[0], BAD_TIMES[three % len(BAD_TIMES)] if three % 2 else None
        return IDS[one % len(IDS)], self.time(two, three)

    def time(self, number: int, width: int) -> str:
        """Return an event time, spelt one way or another."""
        instant = HIGHEST.plus(-NANOS + 1) if number == 255 and width % 64 == 0 else self.instant(number)
        return _seconds(instant, width) if self.group.event_time_in_seconds else _iso(instant, width)

    def instant(self, number: int) -> EventTime:
        """Return an instant of this hour or the two before, or around now, and seldom one long ago or to come."""
        if number < 180:
            return EventTime(self.now.nanoseconds // HOUR * HOUR + _OF_THE_HOUR[number % len(_OF_THE_HOUR)])
        if number < 248:
            return self.now.plus(_OF_NOW[number % len(_OF_NOW)])
        if number < 254:
            return EventTime(_LONG_AGO[number % len(_LONG_AGO)])
        return self.now.plus(HOUR)


def _threes(drawn: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    for start in range(0, len(drawn) - 2, 3):
        yield drawn[start], drawn[start + 1], drawn[start + 2]


def _iso(instant: EventTime, width: int) -> str:
    """Return ISO 8601 with as few decimals as can be, or more."""
    whole, _, decimals = instant.iso().removesuffix("Z").partition(".")
    decimals = decimals.rstrip("0")
    decimals = decimals.ljust((0, 0, 0, 1, 3, 6, 9)[width % 7], "0")
    return f"{whole}.{decimals}Z" if decimals else f"{whole}Z"


def _seconds(instant: EventTime, width: int) -> str:
    """Return Unix seconds, plainly or in another spelling of the same number."""
    text = instant.unix_seconds()
    if width % 7 == 1:
        return text + "0" if "." in text else text + ".0"
    if width % 7 == 2 and not text.startswith("-"):
        return "+" + text
    return text + "e0" if width % 7 == 3 else text
