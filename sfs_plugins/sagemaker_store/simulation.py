"""IAM's own answer to what a principal may do, without doing it (iam:SimulatePrincipalPolicy)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sfs_core import SfsError
from sfs_plugins.sagemaker_store.permissions import Permission

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls

_ASSUMED: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*")


def principal_to_ask(arn: str) -> str:
    """Return the ARN that policies hang on: a session of a role is asked for as the role."""
    match = _ASSUMED.fullmatch(arn)
    return f"arn:{match[1]}:iam::{match[2]}:role/{match[3]}" if match else arn


@dataclass
class Simulation:
    """Asks about a principal; an answer is remembered, and so is that none can be had."""

    calls: Calls
    client: Any
    principal: str
    _decisions: dict[tuple[str, str], bool] = field(default_factory=dict)
    _refusal: SfsError | None = None

    def missing(self, permissions: Sequence[Permission], fields: Mapping[str, str]) -> list[Permission]:
        """Return those permissions that the principal has not got. Raises SfsError where IAM does not say.

        What resource policies, service control policies and permission boundaries of others say is not seen.
        """
        lacking = []
        for permission in permissions:
            key = permission.action, permission.resource.format(**fields)
            if key not in self._decisions:
                self._decisions[key] = self._is_allowed(*key)
            if not self._decisions[key]:
                lacking.append(permission)
        return lacking

    def _is_allowed(self, action: str, resource: str) -> bool:
        if self._refusal is not None:
            raise self._refusal
        request: dict[str, Any] = {
            "PolicySourceArn": self.principal,
            "ActionNames": [action],
            "ResourceArns": [resource],
        }
        try:
            answer = self.calls(self.client, "SimulatePrincipalPolicy", self.principal, **request)
        except SfsError as error:
            self._refusal = error
            raise
        return all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])
