"""Sinks that delete from any store: records by id, offline objects by key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sfs_core.event_time import HIGHEST, EventTime
from sfs_core.messages import Message, say
from sfs_core.model import (
    DeletionMode,
    FeatureGroup,
    RecordId,
    TargetStore,
)
from sfs_core.ports import DELETE_AT, RECORD_ID, Batch, Delete, Fact, Remark
from sfs_core.window import in_flight

if TYPE_CHECKING:
    from sfs_core.ports import Store
    from sfs_core.session import Session


@dataclass(frozen=True, slots=True)
class DeleteRecords:
    """Deletes records by id, each at an event time later than the one it has.

    `at` is used unless a stored event time is not earlier; then it is the next nanosecond (or, for Unix seconds held
    as a double, microsecond) after that. What cannot be read, such as a tombstone of the future, is hard-deleted at
    the end of time. Soft deletes of batches in doubt are not repeated.
    """

    group: FeatureGroup
    mode: DeletionMode
    at: EventTime
    targets: tuple[TargetStore, ...] | None = (TargetStore.ONLINE,)
    max_workers: int = 4

    def describe(self) -> Message:
        """Return what it does."""
        hard = self.mode is DeletionMode.HARD
        text = "hard-delete from {group} at {at}" if hard else "soft-delete from {group} at {at}"
        return say(text, group=self.group.address, at=self.at)

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch."""
        store = session.store_of(self.group)
        return in_flight(batches, lambda batch: self._delete(store, batch), self.max_workers)

    def _delete(self, store: Store, batch: Batch) -> Fact:
        ids: list[RecordId] = batch.records.column(RECORD_ID).to_pylist()
        times = self._times(store, ids)
        remarks = self._asked(store, ids, times)
        again = [remark.row for remark in remarks if remark.code == "EventTimeNotLater"]
        if again and self.mode is DeletionMode.HARD:
            remarks = [remark for remark in remarks if remark.code != "EventTimeNotLater"]
            last = self._asked(store, [ids[row] for row in again], [HIGHEST] * len(again))
            remarks += [replace(remark, row=again[remark.row]) for remark in last]
        return Fact.of(batch, remarks)

    def _times(self, store: Store, ids: list[RecordId]) -> list[EventTime]:
        if self.group.online is None:
            return [self.at] * len(ids)
        found = store.read(self.group, ids, (self.group.event_time,)).records
        columns = (found.column(name).to_pylist() for name in (self.group.record_identifier, self.group.event_time))
        stored = {record_id: self.group.parse_event_time(text) for record_id, text in zip(*columns, strict=True)}
        step = 1000 if self.group.event_time_in_seconds else 1
        return [min(HIGHEST, max(self.at, stored[one].plus(step))) if one in stored else self.at for one in ids]

    def _asked(self, store: Store, ids: list[RecordId], times: list[EventTime]) -> list[Remark]:
        import pyarrow as pa

        texts = [self.group.event_time_text(time) for time in times]
        columns = [pa.array(ids, pa.string()), pa.array(texts, pa.string())]
        batch = Batch(0, pa.record_batch(columns, names=[RECORD_ID, DELETE_AT]))
        facts = store.delete_records(self.group, [batch], Delete(self.mode, self.targets, 1))
        return [remark for fact in facts for remark in fact.remarks]


@dataclass(frozen=True, slots=True)
class DeleteOfflineObjects:
    """Deletes objects of a group's own root."""

    group: FeatureGroup
    max_workers: int = 4

    def describe(self) -> Message:
        """Return what it does."""
        root = self.group.offline.root if self.group.offline else None
        return say("delete from {root}", root=root)

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch."""
        return session.store_of(self.group).delete_objects(self.group, batches)
