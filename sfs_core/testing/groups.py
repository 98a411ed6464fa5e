"""The words tests speak in: a feature group in a line, records as dictionaries, what a store holds as dictionaries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfs_core.arrow import records_from, rows_of
from sfs_core.event_time import EventTime
from sfs_core.facts import DELETE_AT, RECORD_ID, Batch, Fact, Remark
from sfs_core.model import (
    API_INVOCATION_TIME,
    SYSTEM_COLUMNS,
    WRITE_TIME,
    DeletionMode,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureType,
    GroupStatus,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    RecordId,
    StorageType,
    TargetStore,
    TtlDuration,
)
from sfs_core.rules import Value
from sfs_core.store import Delete, OfflineQuery, Put, Store, Versions

Record = Mapping[str, Value]
NOON: Final = EventTime.parse("2025-06-01T12:00:00Z", seconds=False)
"""The instant at which clocks of tests begin."""
ONE, TWO, THREE, FOUR = (f"2025-06-01T0{hour}:00:00Z" for hour in (1, 2, 3, 4))
"""Event times of an ordinary morning, an hour apart, all before `NOON`."""
ORDERS: Final = ("city:String", "items:Integral", "amount:Fractional")
"""The features that a group of tests has beside its record identifier and its event time."""


@dataclass(slots=True)
class StepClock:
    """A clock that is a step later each time it is asked, so that no two things happen at one instant."""

    instant: EventTime = NOON
    step_nanoseconds: int = 1_000_000

    def now(self) -> EventTime:
        """Return the next instant."""
        self.instant = self.instant.plus(self.step_nanoseconds)
        return self.instant


def record(record_id: str, at: str, /, **features: Value) -> dict[str, Value]:
    """Return a record of a group whose record identifier is `id` and whose event time is `at`."""
    return {"id": record_id, "at": at, **features}


def new_group(
    name: str = "orders",
    *features: str,
    record_identifier: str = "id:String",
    event_time: str = "at:String",
    online: bool = True,
    offline: bool = True,
    storage_type: StorageType = StorageType.STANDARD,
    ttl: str | None = None,
    s3_uri: str = "s3://feature-store/tests",
    tags: tuple[tuple[str, str], ...] = (),
) -> NewFeatureGroup:
    """Return what a feature group is made from: `id`, `at` and the features given, or those of `ORDERS`.

    Features are written `name:Type[:Collection]`; `event_time="at:Fractional"` makes event times Unix seconds. An
    InMemory group has no offline store, whatever `offline` says, because it cannot.
    """
    identifier, instant = FeatureDefinition.parse(record_identifier), FeatureDefinition.parse(event_time)
    duration = TtlDuration.parse(ttl) if ttl else None
    has_offline = offline and not (online and storage_type is StorageType.IN_MEMORY)
    return NewFeatureGroup(
        name=FeatureGroupName(name),
        record_identifier=identifier.name,
        event_time=instant.name,
        features=(identifier, instant, *map(FeatureDefinition.parse, features or ORDERS)),
        online=OnlineStore(storage_type, duration) if online else None,
        offline=OfflineStore(s3_uri) if has_offline else None,
        role_arn="arn:aws:iam::000000000000:role/feature-store",
        tags=tags,
    )


def created(store: Store, new: NewFeatureGroup, timeout_seconds: float = 60) -> FeatureGroup:
    """Make a group and return it as described once it is no longer being created."""
    store.create(new)
    deadline = time.monotonic() + timeout_seconds
    while (group := store.describe(new.name)).status is GroupStatus.CREATING and time.monotonic() < deadline:
        time.sleep(0.1)
    return group


def put(
    store: Store,
    group: FeatureGroup,
    *records: Record,
    to: Sequence[TargetStore] | None = None,
    ttl: str | None = None,
) -> list[Remark]:
    """Put records as one batch, in the order given, and return the remarks on those that failed."""
    how = Put(tuple(to) if to is not None else None, TtlDuration.parse(ttl) if ttl else None)
    return _remarks(store.put(group, [Batch(0, records_from(group.features, records))], how))


def filled(store: Store, new: NewFeatureGroup, *records: Record) -> FeatureGroup:
    """Make a group, put records into every store it has, and return it. A record that fails is an error."""
    group = created(store, new)
    remarks = put(store, group, *records)
    assert not remarks, [str(remark.message) for remark in remarks]
    return group


def delete(
    store: Store,
    group: FeatureGroup,
    *ids: str,
    at: str | None,
    hard: bool = False,
    to: Sequence[TargetStore] | None = None,
) -> list[Remark]:
    """Delete records of `ids`, all at the event time `at`, as one batch; return the remarks on those that failed."""
    return delete_each(store, group, [(record_id, at) for record_id in ids], hard=hard, to=to)


def delete_each(
    store: Store,
    group: FeatureGroup,
    deletions: Sequence[tuple[str | None, str | None]],
    *,
    hard: bool = False,
    to: Sequence[TargetStore] | None = None,
) -> list[Remark]:
    """Delete records, each at its own event time, as one batch; return the remarks on those that failed."""
    import pyarrow as pa

    ids, times = (pa.array([deletion[i] for deletion in deletions], pa.string()) for i in (0, 1))
    batch = Batch(0, pa.record_batch([ids, times], names=[RECORD_ID, DELETE_AT]))
    mode = DeletionMode.HARD if hard else DeletionMode.SOFT
    return _remarks(store.delete_records(group, [batch], Delete(mode, tuple(to) if to is not None else None)))


def _remarks(facts: Iterable[Fact]) -> list[Remark]:
    """Return the remarks of facts, having seen that every record of each batch is accounted for."""
    remarks = []
    for fact in facts:
        assert fact.done + len(fact.remarks) == fact.batch.records.num_rows
        remarks += sorted(fact.remarks, key=lambda remark: remark.row)
    return remarks


def failed(remarks: Iterable[Remark]) -> list[tuple[int, str]]:
    """Return row and code of remarks: what a test compares, since the words belong to the store."""
    return [(remark.row, remark.code) for remark in remarks]


def ids_in(store: Store, group: FeatureGroup, *, soft_deleted: bool = False) -> list[str]:
    """Return the ids the online store lists, each once, sorted."""
    batches = store.list_record_ids(group, soft_deleted=soft_deleted)
    return sorted({record_id for batch in batches for record_id in batch.column(RECORD_ID).to_pylist()})


def online(
    store: Store, group: FeatureGroup, *ids: str, features: Sequence[str] | None = None
) -> list[dict[str, Value]]:
    """Return the records the online store holds for `ids`, or for every id it lists, sorted by id."""
    wanted = [RecordId(record_id) for record_id in ids or ids_in(store, group)]
    found = rows_of(store.read(group, wanted, features).records)
    return sorted(found, key=lambda record: str(record[group.record_identifier]))


def expires(store: Store, group: FeatureGroup, record_id: str) -> str | None:
    """Return when a live record expires, as text, or None."""
    found = store.read(group, [RecordId(record_id)]).expires_at.to_pylist()
    assert len(found) == 1, f"no live record {record_id!r}"
    return found[0]  # type: ignore[no-any-return]


def latest(store: Store, group: FeatureGroup, query: OfflineQuery | None = None) -> list[dict[str, Value]]:
    """Return the latest records of the offline store, buffered ones too, sorted by id."""
    store.settle(group)
    found = [row for batch in store.versions(group, query or OfflineQuery()) for row in rows_of(batch)]
    return sorted(found, key=lambda record: str(record.get(group.record_identifier)))


def history(store: Store, group: FeatureGroup, query: OfflineQuery | None = None) -> list[dict[str, object]]:
    """Return every version of the offline store, buffered ones too, in the store's order, with system columns."""
    store.settle(group)
    batches = store.versions(group, query or OfflineQuery(Versions.HISTORY))
    return [dict(row) for batch in batches for row in rows_of(batch)]


