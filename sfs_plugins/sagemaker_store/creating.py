"""Beginning to make a feature group: a role that was made just before it may not be known everywhere yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfs_core import BadDefinition, BadRequest, GroupExists, NewFeatureGroup
from sfs_plugins.sagemaker_store.definitions import create_request

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls

NEW_ROLE: Final = "execution role arn is invalid"
"""What the service says of a role that it cannot assume, be it for good or for a moment."""
TRIES: Final = 9
"""How often a group is asked for where its role cannot be assumed: for half a minute in all."""


def create(calls: Calls, control: Any, new: NewFeatureGroup) -> None:
    """Ask for a group, again for a bounded time where its role is not known yet. Raises GroupExists, BadDefinition."""
    for attempt in range(1, TRIES + 1):
        try:
            calls(control, "CreateFeatureGroup", new.name, **create_request(new))
        except BadRequest as error:
            problem = error.message.fields["problem"]
            if "already exists" in str(problem).lower():
                raise GroupExists(name=new.name) from error
            if NEW_ROLE not in str(problem).lower() or attempt == TRIES:
                raise BadDefinition(name=new.name, problem=problem) from error
            calls.pause(attempt)
        else:
            return
