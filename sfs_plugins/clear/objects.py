"""Emptying an offline store by deleting the objects under its own root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfs_core import (
    ClearRequest,
    DeleteOfflineObjects,
    OfflineObjects,
    Plan,
    Refused,
    Step,
    StoreNotEnabled,
    TableFormat,
    TargetStore,
    option,
    say,
    versions_note,
)


class IcebergTable(Refused):
    """An Iceberg table's files are listed in its metadata: deleting files by themselves corrupts the table."""

    sentence = (
        "the offline store of {group} is an Iceberg table, which deleting files would corrupt, so nothing was "
        "changed: give --offline-by rows, which deletes its records in SQL, or --online-only"
    )


@dataclass(frozen=True)
class DeleteObjects:
    """Delete every object under the group's own root; the catalogue's table stays and is empty."""

    name: ClassVar[str] = "objects"
    clears: ClassVar[TargetStore] = TargetStore.OFFLINE
    purge_versions: bool = option(
        "Delete older versions of the objects too, and the delete markers of a versioned bucket.",
        default=False,
        flag="purge-versions",
    )

    def plan(self, request: ClearRequest) -> Plan:
        """Return the steps. Raises StoreNotEnabled, IcebergTable."""
        group, size = request.group, request.batch_records
        if group.offline is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.OFFLINE)
        if group.offline.table_format is TableFormat.ICEBERG:
            raise IcebergTable(group=group.address)
        listed, delete = OfflineObjects(group, versions=self.purge_versions), DeleteOfflineObjects(group)
        again = Step(listed, delete, until_empty=True, destroys=True, batch_records=size)
        steps = [Step(listed, delete, destroys=True, batch_records=size), again]
        if request.settle:
            # what was put before the clear may land in the offline store only now
            last = Step(listed, delete, until_empty=True, destroys=True, after=request.settle, batch_records=size)
            steps.append(last)
        note = say(
            "offline objects are deleted for good, all of them and only those under {root}", root=group.offline.root
        )
        stays = () if self.purge_versions else versions_note(group, request.keeps_versions)
        return Plan(say("Clear {group}", group=group.address), tuple(steps), (note, *stays))
