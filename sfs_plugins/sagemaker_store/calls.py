"""The one wrapper round every call to AWS: pace, retries, and errors translated once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sfs_core import FeatureGroupNotFound, SfsError, StoreUnavailable
from sfs_plugins.sagemaker_store.errors import PASSING, THROTTLES, OutcomeUnknown, code_of
from sfs_plugins.sagemaker_store.failures import failure_of
from sfs_plugins.sagemaker_store.paces import OperationPace
from sfs_plugins.sagemaker_store.permissions import action_of

ATTEMPTS: Final = 10
LONGEST_PAUSE_SECONDS: Final = 20.0
FRESH_GROUP_SECONDS: Final = 30.0
"""How long a group that is known to be there is asked for again (known ways to be wrong, line 50)."""
REPEATABLE: Final = frozenset({"PutRecord", "BatchWriteRecord", "DeleteRecord", "UpdateRecord"})
"""Writes that are sent again where nobody knows whether they took effect (known ways to be wrong, line 47)."""


@dataclass
class Calls:
    """Calls operations of one connection.

    botocore's own retries are off: here throttles slow all threads down that call the same operation, faults are tried
    again with growing random pauses, and what cannot be retried is raised as one of our errors, naming the IAM action.
    `principal` tells who speaks; `is_there` whether a group has been made, as its control plane has it; `sleep` waits
    before another try, `hold_back` for an operation's pace; `throttles` is how often the service asked to go slower.
    """

    connection: str
    principal: Callable[[], str]
    is_there: Callable[[str], bool] = lambda name: False
    sleep: Callable[[float], None] = time.sleep
    hold_back: Callable[[float], None] = time.sleep
    attempts: int = ATTEMPTS
    throttles: int = 0
    _paces: dict[str, OperationPace] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, client: Any, operation: str, what: str, *, fresh: bool = False, **request: Any) -> Any:
        """Return the response to `operation` (as the API names it, `PutRecord`).

        `what` is the group or bucket it is about. With `fresh` a group that is not found although it has been made
        is asked for again for a bounded time. Raises our errors only: OutcomeUnknown where a write was sent, perhaps
        several times, and no answer to any of them says what became of it.
        """
        trial, pace = _Trial(self, operation, what, fresh), self.pace_of(operation)
        while True:
            pace.wait()
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

    def pace_of(self, operation: str) -> OperationPace:
        """Return the pace of an operation, which all threads share."""
        with self._lock:
            return self._paces.setdefault(operation, OperationPace(self.hold_back))

    def throttled(self, operation: str) -> None:
        """Slow an operation down: the service said so, in an error or inside an answer. Each is counted."""
        with self._lock:
            self.throttles += 1
        self.pace_of(operation).throttled()


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
            self.calls.throttled(self.operation)
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
