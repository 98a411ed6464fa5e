"""Parts that speak to any store, and the window of requests in flight that stores share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sfs_core.arrow import check
from sfs_core.errors import GroupExists, Interrupted, Refused, StoreUnavailable
from sfs_core.event_time import HIGHEST, EventTime
from sfs_core.messages import Message, say
from sfs_core.model import (
    IS_DELETED,
    SYSTEM_COLUMNS,
    DeletionMode,
    FeatureGroup,
    GroupStatus,
    NewFeatureGroup,
    RecordId,
    TargetStore,
)
from sfs_core.pace import Pace
from sfs_core.ports import DELETE_AT, RECORD_ID, Batch, Delete, Fact, OfflineQuery, Put, Remark, Versions

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.ports import Store
    from sfs_core.session import Session


def in_flight(
    batches: Iterable[Batch],
    work: Callable[[Batch], Fact],
    workers: int,
    ids: Callable[[Batch], Sequence[str]] | None = None,
) -> Iterator[Fact]:
    """Yield the fact of each batch as it completes, with at most `workers` being worked on in threads.

    Where `ids` tells a batch's record ids, two batches that share one never run at once: the later one waits. A
    batch is taken only when a worker is free; when `work` raises, nothing more is taken, those in flight are finished
    and yielded, then the first error is raised.
    """
    running: dict[Future[Fact], frozenset[str]] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for batch in batches:
            mine = frozenset(ids(batch)) if ids else frozenset()
            while running and (len(running) >= workers or any(not mine.isdisjoint(held) for held in running.values())):
                yield from _completed(running, errors)
            if errors:
                break
            running[pool.submit(work, batch)] = mine
        while running:
            yield from _completed(running, errors)
    if errors:
        raise errors[0]


def _completed(running: dict[Future[Fact], frozenset[str]], errors: list[BaseException]) -> Iterator[Fact]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
        error = future.exception()
        if error is None:
            yield future.result()
        else:
            errors.append(error)


def kept(records: pa.RecordBatch, remarks: Sequence[Remark]) -> pa.RecordBatch:
    """Return the records that no remark speaks of, in order."""
    if not remarks:
        return records
    import pyarrow as pa

    gone = {remark.row for remark in remarks}
    return records.take(pa.array([row for row in range(records.num_rows) if row not in gone], pa.int64()))


@dataclass(frozen=True, slots=True)
class Given:
    """A source of one batch that is at hand."""

    name: Message
    records: pa.RecordBatch

    def describe(self) -> Message:
        """Return its name."""
        return self.name

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the one batch."""
        yield self.records


@dataclass(frozen=True, slots=True)
class CheckRecords:
    """Lets through the records that may be put into a group; the others fail, each with its own sentence."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("check")

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the good records and a remark for each bad one. Raises UnknownFeature for a column."""
        remarks = check(records, self.group)
        return kept(records, remarks), remarks


@dataclass(frozen=True, slots=True)
class LookUpRecords:
    """Turns record ids into the records the online store holds; an id without a record is skipped: `NotFound`."""

    group: FeatureGroup
    features: tuple[str, ...] | None = None

    def describe(self) -> Message:
        """Return what it does."""
        return say("look up in {group}", group=self.group.address)

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records found, in the order of the ids, and a remark for each id not found."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = records.column(RECORD_ID)
        found = session.store_of(self.group).read(self.group, ids.to_pylist(), self.features).records
        places = pc.index_in(ids, found.column(self.group.record_identifier))
        missing = pc.indices_nonzero(pc.is_null(places)).to_pylist()
        message = say("no record in the online store")
        return found.take(pc.drop_null(places).cast(pa.int64())), [
            Remark.skipped(row, "NotFound", message) for row in missing
        ]


@dataclass(frozen=True, slots=True)
class OnlineRecordIds:
    """The record ids that the online store lists; with `soft_deleted` those of tombstones too."""

    group: FeatureGroup
    soft_deleted: bool = False

    def describe(self) -> Message:
        """Return the noun phrase."""
        if self.soft_deleted:
            return say("record ids of the online store, soft-deleted ones too")
        return say("record ids of the online store")

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, unordered, perhaps with duplicates."""
        return session.store_of(self.group).list_record_ids(self.group, soft_deleted=self.soft_deleted)


@dataclass(frozen=True, slots=True)
class PutRecords:
    """Puts records into a group.

    `skip_newer` looks first, and leaves a record whose target holds the same or a newer event time. With `replay`
    rows whose `is_deleted` is true are soft-deleted at their event time. `max_tps` bounds the records a second.
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

    def _choose(self, store: Store, batch: Batch, since: EventTime) -> _Chosen:
        """Return the rows of a batch that are to be written, with a remark for each that the target makes needless."""
        rows, remarks = list(range(batch.records.num_rows)), []
        if batch.in_doubt:
            held = store.holds(self.group, batch.records, since)
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


def _replayed(store: Store, group: FeatureGroup, batch: Batch, how: Put) -> Fact:
    """Write one batch of the history in its own order: runs of versions are put, runs of delete markers deleted."""
    import pyarrow as pa

    marked = batch.records.column(IS_DELETED).to_pylist()
    remarks: list[Remark] = []
    start = 0
    while start < len(marked):
        end = next((row for row in range(start, len(marked)) if marked[row] != marked[start]), len(marked))
        part = batch.records.slice(start, end - start)
        if marked[start]:
            columns = [part.column(group.record_identifier), part.column(group.event_time)]
            deletions = Batch(0, pa.record_batch(columns, names=[RECORD_ID, DELETE_AT]))
            facts = list(store.delete_records(group, [deletions], Delete(DeletionMode.SOFT, how.targets, 1)))
        else:
            plain = part.select([name for name in part.schema.names if name not in SYSTEM_COLUMNS])
            facts = list(store.put(group, [Batch(0, plain)], replace(how, max_workers=1)))
        remarks += [replace(remark, row=start + remark.row) for fact in facts for remark in fact.remarks]
        start = end
    return Fact.of(batch, remarks)


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


@dataclass(frozen=True, slots=True)
class OfflineObjects:
    """The objects under a group's own root, buffered writes brought to disk first where the store can."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return the noun phrase."""
        root = self.group.offline.root if self.group.offline else None
        return say("objects under {root}", root=root)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of `key` and `size`."""
        store = session.store_of(self.group)
        store.settle(self.group)
        return store.offline_objects(self.group)


@dataclass(frozen=True, slots=True)
class OfflineRecords:
    """Records of the offline store, by a query."""

    group: FeatureGroup
    query: OfflineQuery

    def describe(self) -> Message:
        """Return the noun phrase."""
        if self.query.versions is Versions.HISTORY:
            return say("every version in the offline store of {group}", group=self.group.address)
        return say("the latest records in the offline store of {group}", group=self.group.address)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of records; the history in order, with the system columns."""
        return session.store_of(self.group).versions(self.group, self.query)


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
    """Return a group once it is Created. Raises CreationFailed, Interrupted, StoreUnavailable."""
    deadline = time.monotonic() + timeout_seconds
    while (group := store.describe(name)).status is GroupStatus.CREATING:
        if time.monotonic() > deadline:
            raise StoreUnavailable(store=store.name, problem=say("{name!r} is still being created", name=name))
        if session.stop.wait(0.2):
            raise Interrupted
    if group.status is GroupStatus.CREATE_FAILED:
        raise CreationFailed(name=name, reason=group.failure_reason)
    return group


class CreationFailed(Refused):
    """The store began to make a feature group and gave up."""

    sentence = "feature group {name!r} could not be created: {reason}; delete it, mend the cause, and try again"
