"""Everything of AWS that is no affair of this tool: moto answers it, an optional extra, from memory alone.

moto is imported when the first such request comes, and runs in a thread of the pool: never on the path of records.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from io import BytesIO
from typing import Any, Final, cast
from urllib.parse import quote, unquote_to_bytes

from sfs_plugins.sandbox import protocols
from sfs_plugins.sandbox.wire import Failure, Request, Response

EXTRA: Final = "sfs-sandbox[moto]"
_PARTS = frozenset({"moto", "flask", "flask_cors"})
_OWN_HEADERS = frozenset({"content-length", "date", "server", "connection", "x-amzn-requestid", "x-amz-request-id"})
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Elsewhere:
    """moto's application for one account, imported on first need."""

    def __init__(self, account: str, pool: Executor) -> None:
        self._account, self._pool = account, pool
        self._application: Any = None
        self._lock = threading.Lock()
        self._roles_seen: set[str] = set()

    def service_of(self, request: Request) -> MotoService:
        """Return the service that a request is signed for."""
        return MotoService(request.scope[2], self, self._pool)

    def answer(self, request: Request, operation: str) -> Response:
        """Return moto's answer. Raises Failure where moto, or what it needs, is not installed, or it has no answer."""
        service = request.scope[2]
        if "authorization" not in request.headers:
            # moto would take it for a request to S3, whose buckets it does not have
            raise protocols.unserved(request, "it is not signed, so nothing says which service it is for")
        wsgi, told = self._imported(request), list[Any]()
        from botocore.model import OperationNotFoundError

        try:
            pieces = wsgi(_environ(request, self._account), lambda status, headers, *_: told.extend((status, headers)))
            body = b"".join(pieces)
        except ModuleNotFoundError as error:
            raise protocols.unserved(request, f"moto needs {error.name} for {service}: install moto[all]") from error
        except (NotImplementedError, OperationNotFoundError) as error:
            raise protocols.unserved(request, f"moto does not serve {service} {operation}") from error
        status, headers = int(told[0].split()[0]), [(name, text) for name, text in told[1] if _is_kept(name)]
        is_page = any(name.lower() == "content-type" and text.startswith("text/html") for name, text in headers)
        if is_page and status >= 400 and b"<!doctype html>" in body[:40].lower():
            raise protocols.unserved(request, f"moto does not serve {service} {operation or request.path}")
        if service == "iam":
            self._roles_seen |= set(self._roles())
        return Response(status, body, headers)

    def find_role(self, name: str, default: dict[str, Any]) -> dict[str, Any] | None:
        """Return a role: as CreateRole made it here, None once it was deleted, the default where nobody made it."""
        made = self._roles().get(name)
        if made is not None:
            return made
        return None if name in self._roles_seen else default

    def _roles(self) -> dict[str, dict[str, Any]]:
        """Return the roles that moto knows, by name; it has none before it was ever asked."""
        if self._application is None:
            return {}
        from moto.backends import get_backend

        backend = get_backend("iam")[self._account]["aws"]
        return {role.name: _described(role) for role in list(backend.roles.values())}

    def _imported(self, request: Request) -> Wsgi:
        with self._lock:
            if self._application is None:
                try:
                    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

                    self._application = DomainDispatcherApplication(_backend)
                except ModuleNotFoundError as error:
                    if error.name not in _PARTS:
                        raise
                    problem = f"it answers {request.scope[2] or 'this'} by moto, which is not installed: "
                    raise protocols.unserved(request, f"{problem}pip install '{EXTRA}'") from error
        return cast(Wsgi, self._application)


class MotoService:
    """One service as the front sees it."""

    def __init__(self, name: str, elsewhere: Elsewhere, pool: Executor) -> None:
        self.name, self._elsewhere, self._pool = name, elsewhere, pool

    def operation_of(self, request: Request) -> str:
        """Return the operation's name, empty where method and path alone say what it is."""
        return protocols.operation_of(request)

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._elsewhere.answer, request, operation)

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure, in the protocol of the request."""
        return protocols.failed(request, failure)


def _backend(service: str | None) -> Any:
    """Return moto's application of one service, which raises what it does not serve instead of writing a page."""
    from moto.moto_server.werkzeug_app import create_backend_app

    if service is None:
        raise NotImplementedError
    application = create_backend_app(cast(Any, service))
    application.config["PROPAGATE_EXCEPTIONS"] = True
    return application


def _environ(request: Request, account: str) -> dict[str, Any]:
    """Return a request as WSGI has it; the account is told in moto's own header."""
    headers = {**request.headers, "x-moto-account-id": account}
    headers.pop("transfer-encoding", None)
    environ: dict[str, Any] = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
    host, _, port = request.headers.get("host", "127.0.0.1").partition(":")
    query = f"?{request.query}" if request.query else ""
    return environ | {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "QUERY_STRING": request.query,
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"), "REQUEST_URI": request.path + query,
        "SERVER_NAME": host, "SERVER_PORT": port or "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""), "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": BytesIO(request.body),
        "wsgi.errors": BytesIO(), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip


def _is_kept(header: str) -> bool:
    """Tell whether a header of moto's answer goes on; the front and the server write some of their own."""
    return header.lower() not in _OWN_HEADERS


def _described(role: Any) -> dict[str, Any]:
    described = {
        "Path": role.path, "RoleName": role.name, "RoleId": role.id, "Arn": role.arn,
        "CreateDate": role.create_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document),
        "MaxSessionDuration": role.max_session_duration,
    }  # fmt: skip
    return described | ({"Description": role.description} if role.description else {})
