"""The one wrapper round every call to AWS: pace, retries, and errors translated once."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sfs_core import FeatureGroupNotFound, Pace, SfsError, StoreUnavailable
from sfs_plugins.sagemaker_store.errors import PASSING, THROTTLES, OutcomeUnknown, code_of
from sfs_plugins.sagemaker_store.failures import failure_of
from sfs_plugins.sagemaker_store.permissions import action_of

ATTEMPTS: Final = 10
LONGEST_PAUSE_SECONDS: Final = 20.0
FRESH_GROUP_SECONDS: Final = 30.0
"""How long a group that is known to be there is asked for again (known ways to be wrong, line 50)."""
REPEATABLE: Final = frozenset({"PutRecord", "BatchWriteRecord", "DeleteRecord", "UpdateRecord"})
"""Writes that are sent again where nobody knows whether they took effect (known ways to be wrong, line 47)."""
TOGETHER_SECONDS: Final = 0.1
_LATELY: Final = 500


@dataclass
class Calls:
    """Calls operations of one connection.

    botocore's own retries are off: here throttles slow every thread down together, faults are tried again with
    growing random pauses, and what cannot be retried is raised as one of our errors, naming the IAM action.
    `principal` tells who speaks; `is_there` whether a group has been made, as its control plane has it;
    `throttles` is how often the service asked to go slower.
    """

    connection: str
    principal: Callable[[], str]
    is_there: Callable[[str], bool] = lambda name: False
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] = time.sleep
    attempts: int = ATTEMPTS
    throttles: int = 0
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_LATELY))
    _slowed_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, client: Any, operation: str, what: str, *, fresh: bool = False, **request: Any) -> Any:
        """Return the response to `operation` (as the API names it, `PutRecord`).

        `what` is the group or bucket it is about. With `fresh` a group that is not found although it has been made
        is asked for again for a bounded time. Raises our errors only: OutcomeUnknown where a write was sent, perhaps
        several times, and no answer to any of them says what became of it.
        """
        trial = _Trial(self, operation, what, fresh)
        while True:
            self.pace.wait()
            self._count()
            try:
                return _method(client, operation)(**request)
            except Exception as error:  # botocore's errors share no base class worth the name; others are raised on
                action = action_of(_service(client), operation)
                failure = failure_of(error, action, operation, what, self.connection, self.who)
                if failure is None:
                    raise
                if not trial.goes_on(failure, code_of(getattr(error, "response", None) or {})):
                    raise trial.outcome(failure) from error
                self.pause(trial.attempts)

    def pause(self, attempt: int) -> None:
        """Wait before another try: longer each time, and not as long as the other threads."""
        longest = min(LONGEST_PAUSE_SECONDS, 0.05 * 2.0**attempt)
        self.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311

    def who(self) -> str:
        """Return who speaks, or the connection's name where even that cannot be asked."""
        try:
            return self.principal()
        except SfsError:
            return self.connection

    def _count(self) -> None:
        with self._lock:
            self._times.append(time.monotonic())

    def rate(self) -> float:
        """Return how many calls a second were sent lately."""
        with self._lock:
            if len(self._times) < 2:
                return 1.0
            return len(self._times) / max(0.05, time.monotonic() - self._times[0])

    def throttled(self) -> None:
        """Slow down: the service said so, in an error or inside an answer.

        Each is counted. What was in flight together is refused together, and slows down once: the rate is halved, not
        halved for each.
        """
        with self._lock:
            self.throttles += 1
            now = time.monotonic()
            if now - self._slowed_at < TOGETHER_SECONDS:
                return
            self._slowed_at = now
        self.pace.throttled(self.rate())


@dataclass
class _Trial:
    """The tries of one call so far."""

    calls: Calls
    operation: str
    what: str
    fresh: bool
    attempts: int = 0
    began: float = field(default_factory=time.monotonic)
    unknown: OutcomeUnknown | None = None
    is_there: bool | None = None

    def goes_on(self, failure: SfsError, code: str) -> bool:
        """Tell whether another try may succeed, and is still allowed."""
        self.attempts += 1
        if code in THROTTLES:
            self.calls.throttled()
        if isinstance(failure, OutcomeUnknown):
            self.unknown = failure
        if isinstance(failure, FeatureGroupNotFound):
            return self.fresh and time.monotonic() - self.began < FRESH_GROUP_SECONDS and self._is_made()
        if isinstance(failure, OutcomeUnknown):
            # the same record at the same event time again changes nothing online; a group cannot be made twice
            return self.operation in REPEATABLE and self.attempts < self.calls.attempts
        return (code in THROTTLES | PASSING or _is_unreached(failure, code)) and self.attempts < self.calls.attempts

    def outcome(self, failure: SfsError) -> SfsError:
        """Return what the call ends with: that it may have taken effect weighs more than that the last try was late."""
        return self.unknown if self.unknown and isinstance(failure, StoreUnavailable) else failure

    def _is_made(self) -> bool:
        if self.is_there is None:
            self.is_there = self.calls.is_there(self.what)
        return self.is_there


def _is_unreached(failure: SfsError, code: str) -> bool:
    return type(failure) is StoreUnavailable and not code


def _method(client: Any, operation: str) -> Any:
    from botocore import xform_name

    return getattr(client, xform_name(operation))


def _service(client: Any) -> str:
    name: str = client.meta.service_model.service_name
    return "sagemaker" if name.startswith("sagemaker") else name
