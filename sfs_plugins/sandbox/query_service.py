"""The AWS query protocol: a form names the action and its parameters, answers and failures are XML."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from sfs_plugins.sandbox.wire import Failure, Request, Response

Form = dict[str, str]
Operation = Callable[[Form, Request], Any]


class QueryService:
    """One service of the query protocol: `operations` by name, run in a thread of the pool."""

    def __init__(self, name: str, namespace: str, operations: Mapping[str, Operation], pool: Executor) -> None:
        self.name = name
        self._namespace, self._operations, self._pool = namespace, operations, pool

    def operation_of(self, request: Request) -> str:
        """Return the form's action."""
        return form_of(request).get("Action", "")

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        run = self._operations.get(operation)
        if run is None:
            raise Failure("InvalidAction", f"this sandbox does not serve {operation or 'a request without Action'}")
        result = await asyncio.get_running_loop().run_in_executor(self._pool, run, form_of(request), request)
        inner = f"<{operation}Result>{_xml(result)}</{operation}Result>"
        about = f"<ResponseMetadata><RequestId>{request.id}</RequestId></ResponseMetadata>"
        return _answer(200, f'<{operation}Response xmlns="{self._namespace}">{inner}{about}</{operation}Response>')

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure."""
        return query_failure(request, failure, self._namespace)


def form_of(request: Request) -> Form:
    """Return the parameters of a request, in its body or in its address."""
    return dict(parse_qsl((request.body or request.query.encode()).decode("utf-8", "replace"), keep_blank_values=True))


def members(form: Form, name: str) -> list[str] | None:
    """Return a list of a form (`NAME.member.1`, `.2` ...) in order; None if there is none."""
    prefix = f"{name}.member."
    numbers = sorted(int(rest) for key in form if (rest := key.removeprefix(prefix)) != key and rest.isdigit())
    return [form[f"{prefix}{number}"] for number in numbers] or None


def query_failure(request: Request, failure: Failure, namespace: str) -> Response:
    """Return a failure in XML, as the query protocol and REST services of XML have it."""
    kind = "Sender" if failure.status < 500 else "Receiver"
    told = _xml({"Error": {"Type": kind, "Code": failure.code, "Message": failure.message}, "RequestId": request.id})
    return _answer(failure.status, f'<ErrorResponse xmlns="{namespace}">{told}</ErrorResponse>')


def _xml(content: Any) -> str:
    if isinstance(content, dict):
        return "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in content.items())
    if isinstance(content, list):
        return "".join(f"<member>{_xml(value)}</member>" for value in content)
    if isinstance(content, bool):
        return "true" if content else "false"
    return escape(str(content))


def _answer(status: int, body: str) -> Response:
    return Response(status, body.encode(), [("content-type", "text/xml")])
