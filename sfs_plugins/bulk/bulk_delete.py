"""`bulk-delete`: the records of many record ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cleo.io.inputs.argument import Argument

from sfs_core import (
    DeleteRecords,
    DeletionMode,
    Plan,
    PlanCommand,
    Step,
    Targets,
    argument,
    option,
    say,
)
from sfs_plugins.bulk.ids import FILE, IDS, record_ids_of
from sfs_plugins.bulk.limits import check_at_least_one, targets_of


@dataclass(frozen=True)
class BulkDeleteOptions:
    """How records are deleted."""

    hard: bool = option("Remove records for good instead of hiding them behind a tombstone.", default=False)
    to: Targets | None = option(
        "Stores to delete from: online, offline or online,offline.", default=None, value="STORES"
    )
    batch_size: int = option("Records a batch, the unit of journal and retry.", default=1000, value="N")
    max_workers: int = option("Requests in flight at once.", default=4, value="N")


class BulkDeleteCommand(PlanCommand):
    """Deletes records, each at an event time later than its own."""

    name = "bulk-delete"
    description = "Delete the records of many record ids."
    arguments: ClassVar[list[Argument]] = [argument("group", "Feature group to delete from."), FILE]
    declares = (BulkDeleteOptions,)
    chooses = (IDS,)

    def plan(self) -> Plan:
        """Return the one step from the ids to their deletion."""
        given = self.given(BulkDeleteOptions)
        check_at_least_one(batch_size=given.batch_size, max_workers=given.max_workers)
        group = self.session.group(self.argument("group"))
        mode = DeletionMode.HARD if given.hard else DeletionMode.SOFT
        targets = targets_of(group, given.to)
        into = DeleteRecords(group, mode, self.session.now(), targets, given.max_workers)
        hard = say("hard-deleted records are gone for good")
        soft = say("a soft-deleted record comes back only with a later event time")
        return Plan(
            say("Delete records of {group}", group=group.address),
            (Step(record_ids_of(self, group), into, destroys=True, batch_records=given.batch_size),),
            notes=(hard if given.hard else soft,),
            confirm=group,
            changes=(group,),
        )
