"""Whether very versions of records have been written since a moment: asked after an interrupted run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sfs_core import IS_DELETED, EventTime, instants, to_typed
from sfs_plugins.local_store import buffer, online
from sfs_plugins.local_store.opened import Opened
from sfs_plugins.local_store.query import written_since
from sfs_plugins.local_store.scan import OfflineFiles

if TYPE_CHECKING:
    import pyarrow as pa


Version = tuple[object, ...]
"""Record id, event time and whether it is a delete marker."""


def holds(
    opened: Opened, files: Callable[[], AbstractContextManager[OfflineFiles]], records: pa.RecordBatch, since: EventTime
) -> Sequence[bool]:
    """Tell for each record (or delete marker) whether the online or the offline store has got it since `since`.

    Both stores are written in one transaction, so that either one's word is enough. Of versions that tie, the offline
    store tells how many it has; the first so many are held.
    """
    rows = _asked(opened, records)
    since_us = since.nanoseconds // 1000
    held = [False] * records.num_rows
    if opened.held.database.exists() and opened.group.new.online is not None:
        held = _online(opened, rows, records, since_us)
    asked = _versions(rows, opened)
    found = Counter({version: 1 for here, version in zip(held, asked, strict=True) if here})
    if opened.group.new.offline is not None and found.total() < len(asked):
        with opened.unsettling(), files() as settled:
            # nothing settles between these two looks, so that nothing is counted twice
            found |= _buffered(opened, since_us) + _in_files(opened, written_since(settled, rows.column(0), since))
    return _first(asked, found)


def _first(asked: Sequence[Version], found: Counter[Version]) -> list[bool]:
    """Tell for each version asked for whether it is among the first so many that were found."""
    seen: Counter[Version] = Counter()
    seen_before = []
    for version in asked:
        seen_before.append(seen[version])
        seen[version] += 1
    return [before < found[version] for before, version in zip(seen_before, asked, strict=True)]


def _asked(opened: Opened, records: pa.RecordBatch) -> pa.RecordBatch:
    """Return record id, event time and `is_deleted` of each record, typed as the offline store keeps them."""
    import pyarrow as pa

    new = opened.group.new
    marked = pa.repeat(pa.scalar(False), records.num_rows)
    if IS_DELETED in records.schema.names:
        marked = records.column(IS_DELETED).fill_null(False)
    keys = to_typed(records.select([new.record_identifier, new.event_time]), new.features)
    return pa.record_batch([*keys.columns, marked], names=[*keys.schema.names, IS_DELETED])


def _versions(rows: pa.RecordBatch, opened: Opened) -> list[Version]:
    new = opened.group.new
    ids, marked = (rows.column(name).to_pylist() for name in (new.record_identifier, IS_DELETED))
    return list(zip(ids, _moments(rows.column(new.event_time), opened), marked, strict=True))


def _moments(times: pa.Array, opened: Opened) -> list[object]:
    """Return event times, typed as the offline store keeps them, as what is equal for the same instant."""
    if opened.described.event_time_in_seconds:
        return times.to_pylist()  # type: ignore[no-any-return]
    return list(zip(*(part.to_pylist() for part in instants(times, seconds=False)), strict=True))


def _online(opened: Opened, rows: pa.RecordBatch, records: pa.RecordBatch, since_us: int) -> list[bool]:
    new = opened.group.new
    ids = records.column(new.record_identifier).to_pylist()
    times = online.times(records.column(new.event_time), in_seconds=opened.described.event_time_in_seconds)
    with opened.reading() as connection:
        found = online.versions_written_since(connection, list(dict.fromkeys(ids)), since_us)
    marked = rows.column(IS_DELETED).to_pylist()
    return [found.get(one) == version for one, version in zip(ids, zip(*times, marked, strict=True), strict=True)]


def _buffered(opened: Opened, since_us: int) -> Counter[Version]:
    if not opened.held.database.exists():
        return Counter()
    with opened.reading() as connection:
        batches = buffer.accepted_since(connection, since_us)
        return Counter(version for batch in batches for version in _versions(batch, opened))


def _in_files(opened: Opened, written: Counter[Version]) -> Counter[Version]:
    """Count by instants what was counted by the values that the files hold."""
    import pyarrow as pa

    if not written:
        return Counter()
    ids, times, marked = zip(*written, strict=True)
    moments = _moments(pa.array(times), opened)
    found: Counter[Version] = Counter()
    for version, count in zip(zip(ids, moments, marked, strict=True), written.values(), strict=True):
        found[version] += count
    return found