def objects_in(store: Store, group: FeatureGroup) -> list[str]:
    """Return the keys of a group's offline objects, sorted."""
    return sorted(key for batch in store.offline_objects(group) for key in batch.column("key").to_pylist())


def delete_objects(store: Store, group: FeatureGroup, *keys: str) -> list[Remark]:
    """Delete objects by key as one batch, and return the remarks on those that failed."""
    import pyarrow as pa

    return _remarks(store.delete_objects(group, [Batch(0, pa.record_batch({"key": pa.array(keys, pa.string())}))]))


def delete_versions(store: Store, group: FeatureGroup) -> list[Remark]:
    """Delete every version of a group's offline objects for good, and return the remarks on those that failed."""
    batches = [Batch(number, found) for number, found in enumerate(store.object_versions(group))]
    return _remarks(store.delete_objects(group, batches))


def typed_rows(
    group: FeatureGroup, rows: Iterable[Mapping[str, object]], *, without: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Return rows with numbers and instants in place of texts: an offline store may spell a number anew (`5` as `5.0`).

    Columns named in `without` are left out, such as `write_time`, which is the store's own affair.
    """
    return [{name: _typed(group, name, row[name]) for name in row if name not in without} for row in rows]


def _typed(group: FeatureGroup, name: str, value: object) -> object:
    if name in (API_INVOCATION_TIME, WRITE_TIME):
        return EventTime.parse(str(value), seconds=False)
    if not isinstance(value, str) or name in SYSTEM_COLUMNS:
        return value
    if name == group.event_time:
        return group.parse_event_time(value)
    kinds = {FeatureType.STRING: str, FeatureType.INTEGRAL: int, FeatureType.FRACTIONAL: float}
    return kinds[group.feature(name).type](value)
