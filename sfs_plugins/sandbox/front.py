"""The one port: what every request goes through on its way to its service."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from sfs_core import Identity
from sfs_plugins.sandbox.faults import Fault, Faults, failure_of
from sfs_plugins.sandbox.routing import route
from sfs_plugins.sandbox.wire import Dropped, Failure, Request, Response

# global services: their clients sign for another Region than the sandbox's
_GLOBAL = frozenset(
    {"iam", "sts", "account", "budgets", "ce", "cloudfront", "organizations", "route53", "shield", "support"}
)


class Service(Protocol):
    """One AWS service, or one plane of it, behind the front."""

    name: str

    def operation_of(self, request: Request) -> str:
        """Return the name of the operation that a request asks for, empty if there is none."""
        ...

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        ...

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return a failure in the form of the service's protocol."""
        ...


class Front:
    """Answers every request of the served port."""

    def __init__(
        self, services: Sequence[Service], elsewhere: Callable[[Request], Service], identity: Identity, faults: Faults,
        hold_offline: Callable[[float], None],
    ) -> None:  # fmt: skip
        self.services = {service.name: service for service in services}
        self.region = identity.region
        self._principal = f"arn:aws:sts::{identity.account}:assumed-role/sandbox/sandbox"
        self._elsewhere, self._faults, self._hold_offline = elsewhere, faults, hold_offline

    async def answer(self, request: Request) -> Response:
        """Return the response to a request; a failure of any kind is one too."""
        name = route(request)
        service = self.services[name] if name else self._elsewhere(request)
        try:
            self._check_region(request)
            operation = service.operation_of(request)
            if self._faults.in_force():
                response = await self._struck(service, request, operation)
            else:
                response = await service.run(request, operation)
        except Failure as failure:
            response = service.failed(request, failure)
        except Dropped:
            raise
        except Exception as error:  # the last resort: a bug of the sandbox is answered, told, and does not end it
            sys.stderr.write("".join(traceback.format_exception(error)))
            problem = f"Internal server error: {type(error).__name__}: {error}"
            response = service.failed(request, Failure("InternalFailure", problem, 500))
        response.headers.append(("x-amzn-RequestId", request.id))
        return response

    async def _struck(self, service: Service, request: Request, operation: str) -> Response:
        """Answer a request under the rules in force."""
        about = f"{request.method} {request.path}"
        rules = self._faults.strike(service.name, operation, about)
        kinds = {rule.fault: rule for rule in rules}
        if Fault.LATE_OFFLINE in kinds:
            self._hold_offline(kinds[Fault.LATE_OFFLINE].seconds)
        if Fault.SLOW in kinds:
            await asyncio.sleep(kinds[Fault.SLOW].seconds)
        if Fault.DROP_BEFORE in kinds:
            raise Dropped
        failure = failure_of(rules, service.name, operation, self._principal)
        if failure is not None and Fault.ERROR_AFTER not in kinds:
            raise failure
        request.is_page_empty = Fault.EMPTY_PAGE in kinds
        request.strike = lambda entry: self._struck_entry(service.name, operation, entry)
        response = await service.run(request, operation)
        if Fault.DROP_AFTER in kinds:
            raise Dropped
        if failure is not None:
            raise failure
        return response

    def _struck_entry(self, service: str, operation: str, about: str) -> Failure | None:
        for rule in self._faults.strike(service, operation, about, entries=True):
            if rule.fault is Fault.UNPROCESSED:
                return Failure("ServiceUnavailable", "Service unavailable", 503)
            return Failure("InternalError" if service == "s3" else "ThrottlingException", "Rate exceeded")
        return None

    def _check_region(self, request: Request) -> None:
        """Raise Failure for a request that is signed for another Region: its endpoint would not take it."""
        _, region, service = request.scope
        if region and region != self.region and service not in _GLOBAL:
            if service == "s3":
                message = f"The authorization header is malformed; the region '{region}' is wrong; expecting "
                raise Failure("AuthorizationHeaderMalformed", f"{message}'{self.region}'", Region=self.region)
            message = f"Credential should be scoped to a valid region, not '{region}'. This sandbox is {self.region}."
            raise Failure("InvalidSignatureException", message, 403)
