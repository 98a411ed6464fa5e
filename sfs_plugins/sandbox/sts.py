"""STS, as far as clients ask who they are and take on a role: a caller is an assumed role of the store's account."""

from __future__ import annotations

from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any

from sfs_plugins.sandbox.query_service import Form, QueryService
from sfs_plugins.sandbox.wire import Failure, Request

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def sts(account: str, pool: Executor) -> QueryService:
    """Return the STS service."""

    def caller(form: Form, request: Request) -> dict[str, str]:
        role, session = _known_role(request.scope[0]) or ("sandbox", "sandbox")
        arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
        return {"UserId": f"AROASANDBOX:{session}", "Account": account, "Arn": arn}

    operations = {"GetCallerIdentity": caller, "AssumeRole": _assume, "GetSessionToken": _session}
    return QueryService("sts", _NAMESPACE, operations, pool)


def _assume(form: Form, request: Request) -> dict[str, Any]:
    arn, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
    if ":role/" not in arn or not session:
        raise Failure("ValidationError", "RoleArn and RoleSessionName are needed")
    role = arn.rpartition("/")[2]
    user = {"AssumedRoleId": f"AROASANDBOX:{session}", "Arn": f"{_assumed(arn)}/{role}/{session}"}
    seconds = int(form.get("DurationSeconds") or 3600)
    return {"Credentials": _credentials(f"ASIA.{role}.{session}", seconds), "AssumedRoleUser": user}


def _session(form: Form, request: Request) -> dict[str, Any]:
    return {"Credentials": _credentials("ASIASANDBOX", int(form.get("DurationSeconds") or 43_200))}


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
