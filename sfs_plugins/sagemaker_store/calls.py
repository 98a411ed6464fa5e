"""The one wrapper round every call to AWS: pace, retries, and errors translated once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sfs_core import FeatureGroupNotFound, Pace, SfsError, StoreUnavailable
from sfs_plugins.sagemaker_store.errors import (
    DENIED,
    PASSING,
    THROTTLES,
    CredentialsRefused,
    OutcomeUnknown,
    RegionMissing,
    code_of,
    no_credentials,
    translated,
)

ATTEMPTS: Final = 10
LONGEST_PAUSE_SECONDS: Final = 20.0
FRESH_GROUP_SECONDS: Final = 30.0
"""How long a group that is not found is asked for again where it is known to be there (dossier 9: propagation)."""

WRITES: Final = frozenset({"PutRecord", "BatchWriteRecord", "DeleteRecord", "UpdateRecord"})


@dataclass
class Calls:
    """Calls operations of one connection.

    botocore's own retries are off: here throttles slow every thread down together, faults are tried again with
    growing random pauses, and what cannot be retried is raised as one of our errors, naming the IAM action.
    """

    connection: str
    principal: Callable[[], str]
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] = time.sleep
    _times: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, client: Any, operation: str, what: str, *, fresh: bool = False, **request: Any) -> Any:
        """Return the response to `operation` (as boto3's method is named in the API, `PutRecord`).

        `what` is the group or bucket it is about. With `fresh` a group that is not found yet is asked for again for
        a bounded time. Raises our errors only.
        """
        method = getattr(client, _snake(operation))
        action = f"{_service(client)}:{operation}"
        began = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            self.pace.wait()
            self._count()
            try:
                return method(**request)
            except Exception as error:  # botocore's errors share no base class worth the name; others are raised on
                failure = self._failure(error, action, what)
                if failure is None:
                    raise
                again = self._retries(error, failure, attempt, fresh and time.monotonic() - began < FRESH_GROUP_SECONDS)
                if not again:
                    raise failure from error
                self.sleep(min(LONGEST_PAUSE_SECONDS, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
        raise StoreUnavailable(store="sagemaker", problem=action)

    def _count(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._times = [*self._times[-499:], now]

    def rate(self) -> float:
        """Return how many calls a second were sent lately."""
        with self._lock:
            if len(self._times) < 2:
                return 1.0
            return len(self._times) / max(0.05, time.monotonic() - self._times[0])

    def throttled(self) -> None:
        """Slow down: the service said so, in an error or inside an answer."""
        self.pace.throttled(self.rate())

    def _retries(self, error: Exception, failure: SfsError, attempt: int, fresh: bool) -> bool:
        code = code_of(getattr(error, "response", {}))
        if code in THROTTLES:
            self.throttled()
        if isinstance(failure, FeatureGroupNotFound):
            return fresh
        passing = (
            code in THROTTLES | PASSING
            or isinstance(failure, OutcomeUnknown)
            or (type(failure) is StoreUnavailable and not code)
        )
        return passing and attempt < ATTEMPTS

    def _failure(self, error: Exception, action: str, what: str) -> SfsError | None:
        from botocore import exceptions as aws

        if isinstance(error, aws.ClientError):
            return translated(error.response, action, what, self.connection, self._who(error.response))
        if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
            return no_credentials(self.connection, error)
        if isinstance(error, (aws.CredentialRetrievalError, aws.TokenRetrievalError, aws.UnauthorizedSSOTokenError)):
            return CredentialsRefused(connection=self.connection, code=error)
        if isinstance(error, aws.NoRegionError):
            return RegionMissing(connection=self.connection)
        if isinstance(error, (aws.ReadTimeoutError, aws.ConnectionClosedError, aws.ResponseStreamingError)):
            if action.partition(":")[2] in WRITES:
                return OutcomeUnknown(operation=action, problem=error)
            return StoreUnavailable(store="sagemaker", problem=error)
        if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
            return StoreUnavailable(store="sagemaker", problem=error)
        return None

    def _who(self, response: Mapping[str, Any]) -> str:
        return self.principal() if code_of(response) in DENIED else ""


def _service(client: Any) -> str:
    name: str = client.meta.service_model.service_name
    return "sagemaker" if name.startswith("sagemaker") else name


def _snake(operation: str) -> str:
    from botocore import xform_name

    name: str = xform_name(operation)
    return name
