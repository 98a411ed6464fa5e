"""IAM's own answer to what a principal may do, without doing it (iam:SimulatePrincipalPolicy)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sfs_core import SfsError, StoreUnavailable, say
from sfs_plugins.sagemaker_store.permissions import Permission

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls

_ASSUMED: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*")


def principal_to_ask(calls: Calls, client: Any, arn: str) -> str:
    """Return the ARN that policies hang on: a session of a role is asked for as the role.

    A session's ARN leaves out its role's path, without which IAM does not know the role (all of IAM Identity Center's
    have one): IAM is asked for it, and where it may not be, the role is taken for one without a path.
    """
    match = _ASSUMED.fullmatch(arn)
    if match is None:
        return arn
    try:
        return str(calls(client, "GetRole", match[3], RoleName=match[3])["Role"]["Arn"])
    except SfsError:
        return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}"


@dataclass
class Simulation:
    """Asks about a principal, as few times as there are resources; an answer is remembered, and that none can be had.

    `wanted` is all that will be asked for, `fields` what fills the resources' templates.
    """

    calls: Calls
    client: Any
    principal: str
    wanted: Sequence[Permission]
    fields: Mapping[str, str]
    _decisions: dict[tuple[str, str], bool] = field(default_factory=dict)
    _refusal: SfsError | None = None

    def missing(self, permissions: Sequence[Permission]) -> list[Permission]:
        """Return those permissions that the principal has not got. Raises SfsError where IAM does not say.

        What resource policies, service control policies and permission boundaries of others say is not seen.
        """
        if self._refusal is None and not self._decisions:
            self._ask()
        if self._refusal is not None:
            raise self._refusal
        return [one for one in permissions if not self._decisions[one.action, self._resource(one)]]

    def _resource(self, permission: Permission) -> str:
        return permission.resource.format(**self.fields)

    def _ask(self) -> None:
        """Ask about everything wanted, one resource after another, its actions together."""
        actions: dict[str, dict[str, None]] = {}
        for one in self.wanted:
            actions.setdefault(self._resource(one), {})[one.action] = None
        try:
            for resource, names in actions.items():
                allowed = self._allowed(list(names), resource)
                self._decisions |= {(name, resource): allowed[name] for name in names}
        except SfsError as error:
            self._refusal = error

    def _allowed(self, actions: list[str], resource: str) -> dict[str, bool]:
        """Return which actions are allowed on a resource. Raises StoreUnavailable where an answer leaves one out."""
        request: dict[str, Any] = {
            "PolicySourceArn": self.principal,
            "ActionNames": actions,
            "ResourceArns": [resource],
        }
        allowed: dict[str, bool] = {}
        while True:
            answer = self.calls(self.client, "SimulatePrincipalPolicy", self.principal, **request)
            for result in answer["EvaluationResults"]:
                name = result["EvalActionName"]
                allowed[name] = allowed.get(name, True) and result["EvalDecision"] == "allowed"
            if not answer.get("IsTruncated"):
                break
            request["Marker"] = answer["Marker"]
        left_out = [name for name in actions if name not in allowed]
        if left_out:
            problem = say("its simulation says nothing about {actions}", actions=", ".join(left_out))
            raise StoreUnavailable(store="iam", problem=problem)
        return allowed
