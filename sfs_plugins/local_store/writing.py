"""Putting records: batches are checked and encoded in one thread while SQLite commits the one before in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core import (
    SYSTEM_COLUMNS,
    BadDefinition,
    Batch,
    Clock,
    EventTime,
    Fact,
    Put,
    Remark,
    TargetStore,
    check,
    say,
)
from sfs_plugins.local_store import buffer, encoding, online
from sfs_plugins.local_store.opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa

_SLICE_RECORDS = 8192
_SLICE_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Slice:
    """Some records of a batch, ready for both stores; what a target does not need is None."""

    lines: online.Lines | None
    offline: tuple[int, bytes] | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A checked batch; a large one is encoded slice by slice while it is written, so that memory stays flat."""

    batch: Batch
    remarks: tuple[Remark, ...]
    slices: Iterable[Slice]
    opened: Opened


def check_how(opened: Opened, how: Put) -> frozenset[TargetStore]:
    """Return the stores a put goes to. Raises StoreNotEnabled, BadDefinition (a TTL with no online store)."""
    targets = opened.targets(how.targets)
    if how.ttl is not None and opened.group.new.online is None:
        raise BadDefinition(name=opened.group.new.name, problem=say("a time to live needs an online store"))
    return targets


def ready(opened: Opened, batch: Batch, targets: frozenset[TargetStore]) -> Ready:
    """Return a batch checked, and encoded unless it is large. Raises UnknownFeature, MissingFeature for a column."""
    import pyarrow as pa

    remarks = check(batch.records, opened.described)
    records = batch.records.select([name for name in batch.records.schema.names if name not in SYSTEM_COLUMNS])
    if remarks:
        bad = {remark.row for remark in remarks}
        records = records.take(pa.array([row for row in range(records.num_rows) if row not in bad], pa.int64()))
    parts = list(_cut(records))
    slices: Iterable[Slice] = (_encoded(opened, part, targets) for part in parts)
    return Ready(batch, remarks, list(slices) if len(parts) <= 1 else slices, opened)


def _cut(records: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield slices of bounded count and size; a single record is never cut."""
    for start in range(0, records.num_rows, _SLICE_RECORDS):
        yield from _halved(records.slice(start, _SLICE_RECORDS))


def _halved(records: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if records.nbytes <= _SLICE_BYTES or records.num_rows <= 1:
        yield records
        return
    middle = records.num_rows // 2
    yield from _halved(records.slice(0, middle))
    yield from _halved(records.slice(middle))


def _encoded(opened: Opened, records: pa.RecordBatch, targets: frozenset[TargetStore]) -> Slice:
    new = opened.group.new
    lines = offline = None
    if TargetStore.ONLINE in targets:
        seconds, nanos = online.times(records.column(new.event_time), in_seconds=opened.described.event_time_in_seconds)
        ids = records.column(new.record_identifier).to_pylist()
        lines = online.Lines(ids, seconds, nanos, encoding.encoded(records, new.features).to_pylist())
    if TargetStore.OFFLINE in targets:
        offline = buffer.packed(buffer.offline_rows(opened.described, records, deleted=False))
    return Slice(lines, offline)


def write(batch: Ready, how: Put, now: EventTime) -> Fact:
    """Write one batch to its stores in one transaction, and return what became of it."""
    online_store = batch.opened.group.new.online
    ttl = how.ttl or (online_store.ttl if online_store else None)
    with batch.opened.writing() as connection:
        for part in batch.slices:
            if part.lines is not None:
                online.put(connection, part.lines, ttl, now)
            if part.offline is not None:
                batch.opened.buffer(connection, now, part.offline)
    return Fact.of(batch.batch, batch.remarks)


def pipelined(ready_batches: Iterator[Ready], how: Put, clock: Clock) -> Iterator[Fact]:
    """Write batches in the order given, each while the next one is made ready: SQLite does not hold up the encoding.

    With one worker, nothing is made ready before the batch before it is written. A failure is raised once what is
    in flight has ended, and then nothing more is taken.
    """
    if how.max_workers <= 1:
        for batch in ready_batches:
            yield write(batch, how, clock.now())
        return
    with ThreadPoolExecutor(1) as writer:
        in_flight: Future[Fact] | None = None
        for batch in ready_batches:
            before, in_flight = in_flight, None
            if before is not None:
                yield before.result()
            in_flight = writer.submit(write, batch, how, clock.now())
        if in_flight is not None:
            yield in_flight.result()
