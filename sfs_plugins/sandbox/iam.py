"""IAM, as far as this tool and AWS's own clients ask it: what a role is, and what a principal may do.

There are no policies: all is allowed but what a fault of the kind `denied` forbids, which is what calls then meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final
from urllib.parse import quote

from sfs_plugins.sandbox.checker import checker
from sfs_plugins.sandbox.query_service import Form, QueryService, members
from sfs_plugins.sandbox.refusal import refusal
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure, Request

NAMESPACE: Final = "https://iam.amazonaws.com/doc/2010-05-08/"
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_ENTITY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|group|role)/(?:.+/)?([\w+=,.@-]+)")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+", re.IGNORECASE)
_POLICIES = ("PolicyInputList", "PermissionsBoundaryPolicyInputList", "PolicyExclusionList", "ResourcePolicy")
_PAGE = 100

FindRole = Callable[[str], dict[str, Any] | None]
"""Returns what is known of a role, None for one that is gone. Raises Failure."""


def iam(
    account: str, denies: Callable[[str], bool], tokens: Tokens, find_role: FindRole, pool: Executor
) -> QueryService:
    """Return the IAM service. `denies` tells whether a fault forbids an action, `find_role` what is known of a role."""
    simulator = Simulator(account, denies, tokens, find_role)

    def get_role(form: Form, request: Request) -> dict[str, Any]:
        return {"Role": _existing(find_role, form.get("RoleName", ""))}

    operations = {"GetRole": get_role, "SimulatePrincipalPolicy": simulator.simulate}
    return QueryService("iam", NAMESPACE, operations, pool)


def role_of(account: str, name: str) -> dict[str, Any]:
    """Return a role that nobody made: it is there as soon as it is named, and trusts SageMaker."""
    return {
        "Path": "/", "RoleName": name, "RoleId": "AROASANDBOX", "Arn": f"arn:aws:iam::{account}:role/{name}",
        "CreateDate": "2020-01-01T00:00:00Z", "AssumeRolePolicyDocument": quote(_TRUST), "MaxSessionDuration": 3600,
    }  # fmt: skip


def _existing(find_role: FindRole, name: str) -> dict[str, Any]:
    role = find_role(name)
    if role is None:
        raise Failure("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
    return role


class Simulator:
    """SimulatePrincipalPolicy: an action is denied explicitly where a fault denies it, and allowed otherwise."""

    def __init__(
        self, account: str, denies: Callable[[str], bool], tokens: Tokens, find_role: FindRole
    ) -> None:  # fmt: skip
        self._account, self._denies, self._tokens, self._find_role = account, denies, tokens, find_role

    def simulate(self, form: Form, request: Request) -> dict[str, Any]:
        """Return one page of results, one an action, each with what holds for every resource."""
        given = _parameters(form)
        self._check_entity(given["PolicySourceArn"])
        resources = given.get("ResourceArns", ["*"])
        about = f"simulate {given['PolicySourceArn']} {given['ActionNames']} {resources}"
        start, count = self._start(about, given.get("Marker")), given.get("MaxItems", _PAGE)
        end = start + count
        results = [self._result(action, resources) for action in given["ActionNames"][start:end]]
        page: dict[str, Any] = {"EvaluationResults": results, "IsTruncated": end < len(given["ActionNames"])}
        return page | ({"Marker": self._tokens.make(about, end)} if page["IsTruncated"] else {})

    def _result(self, action: str, resources: list[str]) -> dict[str, Any]:
        decision = "explicitDeny" if self._denies(action) else "allowed"
        each = [
            {"EvalResourceName": one, "EvalResourceDecision": decision, "MatchedStatements": []} for one in resources
        ]
        result = {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision}
        return result | {"MatchedStatements": [], "MissingContextValues": [], "ResourceSpecificResults": each}

    def _check_entity(self, arn: str) -> None:
        found = _ENTITY.fullmatch(arn)
        if found is None:
            raise Failure("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
        account, kind, name = found.groups()
        # a role is known by its whole ARN, path and all
        is_there = kind != "role" or _existing(self._find_role, name)["Arn"] == arn
        if account != self._account or not is_there:
            raise Failure("NoSuchEntity", f"The {kind} with ARN {arn} cannot be found.", 404)

    def _start(self, about: str, marker: str | None) -> int:
        try:
            return 0 if marker is None else int(self._tokens.read(about, marker))
        except BadToken as error:
            raise Failure("ValidationError", f"Invalid Marker: {marker}") from error


def _parameters(form: Form) -> dict[str, Any]:
    """Return the parameters by the model's names, checked. Raises Failure."""
    unserved = [name for name in _POLICIES if any(key.partition(".")[0] == name for key in form)]
    if unserved:
        raise Failure("InvalidInput", f"this sandbox has no policies, and does not serve {', '.join(unserved)}")
    lists = {name: members(form, name) for name in ("ActionNames", "ResourceArns")}
    given: dict[str, Any] = {name: form[name] for name in ("PolicySourceArn", "Marker") if name in form}
    given |= {name: values for name, values in lists.items() if values is not None}
    if "MaxItems" in form:
        given["MaxItems"] = int(form["MaxItems"]) if form["MaxItems"].lstrip("-").isdigit() else form["MaxItems"]
    if not checker("IAM", "SimulatePrincipalPolicy")(given):
        raise refusal("IAM", "SimulatePrincipalPolicy", given, "ValidationError")
    for action in given["ActionNames"]:
        if not _ACTION.fullmatch(action):
            raise Failure("InvalidInput", f"ActionNames takes operations such as iam:CreateUser, not {action}")
    return given
