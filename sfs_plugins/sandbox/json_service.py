"""The AWS JSON 1.1 protocol: `POST /`, the operation in a header, parameters checked by the service's own model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

import orjson

from sfs_core import EventTime
from sfs_plugins.sandbox.checker import checker
from sfs_plugins.sandbox.refusal import refusal
from sfs_plugins.sandbox.wire import JSON_1_1, Failure, Request, Response

Operation = Callable[[dict[str, Any]], dict[str, Any] | None]


def wire_time(instant: EventTime | None) -> float | None:
    """Return an instant as JSON timestamps are written: Unix seconds, cut to milliseconds."""
    return None if instant is None else instant.nanoseconds // 1_000_000 / 1000


def instant_of(seconds: float | None) -> EventTime | None:
    """Return the instant of a JSON timestamp."""
    return None if seconds is None else EventTime(round(seconds * 1000) * 1_000_000)


def present(**members: Any) -> dict[str, Any]:
    """Return the members that are not None: an answer leaves the others out."""
    return {name: value for name, value in members.items() if value is not None}


class JsonService:
    """One service of the JSON protocol: `operations` by name, run in a thread of the pool."""

    def __init__(
        self, name: str, model: str, operations: Mapping[str, Operation], pool: Executor, refusal_code: str
    ) -> None:
        self.name = name
        self._model, self._operations, self._pool, self._refusal_code = model, operations, pool, refusal_code

    def operation_of(self, request: Request) -> str:
        """Return the operation that the target header names."""
        return request.headers.get("x-amz-target", "").partition(".")[2]

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        run = self._operations.get(operation)
        if run is None:
            raise Failure("UnknownOperationException", f"this sandbox does not serve {self.name} {operation}")
        try:
            given = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise Failure("SerializationException", f"the request's body is not JSON: {error}") from error
        if not checker(self._model, operation)(given):
            raise refusal(self._model, operation, given, self._refusal_code)
        answer = await asyncio.get_running_loop().run_in_executor(self._pool, run, given)
        return Response(200, b"" if answer is None else orjson.dumps(answer), [("content-type", JSON_1_1)])

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure."""
        content = {"__type": failure.code, "Message": failure.message, **failure.fields}
        return Response(failure.status, orjson.dumps(content), [("content-type", JSON_1_1)])
