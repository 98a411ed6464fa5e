"""Records and deletions out of a few bytes each, for the state machine: cheap to draw, and quick to shrink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from sfs_core.event_time import NANOS, EventTime
from sfs_core.model import FeatureGroup
from sfs_core.rules import Value

IDS = ("a", "b", "c", "d", "A", "é", "0", "a\x1fb")
HOUR = 3600 * NANOS
# hours and nanoseconds from the full hour that the clock shows: close together, so that ties and near misses are common
OFFSETS = (
    *((hours, nanos) for hours in (-2, -1, 0) for nanos in (0, 1_000, 500_000_000, 500_001_000, 999_999_000)),
    (0, -1_000),
    (1, 0),
    (300, 0),
)
FAR = ("0000-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "2400-02-29T12:00:00Z", "9999-12-31T23:59:59.5Z")
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


def many(seed: int, count: int) -> bytes:
    """Return the bytes of so many records, the same ones for the same seed."""
    return Random(seed).randbytes(3 * count)  # noqa: S311  (nothing secret)


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
        instant = self.instant(number)
        return _seconds(instant, width) if self.group.event_time_in_seconds else _iso(instant, width)

    def instant(self, number: int) -> EventTime:
        """Return one of the instants around now, or now and then one far away."""
        if number > 251:
            return EventTime.parse(FAR[number - 252], seconds=False)
        hours, nanos = OFFSETS[number % len(OFFSETS)]
        return EventTime(self.now.nanoseconds // HOUR * HOUR + hours * HOUR + nanos)


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
