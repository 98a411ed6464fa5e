"""Emptying an Iceberg offline store: its versions are deleted in SQL, day by day, and none of its files by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    ClearRequest,
    CompactOffline,
    DeleteOfflineDays,
    FeatureGroup,
    Message,
    OfflineDays,
    Plan,
    Refused,
    Session,
    Step,
    StoreNotEnabled,
    TableFormat,
    TargetStore,
    say,
)

if TYPE_CHECKING:
    import pyarrow as pa


class NoIcebergTable(Refused):
    """An offline store in the Glue format: no engine deletes single versions of it."""

    sentence = (
        "the offline store of {group} is not an Iceberg table, and only such a one can be emptied by SQL, so nothing "
        "was changed: give --offline-by objects, or leave --offline-by out"
    )


@dataclass(frozen=True)
class DeleteRows:
    """Delete every version of an Iceberg table in SQL, a day of event times at a time, then compact the table."""

    name: ClassVar[str] = "rows"
    clears: ClassVar[TargetStore] = TargetStore.OFFLINE

    def plan(self, request: ClearRequest) -> Plan:
        """Return the steps: the table is proved empty before its files are looked after. Raises StoreNotEnabled."""
        group, size = request.group, request.batch_records
        if group.offline is None:
            raise StoreNotEnabled(group=group.address, store=TargetStore.OFFLINE)
        if group.offline.table_format is not TableFormat.ICEBERG:
            raise NoIcebergTable(group=group.address)
        days, delete = OfflineDays(group), DeleteOfflineDays(group)
        again = Step(days, delete, until_empty=True, destroys=True, batch_records=size)
        steps = [Step(days, delete, destroys=True, batch_records=size), again]
        if request.settle:
            # what was put before the clear may land in the offline store only now
            last = Step(days, delete, until_empty=True, destroys=True, after=request.settle, batch_records=size)
            steps.append(last)
        steps.append(Step(IcebergTable(group), CompactOffline(group)))
        return Plan(say("Clear {group}", group=group.address), tuple(steps), tuple(_notes(request)))


@dataclass(frozen=True, slots=True)
class IcebergTable:
    """The one table of an offline store, by the name of its group."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("Iceberg table of {group}", group=self.group.address)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the one batch."""
        import pyarrow as pa

        yield pa.record_batch({"group": pa.array([self.group.name], pa.string())})


def _notes(request: ClearRequest) -> Iterator[Message]:
    """Yield what cannot be undone, and which bytes stay for how long."""
    yield say("offline records are deleted for good, all of them and only those of the group's own Iceberg table")
    yield say(
        "their bytes stay, and can be read as of an earlier time, until the table's snapshots reach their age (5 days "
        "unless its properties say otherwise) and it is compacted again: its properties are left as they are"
    )
    root = request.group.offline.root if request.group.offline else None
    if request.keeps_versions:
        text = "the bucket of {root} keeps older versions, so bytes remain there even of files that are removed then"
        yield say(text, root=root)
    elif request.keeps_versions is None:
        text = "whether the bucket of {root} keeps older versions is not known: if it does, bytes remain there"
        yield say(text, root=root)
