"""Changing single features of a live record."""

from __future__ import annotations

from collections.abc import Mapping

from sfs_core import (
    BadRequest,
    EventTime,
    Message,
    Put,
    RecordId,
    RecordNotFound,
    StorageType,
    TargetStore,
    TtlDuration,
    Value,
    check_record,
    records_from,
    rows_of,
    say,
)
from sfs_plugins.local_store import buffer, encoding, online
from sfs_plugins.local_store.online import Item
from sfs_plugins.local_store.opened import Opened

MAX_UPDATED_FEATURES = 100


def update(opened: Opened, record_id: RecordId, changes: Mapping[str, Value], how: Put, now: EventTime) -> None:
    """Change features of one record in one transaction; the offline store gains the whole merged record.

    Raises StoreNotEnabled, RecordNotFound, UnknownFeature, BadRequest, and what `check_record` raises.
    """
    import pyarrow as pa

    new, group = opened.group.new, opened.described
    targets = opened.targets(how.targets)
    opened.require(TargetStore.ONLINE)
    _check(opened, changes, how.ttl)
    with opened.writing() as connection:
        item = online.item(connection, record_id, now)
        if item is None or item.record is None:
            raise RecordNotFound(record_id=record_id, group=new.name)
        stored = rows_of(encoding.decoded(pa.array([item.record]), new.features, new.features))[0]
        merged = {**stored, **changes}
        check_record(group, merged)
        event_time = group.parse_event_time(str(merged[new.event_time]))
        if event_time < item.event_time:
            raise _refused(opened, say("the stored record is newer than {event_time}", event_time=event_time))
        records = records_from(new.features, [merged])
        if TargetStore.ONLINE in targets:
            expires_at = item.expires_at if how.ttl is None else online.expiry(event_time, how.ttl)
            changed = Item(event_time, expires_at, encoding.encoded(records, new.features)[0].as_py())
            online.replace_item(connection, record_id, changed, now)
        if TargetStore.OFFLINE in targets:
            opened.buffer(connection, now, buffer.packed(buffer.offline_rows(group, records, deleted=False)))


def _check(opened: Opened, changes: Mapping[str, Value], ttl: TtlDuration | None) -> None:
    new = opened.group.new
    if new.online is not None and new.online.storage_type is StorageType.STANDARD:
        raise _refused(opened, say("single features are changed in Standard_V2 and InMemory online stores only"))
    if not 1 <= len(changes) <= MAX_UPDATED_FEATURES:
        raise _refused(opened, say("1 to {limit} features can be changed at a time", limit=MAX_UPDATED_FEATURES))
    if new.record_identifier in changes:
        raise _refused(opened, say("the record identifier of a record does not change"))
    if ttl is not None and new.event_time not in changes:
        raise _refused(opened, say("a time to live needs an event time beside it"))
    for name in changes:
        opened.described.feature(name)


def _refused(opened: Opened, problem: Message) -> BadRequest:
    return BadRequest(store=say("the embedded store"), group=opened.group.new.name, problem=problem)
