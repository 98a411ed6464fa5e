"""Sinks that write to any store: records put, feature groups made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from sfs_core.errors import GroupExists, Refused
from sfs_core.event_time import EventTime
from sfs_core.facts import DELETE_AT, RECORD_ID, TIES_AFTER, TIES_BEFORE, Batch, Fact, Remark
from sfs_core.messages import Message, say
from sfs_core.model import (
    IS_DELETED,
    SYSTEM_COLUMNS,
    DeletionMode,
    FeatureGroup,
    GroupStatus,
    NewFeatureGroup,
    TargetStore,
)
from sfs_core.pace import Pace
from sfs_core.store import Delete, Put
from sfs_core.waiting import wait_until
from sfs_core.window import in_flight

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session
    from sfs_core.store import Store


@dataclass(frozen=True, slots=True)
class PutRecords:
    """Puts records into a group.

    `skip_newer` looks first, and leaves a record whose target holds the same or a newer event time. With `replay`
    rows whose `is_deleted` is true are soft-deleted at their event time, and of versions that tie (TIES_AFTER) only
    the last one goes to the online store, which would keep the first. `max_tps` bounds the records a second.
    Batches in doubt are not written twice.
    """

    group: FeatureGroup
    how: Put = Put()
    skip_newer: bool = False
    replay: bool = False
    max_tps: float | None = None

    def describe(self) -> Message:
        """Return what it does and to which stores."""
        stores = ", ".join(self.how.targets or self.group.stores)
        if self.how.ttl:
            return say(
                "put into {group} ({stores}), to live {ttl}", group=self.group.address, stores=stores, ttl=self.how.ttl
            )
        return say("put into {group} ({stores})", group=self.group.address, stores=stores)

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield a fact a batch as the store acknowledges it."""
        store = session.store_of(self.group)
        chosen: dict[int, _Chosen] = {}

        def to_put() -> Iterator[Batch]:
            pace = Pace(self.max_tps)
            for batch in batches:
                chosen[batch.number] = picked = self._choose(store, batch, session.now())
                pace.wait(len(picked.rows))
                yield picked.batch()

        def replay(batch: Batch) -> Fact:
            return _replayed(store, self.group, batch, self.how)

        def ids(batch: Batch) -> Sequence[str]:
            return batch.records.column(self.group.record_identifier).to_pylist()  # type: ignore[no-any-return]

        if self.replay:
            facts = in_flight(to_put(), replay, self.how.max_workers, ids)
        else:
            facts = store.put(self.group, to_put(), self.how)
        for fact in facts:
            yield chosen.pop(fact.batch.number).fact(fact)

    @property
    def _as_written(self) -> FeatureGroup:
        """The group with those stores alone that are written to: what another one shows says nothing of this write."""
        if self.how.targets is None:
            return self.group
        is_online, is_offline = (store in self.how.targets for store in (TargetStore.ONLINE, TargetStore.OFFLINE))
        return replace(
            self.group,
            online=self.group.online if is_online else None,
            offline=self.group.offline if is_offline else None,
        )

    def _choose(self, store: Store, batch: Batch, since: EventTime) -> _Chosen:
        """Return the rows of a batch that are to be written, with a remark for each that the target makes needless."""
        rows, remarks = list(range(batch.records.num_rows)), []
        if batch.in_doubt:
            held = _held(store, self._as_written, batch.records, since)
            rows = [row for row in rows if not held[row]]
        if self.skip_newer and TargetStore.ONLINE in (self.how.targets or self.group.stores) and rows:
            newer = _not_older(store, self.group, batch.records)
            remarks = [Remark.skipped(row, *newer[row]) for row in rows if row in newer]
            rows = [row for row in rows if row not in newer]
        return _Chosen(batch, rows, remarks)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The rows of a batch that are written; the store's answer speaks of these alone."""

    whole: Batch
    rows: list[int]
    remarks: list[Remark]

    def batch(self) -> Batch:
        if len(self.rows) == self.whole.records.num_rows:
            return self.whole
        import pyarrow as pa

        return replace(self.whole, records=self.whole.records.take(pa.array(self.rows, pa.int64())))

    def fact(self, answer: Fact) -> Fact:
        moved = [replace(remark, row=self.rows[remark.row]) for remark in answer.remarks]
        return Fact(self.whole, self.whole.records.num_rows - len(self.remarks) - len(moved), (*self.remarks, *moved))


