"""The rules of an online store, written out: what becomes of one record, put, changed or deleted.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md,
`§` the sections of the facts that the model was written from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sfs_core.event_time import HIGHEST, EventTime
from sfs_core.model import TtlDuration
from sfs_core.rules import Value


@dataclass(frozen=True, slots=True)
class Item:
    """What the online store holds for one record id; `record` is None for a tombstone, the trace of a soft delete."""

    event_time: EventTime
    record: Mapping[str, Value] | None
    expires_at: EventTime | None
    written_at: EventTime


@dataclass
class OnlineModel:
    """An online store: at most one item a record id."""

    items: dict[str, Item] = field(default_factory=dict)

    def item(self, record_id: str, now: EventTime) -> Item | None:
        """Return what is there, a tombstone too; an expired record is gone, and nothing remembers it (§2.3, TTL)."""
        item = self.items.get(record_id)
        if item is None or (item.expires_at is not None and item.expires_at <= now):
            return None
        return item

    def live(self, record_id: str, now: EventTime) -> Item | None:
        """Return the item of a record that can be read (§2.3, GetRecord): not absent, expired or soft-deleted."""
        item = self.item(record_id, now)
        return item if item is not None and item.record is not None else None

    def ids(self, now: EventTime, *, soft_deleted: bool) -> Iterator[str]:
        """Yield the ids ListRecords yields: never expired ones, tombstones only when asked for (§2.3, ListRecords)."""
        for record_id in list(self.items):
            if self.item(record_id, now) if soft_deleted else self.live(record_id, now):
                yield record_id

    def put(
        self,
        record_id: str,
        record: Mapping[str, Value],
        event_time: EventTime,
        ttl: TtlDuration | None,
        now: EventTime,
    ) -> bool:
        """Tell whether a put counts online: only if strictly later than what is there, tombstones included [1, 3, 7].

        It replaces the whole record [8]. A tie is historic. Texts are kept as they came [43].
        """
        there = self.item(record_id, now)
        if there is not None and event_time <= there.event_time:
            return False
        self.items[record_id] = Item(event_time, dict(record), expiry(event_time, ttl), now)
        return True

    def update(self, record_id: str, changed: Item) -> None:
        """Put the outcome of an UpdateRecord in place; the caller has merged it and compared event times [2]."""
        self.items[record_id] = changed

    def soft_delete(self, record_id: str, event_time: EventTime, now: EventTime) -> None:
        """Leave a tombstone if the deletion is later than what is there, else leave it as it is [4].

        Where nothing is there, nothing is kept. A tombstone moves on to a later deletion, and does not expire.
        """
        there = self.item(record_id, now)
        if there is not None and event_time > there.event_time:
            self.items[record_id] = Item(event_time, None, None, now)

    def hard_delete(self, record_id: str, event_time: EventTime, now: EventTime) -> bool:
        """Remove record or tombstone, without memory [7], if the deletion is later; else tell that it failed [5].

        Where nothing is there, there is nothing to do.
        """
        there = self.item(record_id, now)
        if there is not None and event_time <= there.event_time:
            return False
        self.items.pop(record_id, None)
        return True


def expiry(event_time: EventTime, ttl: TtlDuration | None) -> EventTime | None:
    """Return when a record expires: counted from its event time, so that it may be born expired [24]."""
    if ttl is None:
        return None
    return min(event_time.plus(ttl.nanoseconds), HIGHEST)


def merged(
    item: Item,
    changes: Mapping[str, Value],
    event_time: EventTime | None,
    ttl: TtlDuration | None,
    now: EventTime,
) -> Item | None:
    """Return a live item with single features changed, or None where the change is older than it [2].

    An equal or newer event time applies, and none keeps the stored one. Without a `ttl` of its own, the record
    expires when it would have (§2.3, UpdateRecord).
    """
    if event_time is not None and event_time < item.event_time:
        return None
    at = event_time or item.event_time
    expires_at = item.expires_at if ttl is None else expiry(at, ttl)
    return replace(
        item, event_time=at, record={**(item.record or {}), **changes}, expires_at=expires_at, written_at=now
    )
