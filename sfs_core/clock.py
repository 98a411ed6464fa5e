"""The clock, so that a run can be given another one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from sfs_core.event_time import EventTime


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> EventTime:
        """Return the present instant."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clock, to the microsecond."""

    def now(self) -> EventTime:
        """Return the present instant."""
        return EventTime(time.time_ns() // 1000 * 1000)


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until it is set: for a run's own instant, and for tests."""

    instant: EventTime

    def now(self) -> EventTime:
        """Return the instant it was set to."""
        return self.instant