def _not_older(store: Store, group: FeatureGroup, records: pa.RecordBatch) -> dict[int, tuple[str, Message]]:
    """Return why, for each row whose online record has the same or a newer event time."""
    ids, times = records.column(group.record_identifier).to_pylist(), records.column(group.event_time).to_pylist()
    found = store.read(group, list(dict.fromkeys(ids)), (group.event_time,)).records
    there = dict(
        zip(*(found.column(name).to_pylist() for name in (group.record_identifier, group.event_time)), strict=True)
    )
    reasons = {}
    for row, (record_id, text) in enumerate(zip(ids, times, strict=True)):
        if record_id in there:
            held, given = group.parse_event_time(there[record_id]), group.parse_event_time(text)
            if held > given:
                reasons[row] = ("NewerInTarget", say("newer in target"))
            elif held == given:
                reasons[row] = ("SameInTarget", say("the same event time in target"))
    return reasons


def _held(store: Store, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
    """Tell which rows are written; versions that tie with them in batches before are asked for before them."""
    import pyarrow as pa

    if TIES_BEFORE not in records.schema.names or records.num_rows == 0:
        return store.holds(group, records, since)
    # only versions that tie with the first row can have others in batches before
    head = records.slice(0, 1 + (records.column(TIES_AFTER)[0].as_py() or 0))
    marked, before = (head.column(name).to_pylist() for name in (IS_DELETED, TIES_BEFORE))
    earlier = [row for kind in set(marked) for row in [marked.index(kind)] * (before[marked.index(kind)] or 0)]
    keys = [name for name in records.schema.names if name not in (TIES_BEFORE, TIES_AFTER)]
    rows = pa.array([*earlier, *range(records.num_rows)], pa.int64())
    return store.holds(group, records.select(keys).take(rows), since)[len(earlier) :]


def _replayed(store: Store, group: FeatureGroup, batch: Batch, how: Put) -> Fact:
    """Write one batch of the history in its own order: runs of versions are put, runs of delete markers deleted."""
    records, targets = batch.records, how.targets or group.stores
    marked: list[bool] = records.column(IS_DELETED).to_pylist()
    after = records.column(TIES_AFTER).to_pylist() if TIES_AFTER in records.schema.names else [None] * len(marked)
    remarks: list[Remark] = []
    start = 0
    for (is_marker, is_last), run in groupby(zip(marked, (not ties for ties in after), strict=True)):
        part = records.slice(start, len(list(run)))
        some = targets if is_last else tuple(one for one in targets if one is TargetStore.OFFLINE)
        found = _written(store, group, part, replace(how, targets=some, max_workers=1), is_marker=is_marker)
        remarks += [replace(remark, row=start + remark.row) for remark in found]
        start += part.num_rows
    return Fact.of(batch, remarks)


def _written(store: Store, group: FeatureGroup, part: pa.RecordBatch, how: Put, *, is_marker: bool) -> list[Remark]:
    """Put versions, or delete at the times of markers, in their order; return the remarks on those not done."""
    import pyarrow as pa

    if not how.targets:
        message = say("another version of the same event time is newer")
        return [Remark.skipped(row, "NewerVersion", message) for row in range(part.num_rows)]
    if is_marker:
        columns = [part.column(group.record_identifier), part.column(group.event_time)]
        deletions = Batch(0, pa.record_batch(columns, names=[RECORD_ID, DELETE_AT]))
        facts = list(store.delete_records(group, [deletions], Delete(DeletionMode.SOFT, how.targets, 1)))
    else:
        beside = (*SYSTEM_COLUMNS, TIES_BEFORE, TIES_AFTER)
        plain = part.select([name for name in part.schema.names if name not in beside])
        # a record expires in an online store only, and a store without one takes no time to live
        ttl = how.ttl if TargetStore.ONLINE in how.targets else None
        facts = list(store.put(group, [Batch(0, plain)], replace(how, ttl=ttl)))
    return [remark for fact in facts for remark in fact.remarks]


@dataclass(frozen=True, slots=True)
class CreateFeatureGroup:
    """Makes a feature group and waits until it can be used; one that is there already is skipped."""

    group: FeatureGroup
    new: NewFeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("create {group} unless it is there", group=self.group.address)

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield the one fact."""
        store = session.store_of(self.group)
        for batch in batches:
            try:
                store.create(self.new)
            except GroupExists as error:
                yield Fact.of(batch, [Remark.skipped(0, "GroupExists", error.message)])
            else:
                yield Fact.of(batch)
            wait_until_created(store, self.new.name, session)


def wait_until_created(store: Store, name: str, session: Session, timeout_seconds: float = 1800) -> FeatureGroup:
    """Return a group once it is Created. Raises CreationFailed, Interrupted, NotDoneYet."""

    def look() -> FeatureGroup | None:
        group = store.describe(name)
        return None if group.status is GroupStatus.CREATING else group

    group = wait_until(look, session, say("creating {name}", name=name), timeout_seconds)
    if group.status is GroupStatus.CREATE_FAILED:
        raise CreationFailed(name=name, reason=group.failure_reason)
    return group


class CreationFailed(Refused):
    """The store began to make a feature group and gave up."""

    sentence = "feature group {name!r} could not be created: {reason}; delete it, mend the cause, and try again"
