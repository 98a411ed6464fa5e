"""What becomes of one record in both stores of a group, written out: put, changed, deleted.

Each rule that does not hold is raised as the error the user reads; each function returns the row that the offline
store gains, or None. Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md,
`§` the sections of the facts that the model was written from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sfs_core.errors import BadDefinition, BadRequest, EventTimeNotLater, RecordNotFound, StoreNotEnabled
from sfs_core.event_time import EventTime
from sfs_core.messages import Message, say
from sfs_core.model import DeletionMode, FeatureGroup, StorageType, TargetStore, TtlDuration
from sfs_core.rules import Value, check_record
from sfs_core.store import Put
from sfs_core.testing.catalogue_model import ModelGroup
from sfs_core.testing.offline_model import Version, stored_value
from sfs_core.testing.online_model import merged

MAX_UPDATED_FEATURES: Final = 100


def targets_of(group: FeatureGroup, targets: Collection[TargetStore] | None) -> frozenset[TargetStore]:
    """Return the stores written to: all enabled ones, or those named, which must be enabled (§2.3, TargetStores)."""
    for target in targets or ():
        if target not in group.stores:
            raise StoreNotEnabled(group=group.name, store=target)
    return frozenset(group.stores if targets is None else targets)


def check_put(group: FeatureGroup, how: Put) -> None:
    """Raise where no record can be put so: a store that is not there, a time to live without an online store [26]."""
    targets_of(group, how.targets)
    if how.ttl is not None and group.online is None:
        raise BadDefinition(name=group.name, problem=say("a time to live needs an online store"))


def put_record(model: ModelGroup, record: Mapping[str, Value], how: Put, now: EventTime) -> Version | None:
    """Put one record: online if its event time is strictly later, offline in any case [1, 3]."""
    group = model.group
    check_record(group, record)
    record_id, event_time = key_of(group, record)
    targets = targets_of(group, how.targets)
    if group.online is not None and TargetStore.ONLINE in targets:
        # the group's time to live is the one at the time of writing, and a record's own goes before it (§2.3, TTL)
        model.online.put(record_id, record, event_time, how.ttl or group.online.ttl, now)
    return _row(group, record, now) if TargetStore.OFFLINE in targets else None


def delete_record(
    model: ModelGroup,
    record_id: str,
    event_time: EventTime,
    mode: DeletionMode,
    targets: frozenset[TargetStore],
    now: EventTime,
) -> Version | None:
    """Delete one record (§2.3, DeleteRecord).

    A hard delete that is not later fails and leaves no marker [5]; a soft delete leaves a marker in any case [4].
    """
    group = model.group
    if TargetStore.ONLINE in targets:
        if mode is DeletionMode.SOFT:
            model.online.soft_delete(record_id, event_time, now)
        elif not model.online.hard_delete(record_id, event_time, now):
            raise EventTimeNotLater(record_id=record_id, group=group.name, event_time=event_time)
    if TargetStore.OFFLINE not in targets:
        return None
    marker = {group.record_identifier: record_id, group.event_time: group.event_time_text(event_time)}
    return _row(group, marker, now, is_deleted=True)


def update_record(
    model: ModelGroup, record_id: str, changes: Mapping[str, Value], how: Put, now: EventTime
) -> Version | None:
    """Change single features of a live record (§2.3, UpdateRecord) [2, 16]."""
    group = model.group
    targets = targets_of(group, how.targets)
    _check_update(group, changes, how.ttl)
    item = model.online.live(record_id, now)
    if item is None:
        raise RecordNotFound(record_id=record_id, group=group.name)
    event_time = group.parse_event_time(str(changes[group.event_time])) if group.event_time in changes else None
    changed = merged(item, changes, event_time, how.ttl, now)
    if changed is None or changed.record is None:
        raise _refused(group, say("the stored record is newer than {event_time}", event_time=event_time))
    check_record(group, changed.record)
    if TargetStore.ONLINE in targets:
        model.online.items[record_id] = changed
    return _row(group, changed.record, now) if TargetStore.OFFLINE in targets else None


def _check_update(group: FeatureGroup, changes: Mapping[str, Value], ttl: TtlDuration | None) -> None:
    if group.online is None:
        raise StoreNotEnabled(group=group.name, store=TargetStore.ONLINE)
    if group.online.storage_type is StorageType.STANDARD:
        raise _refused(group, say("single features are changed in Standard_V2 and InMemory online stores only"))
    if not 1 <= len(changes) <= MAX_UPDATED_FEATURES:
        raise _refused(group, say("1 to {limit} features can be changed at a time", limit=MAX_UPDATED_FEATURES))
    if group.record_identifier in changes:
        raise _refused(group, say("the record identifier of a record does not change"))
    if ttl is not None and group.event_time not in changes:
        raise _refused(group, say("a time to live needs an event time beside it"))
    for name in changes:
        group.feature(name)


def _refused(group: FeatureGroup, problem: Message) -> BadRequest:
    return BadRequest(store="memory", group=group.name, problem=problem)


def key_of(group: FeatureGroup, record: Mapping[str, Value]) -> tuple[str, EventTime]:
    """Return record id and event time of a record that has passed the rules."""
    return str(record[group.record_identifier]), group.parse_event_time(str(record[group.event_time]))


def _row(group: FeatureGroup, record: Mapping[str, Value], now: EventTime, *, is_deleted: bool = False) -> Version:
    """Return the row the offline store gains; it is written as soon as it is received (§4.6)."""
    record_id, event_time = key_of(group, record)
    stored = {name: stored_value(group.feature(name), value) for name, value in record.items()}
    return Version(record_id, stored, event_time, now, now, is_deleted)


def written_since(
    model: ModelGroup, versions: Iterable[Version], since: EventTime
) -> Counter[tuple[str, EventTime, bool]]:
    """Count versions: as often as the offline store has them, or once where the online store alone has one."""
    items = model.online.items.items()
    online = Counter((key, item.event_time, item.record is None) for key, item in items if item.written_at >= since)
    offline = Counter(
        (version.record_id, version.event_time, version.is_deleted)
        for version in versions
        if version.api_invocation_time >= since
    )
    return online | offline
