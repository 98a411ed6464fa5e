"""Sinks that delete from any store: records by id, offline objects by key, offline versions by their day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sfs_core.event_time import HIGHEST, EventTime
from sfs_core.facts import DELETE_AT, RECORD_ID, Batch, Fact, Remark
from sfs_core.messages import Message, say
from sfs_core.model import (
    IS_DELETED,
    DeletionMode,
    FeatureGroup,
    RecordId,
    TargetStore,
)
from sfs_core.store import Delete
from sfs_core.window import in_flight

if TYPE_CHECKING:
    from sfs_core.session import Session
    from sfs_core.store import Store


ATTEMPTS: Final = 3
NOT_LATER: Final = "EventTimeNotLater"
"""The code of a hard delete that the store refuses because its event time is not later than the record's."""


@dataclass(frozen=True, slots=True)
class DeleteRecords:
    """Deletes records by id, each at an event time later than the one it has.

    `at` is used unless a stored event time is not earlier; then it is the next nanosecond (or, for Unix seconds held
    as a double, microsecond) after that. What cannot be read, such as a tombstone of the future, is hard-deleted
    online at the end of time; its delete marker has `at`. Soft deletes of batches in doubt are not repeated.
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
        return in_flight(batches, lambda batch: self._delete(store, batch, session.now()), self.max_workers)

    def _delete(self, store: Store, batch: Batch, since: EventTime) -> Fact:
        ids: list[RecordId] = batch.records.column(RECORD_ID).to_pylist()
        rows = list(range(len(ids)))
        if batch.in_doubt:
            rows = self._not_marked(store, ids, since)
        remarks: list[Remark] = []
        for attempt in range(ATTEMPTS):
            # a record that a writer made newer meanwhile is read again; what cannot be read goes at the end of time
            is_first = attempt == 0 or self.mode is DeletionMode.SOFT
            asked = [ids[row] for row in rows]
            found = (
                self._asked(store, asked, self._times(store, asked, self.at)) if is_first else self._again(store, asked)
            )
            remarks += [replace(one, row=rows[one.row]) for one in found if one.code != NOT_LATER]
            late = [replace(one, row=rows[one.row]) for one in found if one.code == NOT_LATER]
            rows = [one.row for one in late]
            if not rows:
                return Fact.of(batch, remarks)
        return Fact.of(batch, [*remarks, *late])

    def _not_marked(self, store: Store, ids: list[RecordId], since: EventTime) -> list[int]:
        """Return the rows whose delete marker is not in the offline store: a second one would be a second version."""
        if self.mode is DeletionMode.HARD or TargetStore.OFFLINE not in (self.targets or self.group.stores):
            return list(range(len(ids)))
        import pyarrow as pa

        texts = [self.group.event_time_text(time) for time in self._times(store, ids, self.at)]
        columns = [pa.array(ids, pa.string()), pa.array(texts, pa.string()), pa.repeat(pa.scalar(True), len(ids))]
        names = [self.group.record_identifier, self.group.event_time, IS_DELETED]
        held = store.holds(self.group, pa.record_batch(columns, names=names), since)
        return [row for row, is_held in enumerate(held) if not is_held]

    def _times(self, store: Store, ids: list[RecordId], unread: EventTime) -> list[EventTime]:
        """Return a time for each deletion: `unread` for what the online store does not show."""
        if self.group.online is None:
            return [unread] * len(ids)
        found = store.read(self.group, ids, (self.group.event_time,)).records
        columns = (found.column(name).to_pylist() for name in (self.group.record_identifier, self.group.event_time))
        stored = {record_id: self.group.parse_event_time(text) for record_id, text in zip(*columns, strict=True)}
        step = 1000 if self.group.event_time_in_seconds else 1
        return [min(HIGHEST, max(self.at, stored[one].plus(step))) if one in stored else unread for one in ids]

    def _again(self, store: Store, ids: list[RecordId]) -> list[Remark]:
        """Hard-delete what was not earlier; what cannot be read leaves no delete marker of the end of time offline."""
        times = self._times(store, ids, HIGHEST)
        if TargetStore.OFFLINE not in (self.targets or self.group.stores):
            return self._asked(store, ids, times)
        remarks: list[Remark] = []
        for rows, targets in (
            ([row for row, time in enumerate(times) if time != HIGHEST], self.targets),
            ([row for row, time in enumerate(times) if time == HIGHEST], (TargetStore.ONLINE,)),
        ):
            found = self._asked(store, [ids[row] for row in rows], [times[row] for row in rows], targets)
            remarks += [replace(one, row=rows[one.row]) for one in found]
        refused = {one.row for one in remarks}
        rows = [row for row, time in enumerate(times) if time == HIGHEST and row not in refused]
        found = self._asked(store, [ids[row] for row in rows], [self.at] * len(rows), (TargetStore.OFFLINE,))
        return remarks + [replace(one, row=rows[one.row]) for one in found]

    def _asked(
        self,
        store: Store,
        ids: list[RecordId],
        times: list[EventTime],
        targets: tuple[TargetStore, ...] | None = None,
    ) -> list[Remark]:
        """Return the store's remarks on deletions from `targets`, the sink's own if not given."""
        if not ids:
            return []
        import pyarrow as pa

        texts = [self.group.event_time_text(time) for time in times]
        columns = [pa.array(ids, pa.string()), pa.array(texts, pa.string())]
        batch = Batch(0, pa.record_batch(columns, names=[RECORD_ID, DELETE_AT]))
        facts = store.delete_records(self.group, [batch], Delete(self.mode, targets or self.targets, 1))
        return [remark for fact in facts for remark in fact.remarks]


@dataclass(frozen=True, slots=True)
class DeleteOfflineObjects:
    """Deletes objects of a group's own root."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("delete")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch."""
        return session.store_of(self.group).delete_objects(self.group, batches)


@dataclass(frozen=True, slots=True)
class DeleteOfflineDays:
    """Deletes every version of event days of an Iceberg offline store."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("delete every version")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch."""
        return session.store_of(self.group).delete_days(self.group, batches)


@dataclass(frozen=True, slots=True)
class CompactOffline:
    """Brings the files of an Iceberg offline store in order, and lets go of snapshots that have reached their age."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("compact it, and let go of old snapshots")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch."""
        for batch in batches:
            session.store_of(self.group).compact(self.group)
            yield Fact.of(batch)
