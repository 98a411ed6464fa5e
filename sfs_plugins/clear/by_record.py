"""Emptying an online store record by record: the service has no batch delete and no truncate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    ClearRequest,
    DeleteRecords,
    DeletionMode,
    FeatureGroup,
    Message,
    OnlineRecordIds,
    Plan,
    RecordId,
    Session,
    Source,
    Step,
    StoreNotEnabled,
    TargetStore,
    record_ids,
    say,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class HardDelete:
    """Remove the whole record, leaving nothing in the online store: tombstones of soft-deleted records go too."""

    name: ClassVar[str] = "hard"
    clears: ClassVar[TargetStore] = TargetStore.ONLINE

    def plan(self, request: ClearRequest) -> Plan:
        """Return the steps. Raises StoreNotEnabled."""
        note = say(
            "online records are removed for good: nothing of them can be brought back, and nothing stops an older "
            "version that is put again later"
        )
        return _plan(request, DeletionMode.HARD, note)


@dataclass(frozen=True)
class SoftDelete:
    """Hide each record and leave a tombstone, which keeps older versions from coming back."""

    name: ClassVar[str] = "soft"
    clears: ClassVar[TargetStore] = TargetStore.ONLINE

    def plan(self, request: ClearRequest) -> Plan:
        """Return the steps. Raises StoreNotEnabled."""
        note = say(
            "online records are hidden for good and leave tombstones: a record put again shows only if its event time "
            "is later than {at}",
            at=request.at,
        )
        return _plan(request, DeletionMode.SOFT, note)


def _plan(request: ClearRequest, mode: DeletionMode, note: Message) -> Plan:
    group, size = request.group, request.batch_records
    if group.online is None:
        raise StoreNotEnabled(group=group.address, store=TargetStore.ONLINE)
    # the online store alone: delete markers would rain into an offline store that is emptied next
    delete = DeleteRecords(group, mode, request.at, (TargetStore.ONLINE,), request.max_workers)
    listed = OnlineRecordIds(group, soft_deleted=mode is DeletionMode.HARD)
    again = listed if request.ids is None else StillOnline(group, request.ids)
    steps = (
        Step(request.ids or listed, delete, destroys=True, batch_records=size),
        Step(again, delete, until_empty=True, destroys=True, batch_records=size),
    )
    return Plan(say("Clear {group}", group=group.address), steps, (note,))


@dataclass(frozen=True, slots=True)
class StillOnline:
    """Those of given record ids whose records the online store holds."""

    group: FeatureGroup
    ids: Source

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("those still online of {ids}", ids=self.ids.describe())

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, looked up as they are asked for."""
        store, identifier = session.store_of(self.group), self.group.record_identifier
        for batch in self.ids.batches(session):
            ids: list[RecordId] = batch.column(0).to_pylist()
            found = store.read(self.group, ids, (identifier,)).records
            yield record_ids(found.column(identifier).to_pylist())
