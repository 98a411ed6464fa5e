"""STS and IAM, as far as clients ask who they are and what a role is: the AWS query protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from sfs_plugins.sandbox.wire import Failure, Request, Response

_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
Form = dict[str, str]


class IdentityService:
    """Answers GetCallerIdentity, AssumeRole and GetRole: every caller is an assumed role of the store's account."""

    name = "identity"

    def __init__(self, account: str, pool: Executor) -> None:
        self._account, self._pool = account, pool
        self._operations: dict[str, tuple[str, Callable[[Form, Request], Any]]] = {
            "GetCallerIdentity": (_STS, self._caller),
            "AssumeRole": (_STS, self._assume),
            "GetSessionToken": (_STS, self._session),
            "GetRole": (_IAM, self._role),
        }

    def operation_of(self, request: Request) -> str:
        """Return the form's action."""
        return _form(request).get("Action", "")

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        if operation not in self._operations:
            raise Failure("InvalidAction", f"this sandbox does not serve {operation or 'a request without Action'}")
        namespace, run = self._operations[operation]
        result = await asyncio.get_running_loop().run_in_executor(self._pool, run, _form(request), request)
        inner = f"<{operation}Result>{_xml(result)}</{operation}Result>"
        about = f"<ResponseMetadata><RequestId>{request.id}</RequestId></ResponseMetadata>"
        return _answer(200, f'<{operation}Response xmlns="{namespace}">{inner}{about}</{operation}Response>')

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure."""
        kind = "Sender" if failure.status < 500 else "Receiver"
        told = _xml(
            {"Error": {"Type": kind, "Code": failure.code, "Message": failure.message}, "RequestId": request.id}
        )
        return _answer(failure.status, f'<ErrorResponse xmlns="{_STS}">{told}</ErrorResponse>')

    def _caller(self, form: Form, request: Request) -> dict[str, str]:
        role, session = _known_role(request.scope[0]) or ("sandbox", "sandbox")
        arn = f"arn:aws:sts::{self._account}:assumed-role/{role}/{session}"
        return {"UserId": f"AROASANDBOX:{session}", "Account": self._account, "Arn": arn}

    def _assume(self, form: Form, request: Request) -> dict[str, Any]:
        arn, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        if ":role/" not in arn or not session:
            raise Failure("ValidationError", "RoleArn and RoleSessionName are needed")
        role = arn.rpartition("/")[2]
        user = {"AssumedRoleId": f"AROASANDBOX:{session}", "Arn": f"{_assumed(arn)}/{role}/{session}"}
        seconds = int(form.get("DurationSeconds") or 3600)
        return {"Credentials": _credentials(f"ASIA.{role}.{session}", seconds), "AssumedRoleUser": user}

    def _session(self, form: Form, request: Request) -> dict[str, Any]:
        return {"Credentials": _credentials("ASIASANDBOX", int(form.get("DurationSeconds") or 43_200))}

    def _role(self, form: Form, request: Request) -> dict[str, Any]:
        name = form.get("RoleName", "")
        role = {
            "Path": "/", "RoleName": name, "RoleId": "AROASANDBOX", "Arn": f"arn:aws:iam::{self._account}:role/{name}",
            "CreateDate": "2020-01-01T00:00:00Z", "AssumeRolePolicyDocument": quote(_TRUST), "MaxSessionDuration": 3600,
        }  # fmt: skip
        return {"Role": role}


def _form(request: Request) -> Form:
    return dict(parse_qsl((request.body or request.query.encode()).decode("utf-8", "replace"), keep_blank_values=True))


def _known_role(access_key: str) -> tuple[str, str] | None:
    """Return role and session of an access key that AssumeRole gave out here."""
    kind, _, rest = access_key.partition(".")
    role, _, session = rest.partition(".")
    return (role, session) if kind == "ASIA" and session else None


def _assumed(role_arn: str) -> str:
    return f"arn:aws:sts::{role_arn.split(':')[4]}:assumed-role"


def _credentials(key: str, seconds: int) -> dict[str, str]:
    expires = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"AccessKeyId": key, "SecretAccessKey": "sandbox", "SessionToken": "sandbox", "Expiration": expires}


def _xml(content: Any) -> str:
    if isinstance(content, dict):
        return "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in content.items())
    return escape(str(content))


def _answer(status: int, body: str) -> Response:
    return Response(status, body.encode(), [("content-type", "text/xml")])
