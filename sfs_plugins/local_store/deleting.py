"""Deleting records: soft, which leaves a trace online and a delete marker offline, and hard, which forgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfs_core import (
    DELETE_AT,
    RECORD_ID,
    Batch,
    Delete,
    DeletionMode,
    EventTime,
    EventTimeNotLater,
    Fact,
    Remark,
    TargetStore,
    check,
)
from sfs_plugins.local_store import buffer, online
from sfs_plugins.local_store.opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa


def delete(opened: Opened, batch: Batch, how: Delete, targets: frozenset[TargetStore], now: EventTime) -> Fact:
    """Delete the records of a batch in one transaction, and return what became of each."""
    new = opened.group.new
    keys = batch.records.select([RECORD_ID, DELETE_AT]).rename_columns([new.record_identifier, new.event_time])
    remarks = list(check(keys, opened.described))
    rows = _others(range(keys.num_rows), {remark.row for remark in remarks})
    keys = _taken(keys, rows)
    with opened.writing() as connection:
        if TargetStore.ONLINE in targets:
            ids = keys.column(0).to_pylist()
            seconds, nanos = online.times(keys.column(1), in_seconds=opened.described.event_time_in_seconds)
            if how.mode is DeletionMode.SOFT:
                online.soft_delete(connection, ids, seconds, nanos, now)
            else:
                failed = online.hard_delete(connection, ids, seconds, nanos, now)
                remarks += [_not_later(opened, keys, rows[place], place) for place in failed]
                keys = _taken(keys, _others(range(keys.num_rows), set(failed)))
        if TargetStore.OFFLINE in targets and keys.num_rows:
            markers = buffer.offline_rows(opened.described, keys, deleted=True)
            opened.buffer(connection, now, buffer.packed(markers))
    return Fact.of(batch, sorted(remarks, key=lambda remark: remark.row))


def _others(places: Sequence[int], without: set[int]) -> list[int]:
    return [place for place in places if place not in without]


def _taken(keys: pa.RecordBatch, rows: list[int]) -> pa.RecordBatch:
    import pyarrow as pa

    return keys if len(rows) == keys.num_rows else keys.take(pa.array(rows, pa.int64()))


def _not_later(opened: Opened, keys: pa.RecordBatch, row: int, place: int) -> Remark:
    record_id, event_time = (column[place].as_py() for column in keys.columns)
    error = EventTimeNotLater(record_id=record_id, group=opened.group.new.name, event_time=event_time)
    return Remark.failed(row, error)
