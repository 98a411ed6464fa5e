"""How fast an operation may be called: AWS has a quota for each, and a throttle of one says nothing of another."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from sfs_core import Pace

TOGETHER_SECONDS: Final = 0.1
_LATELY_SECONDS: Final = 2.0
_LATELY_CALLS: Final = 500
_SHORTEST_SECONDS: Final = 0.05


class OperationPace:
    """The pace of one operation, over all threads. `sleep` waits so many seconds."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.pace = Pace(sleep=sleep)
        self._calls = deque[float](maxlen=_LATELY_CALLS)
        self._slowed_at = float("-inf")
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may be sent."""
        self.pace.wait()
        with self._lock:
            self._calls.append(time.monotonic())

    def throttled(self) -> None:
        """Slow down to half of what was sent lately; a single call is no rate, and is only tried again later.

        What was in flight together is refused together, and slows down once: the rate is halved, not halved for each.
        """
        with self._lock:
            now = time.monotonic()
            lately = [call for call in self._calls if now - call < _LATELY_SECONDS]
            if len(lately) < 2 or now - self._slowed_at < TOGETHER_SECONDS:
                return
            self._slowed_at = now
        self.pace.throttled(len(lately) / max(_SHORTEST_SECONDS, now - lately[0]))
