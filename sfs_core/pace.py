"""The adaptive rate limiter: throttles slow it, quiet speeds it up, a ceiling holds it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Lets so many operations a second through, over all threads that share it.

    `ceiling` is operations a second, None for no bound. After a throttle the rate is half of what it was; after each
    second without one it grows by a tenth of that, at least by one, for as long as it is quiet: a service that was busy
    for a moment does not hold up the rest of a long run.
    """

    ceiling: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    throttles: int = 0
    _rate: float | None = None
    _step: float = 1.0
    _free_at: float = 0.0
    _grown_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, operations: int = 1) -> None:
        """Return when so many operations may be sent."""
        with self._lock:
            now = self.clock()
            self._grow(now)
            rate = self._rate if self._rate is not None else self.ceiling
            if rate is None:
                return
            start = max(now, self._free_at)
            self._free_at = start + operations / rate
            pause = start - now
        if pause > 0:
            self.sleep(pause)

    def throttled(self, seen_rate: float) -> None:
        """Say that the service asked to slow down while `seen_rate` operations a second were sent."""
        with self._lock:
            self.throttles += 1
            known = (self._rate, self.ceiling, max(seen_rate, 1.0))
            before = min(rate for rate in known if rate is not None)
            self._rate, self._step = max(1.0, before / 2), max(1.0, before / 10)
            self._grown_at = self.clock()

    def _grow(self, now: float) -> None:
        if self._rate is None or now - self._grown_at < 1:
            return
        self._rate += int(now - self._grown_at) * self._step
        if self.ceiling is not None:
            self._rate = min(self.ceiling, self._rate)
        self._grown_at = now
