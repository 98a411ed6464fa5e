"""Event times as instants: whole nanoseconds since 1970, UTC, from year 0000 to year 9999."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Final, Self

from sfs_core.errors import BadEventTime

NANOS: Final = 1_000_000_000
ISO_FORM: Final = "ISO 8601 in UTC, as 2025-06-01T00:00:00Z, with up to 9 decimals"
ZONE_FORM: Final = "its zone too, as Z or +02:00 at its end, or --assume-utc"
SECONDS_FORM: Final = "Unix seconds, as 1748736000 or 1748736000.25"

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_ZONED = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?", re.ASCII)
_SECONDS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NANOSECOND = Decimal("1e-9")
# Python's dates begin with year 1; years are moved by one 400-year cycle of the calendar, which has whole days
_CYCLE_YEARS, _CYCLE_SECONDS = 400, 146_097 * 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class EventTime:
    """One instant. Two texts of one instant (`00Z`, `00.000Z`) are equal.

    Source: feature-store-quotas (nanoseconds, years 0000 to 9999).
    """

    nanoseconds: int

    @classmethod
    def parse(cls, text: str, *, seconds: bool) -> Self:
        """Return the instant that `text` names, as a group's event-time feature type reads it.

        `seconds` is true for a Fractional event time (Unix seconds), false for a String one (ISO 8601, literal `Z`).
        Raises BadEventTime, also outside years 0000 to 9999.
        """
        instant = cls._from_seconds(text) if seconds else cls._from_iso(text)
        if instant is None or not LOWEST.nanoseconds <= instant.nanoseconds <= HIGHEST.nanoseconds:
            raise BadEventTime(text=text, expected=SECONDS_FORM if seconds else ISO_FORM)
        return instant

    @classmethod
    def parse_zoned(cls, text: str, *, assume_utc: bool = False) -> Self:
        """Return the instant of an ISO 8601 text of any zone: `Z`, or an offset such as `+02:00` or `-0530`.

        Between date and time `T` or one blank. A text without a zone is refused unless `assume_utc`.
        Raises BadEventTime.
        """
        match = _ZONED.fullmatch(text)
        local = cls._from_iso(f"{match[1]}T{match[2]}Z") if match else None
        if match is None or local is None:
            raise BadEventTime(text=text, expected=ISO_FORM)
        if match[3] is None and not assume_utc:
            raise BadEventTime(text=text, expected=ZONE_FORM)
        instant = local.plus(-_offset_nanoseconds(match[3] or "Z"))
        if not LOWEST.nanoseconds <= instant.nanoseconds <= HIGHEST.nanoseconds:
            raise BadEventTime(text=text, expected=ISO_FORM)
        return instant

    @classmethod
    def _from_iso(cls, text: str) -> Self | None:
        match = _ISO.fullmatch(text)
        if match is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        try:
            moment = datetime(
                year + _CYCLE_YEARS if year < 9000 else year, month, day, hour, minute, second, tzinfo=UTC
            )
        except ValueError:
            return None
        seconds = (moment - _EPOCH) // timedelta(seconds=1) - (_CYCLE_SECONDS if year < 9000 else 0)
        return cls(seconds * NANOS + int((match[7] or "").ljust(9, "0")))

    @classmethod
    def _from_seconds(cls, text: str) -> Self | None:
        if not _SECONDS.fullmatch(text):
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        if abs(value) > 10**12:
            return None
        # below a nanosecond nothing can be told apart, so it is cut off towards the past
        return cls(int(value.quantize(_NANOSECOND, rounding=ROUND_FLOOR).scaleb(9)))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the instant of a datetime, which must carry its zone."""
        if moment.tzinfo is None:
            raise BadEventTime(text=moment.isoformat(), expected=ISO_FORM)
        return cls((moment - _EPOCH) // timedelta(microseconds=1) * 1000)

    def iso(self) -> str:
        """Return ISO 8601 UTC with as few of 0, 3, 6 or 9 decimals as hold the instant."""
        seconds, nanos = divmod(self.nanoseconds, NANOS)
        moment = _EPOCH + timedelta(seconds=seconds + _CYCLE_SECONDS) if seconds < 200_000_000_000 else None
        year = moment.year - _CYCLE_YEARS if moment else 0
        if moment is None:
            moment = _EPOCH + timedelta(seconds=seconds)
            year = moment.year
        digits = f"{nanos:09d}"
        while digits.endswith("000"):
            digits = digits[:-3]
        return f"{year:04d}-{moment:%m-%dT%H:%M:%S}{'.' + digits if digits else ''}Z"

    def unix_seconds(self) -> str:
        """Return Unix seconds as the shortest exact decimal text."""
        seconds, nanos = divmod(abs(self.nanoseconds), NANOS)
        decimals = f".{nanos:09d}".rstrip("0") if nanos else ""
        return f"{'-' if self.nanoseconds < 0 else ''}{seconds}{decimals}"

    def text(self, *, seconds: bool) -> str:
        """Return the text a group stores: Unix seconds for a Fractional event time, else ISO 8601."""
        return self.unix_seconds() if seconds else self.iso()

    def plus(self, nanoseconds: int) -> Self:
        """Return the instant so many nanoseconds later."""
        return type(self)(self.nanoseconds + nanoseconds)

    def moment(self) -> datetime:
        """Return an aware datetime, cut to microseconds; years 1 to 9999 only."""
        return _EPOCH + timedelta(microseconds=self.nanoseconds // 1000)

    def __str__(self) -> str:
        return self.iso()


def _offset_nanoseconds(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (minutes if zone[0] == "+" else -minutes) * 60 * NANOS


LOWEST: Final = EventTime(-62_167_219_200 * NANOS)
HIGHEST: Final = EventTime(253_402_300_800 * NANOS - 1)
