"""The sink that deletes a feature group, and waits until it is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core import (
    Batch,
    Fact,
    FeatureGroup,
    FeatureGroupNotFound,
    GroupStatus,
    Message,
    PlanChanged,
    Refused,
    Session,
    say,
    wait_until,
)

if TYPE_CHECKING:
    from sfs_core import Store


class DeletionFailed(Refused):
    """The store began to delete a feature group and gave up."""

    sentence = "feature group {group!r} could not be deleted: {reason}"


@dataclass(frozen=True, slots=True)
class DeleteFeatureGroup:
    """Deletes one feature group; one that is gone already is done, one made anew under its name is left alone.

    It is looked for by its ARN: a group of that name in another account is another one.
    """

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("delete {group}", group=self.group.address)

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield the one fact. Raises PlanChanged, DeletionFailed, NotDoneYet."""
        for batch in batches:
            self._delete(session, in_doubt=batch.in_doubt)
            yield Fact.of(batch)

    def _delete(self, session: Session, *, in_doubt: bool) -> None:
        store = session.store_of(self.group)
        found = self._found(store)
        if found is None:
            return
        if self._is_another(found):
            if in_doubt:
                # an earlier attempt saw to it: where there is another one of its name, it is gone
                return
            raise PlanChanged(what=self.group.address)
        if found.status is not GroupStatus.DELETING:
            store.delete(self.group.name)

        def look() -> bool | None:
            left = self._found(store)
            if left is None or self._is_another(left):
                return True
            if left.status is GroupStatus.DELETE_FAILED:
                raise DeletionFailed(group=self.group.address, reason=left.failure_reason)
            return None

        wait_until(look, session, say("deleting {group}", group=self.group.address))

    def _is_another(self, found: FeatureGroup) -> bool:
        return found.created_at != self.group.created_at

    def _found(self, store: Store) -> FeatureGroup | None:
        """Return the group of this ARN; by its name too, as not every store may know ARNs."""
        for name in dict.fromkeys((self.group.arn or self.group.name, self.group.name)):
            with contextlib.suppress(FeatureGroupNotFound):
                found = store.describe(name)
                if found.arn == self.group.arn:
                    return found
        return None
