"""The in-memory store: the reference model that every other store is compared with. Small, slow and obviously right.

One record at a time, plain dictionaries, one lock. What becomes of a record is written out in `online_model`,
`offline_model` and `records_model`, the life of groups in `catalogue_model`; here batches go in and out.
Where the documentation leaves a question open, the model's answer is: an expired record is hidden at once, is
forgotten and leaves no delete marker; deleting an id that is not there is done, leaves a delete marker offline and no
tombstone online; a tombstone does not expire; an UpdateRecord appends the whole merged record offline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from sfs_core.arrow import record_ids, records_from, rows_of, without_versions
from sfs_core.clock import Clock, SystemClock
from sfs_core.errors import (
    FeatureGroupNotFound,
    FilesOfATable,
    NotAnIcebergTable,
    Refused,
    SfsError,
    StoreNotEnabled,
)
from sfs_core.event_time import EventTime
from sfs_core.facts import DAY, DELETE_AT, RECORD_ID, Batch, Fact, Remark
from sfs_core.messages import say
from sfs_core.model import (
    IS_DELETED,
    SYSTEM_COLUMNS,
    FeatureGroup,
    FeatureGroupName,
    Identity,
    NewFeatureGroup,
    RecordId,
    TargetStore,
)
from sfs_core.rules import Value, check_record
from sfs_core.store import Delete, EventTimeRange, GroupChange, GroupQuery, OfflineQuery, OnlineRecords, Put, Versions
from sfs_core.testing.catalogue_model import ACCOUNT, REGION, ModelGroup
from sfs_core.testing.columns_model import check_columns, columns_of, parquet_file, with_system_columns
from sfs_core.testing.memory_state import MemoryState
from sfs_core.testing.offline_model import Version, chosen, is_iceberg
from sfs_core.testing.records_model import (
    check_put,
    delete_record,
    key_of,
    put_record,
    targets_of,
    update_record,
    written_since,
)

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 100
_WriteOne = Callable[[ModelGroup, Mapping[str, Value], EventTime], Version | None]


@dataclass
class MemoryStore:
    """A feature store in memory, gone with the process."""

    connection: str = "memory"
    clock: Clock = field(default_factory=SystemClock)
    state: MemoryState = field(default_factory=MemoryState, repr=False)
    offline_lag: timedelta = timedelta(0)

    name: ClassVar[str] = "memory"
    throttles: ClassVar[int] = 0

    def identity(self) -> Identity:
        return Identity(ACCOUNT, REGION, "memory")

    def place(self) -> str:
        return "memory"

    def groups(self, query: GroupQuery) -> Iterator[FeatureGroupName]:
        with self.state.lock:
            return iter(self.state.catalogue.names(query))

    def describe(self, name: str) -> FeatureGroup:
        with self.state.lock:
            return replace(self._model(name).group, connection=self.connection)

    def create(self, new: NewFeatureGroup) -> None:
        with self.state.lock:
            self.state.catalogue.create(new, self.clock.now())

    def update(self, name: str, change: GroupChange) -> None:
        with self.state.lock:
            self.state.catalogue.change(self._model(name), change, self.clock.now())

    def delete(self, name: str) -> None:
        with self.state.lock:
            self.state.catalogue.delete(self._model(name).group.name)

    def tags(self, name: str) -> Mapping[str, str]:
        with self.state.lock:
            return dict(self._model(name).tags)

    def _model(self, name: str) -> ModelGroup:
        model = self.state.catalogue.find(name)
        if model is None:
            raise FeatureGroupNotFound(name=name, place=self.place())
        return model

    def _with(self, group: FeatureGroup, store: TargetStore) -> ModelGroup:
        """Return the group as it is now, which must have the store."""
        model = self._model(group.name)
        if store not in model.group.stores:
            raise StoreNotEnabled(group=group.name, store=store)
        return model

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        import pyarrow as pa

        with self.state.lock:
            model, now = self._with(group, TargetStore.ONLINE), self.clock.now()
            columns = columns_of(model.group, features, always=group.record_identifier)
            items = [item for record_id in dict.fromkeys(ids) if (item := model.online.live(record_id, now))]
        records = records_from(columns, [item.record or {} for item in items])
        return OnlineRecords(
            records, pa.array([item.expires_at and item.expires_at.iso() for item in items], pa.string())
        )

    def list_record_ids(self, group: FeatureGroup, *, soft_deleted: bool = False) -> Iterator[pa.RecordBatch]:
        with self.state.lock:
            model = self._with(group, TargetStore.ONLINE)
            ids = list(model.online.ids(self.clock.now(), soft_deleted=soft_deleted))
        for start in range(0, len(ids), _BATCH):
            yield record_ids(ids[start : start + _BATCH])

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        check_put(self.describe(group.name), how)
        for batch in batches:
            check_columns(batch.records, self.describe(group.name))
            columns = [name for name in batch.records.schema.names if name not in SYSTEM_COLUMNS]
            yield self._each(
                group,
                batch,
                rows_of(batch.records.select(columns)),
                lambda model, record, now: put_record(model, record, how, now),
            )

    def update_record(
        self, group: FeatureGroup, record_id: RecordId, features: Mapping[str, str | list[str]], how: Put
    ) -> None:
        with self.state.lock:
            model = self._model(group.name)
            self._append(model, [update_record(model, record_id, features, how, self.clock.now())])

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        targets = targets_of(self.describe(group.name), how.targets)

        def delete_one(model: ModelGroup, key: Mapping[str, Value], now: EventTime) -> Version | None:
            check_record(model.group, key)
            record_id, event_time = key_of(model.group, key)
            return delete_record(model, record_id, event_time, how.mode, targets, now)

        for batch in batches:
            keys = batch.records.select([RECORD_ID, DELETE_AT]).rename_columns(
                [group.record_identifier, group.event_time]
            )
            yield self._each(group, batch, rows_of(keys), delete_one)

    def _each(
        self, group: FeatureGroup, batch: Batch, records: Sequence[Mapping[str, Value]], write: _WriteOne
    ) -> Fact:
        """Write records one by one, in order; one that breaks a rule fails alone (§2.3, BatchWriteRecord)."""
        with self.state.lock:
            model, now = self._model(group.name), self.clock.now()
            rows, remarks = [], []
            for row, record in enumerate(records):
                try:
                    rows.append(write(model, record, now))
                except SfsError as error:
                    remarks.append(Remark.failed(row, error))
            self._append(model, rows)
        return Fact.of(batch, remarks)

    def _append(self, model: ModelGroup, rows: Iterable[Version | None]) -> None:
        if model.group.offline is not None:
            self.state.objects.append(str(model.group.offline.root), [row for row in rows if row is not None])

    def holds(self, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
        with self.state.lock:
            model = self._model(group.name)
            found = written_since(model, self._versions(model.group), since)
        held = []
        for record in rows_of(records):
            version = (*key_of(group, record), bool(record.get(IS_DELETED)))
            held.append(found[version] > 0)
            found[version] -= 1
        return held

    def versions(self, group: FeatureGroup, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
        with self.state.lock:
            group = self._with(group, TargetStore.OFFLINE).group
            columns = columns_of(group, query.features)
            found = list(chosen(self._versions(group), query, group.features))
        for start in range(0, len(found), _BATCH):
            part = found[start : start + _BATCH]
            records = records_from(columns, [version.record for version in part])
            yield records if query.versions is Versions.LATEST else with_system_columns(records, part)

    def _versions(self, group: FeatureGroup) -> list[Version]:
        return self.state.objects.versions(group.offline.root) if group.offline and group.offline.root else []

    def offline_record_ids(
        self, group: FeatureGroup, event_time: EventTimeRange | None = None
    ) -> Iterator[pa.RecordBatch]:
        with self.state.lock:
            model = self._with(group, TargetStore.OFFLINE)
            query = OfflineQuery(Versions.HISTORY, event_time=event_time)
            ids = {version.record_id for version in chosen(self._versions(model.group), query, model.group.features)}
        if ids:
            yield record_ids(ids)

    def open_object(self, group: FeatureGroup, key: str) -> BinaryIO:
        with self.state.lock:
            return parquet_file(self.state.objects.at(self._own_root(group), key), group.features)

    def keeps_versions(self, group: FeatureGroup) -> bool | None:
        self._own_root(group)
        return False

    def object_versions(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        return map(without_versions, self.offline_objects(group))

    def drop_table(self, group: FeatureGroup) -> None:
        root = self._own_root(group)
        with self.state.lock:
            self.state.catalogue.drop_table(group, root)

    def offline_objects(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self.state.lock:
            sizes = self.state.objects.sizes(self._own_root(group))
        if sizes:
            yield pa.record_batch({"key": pa.array(sizes, pa.string()), "size": pa.array(sizes.values(), pa.int64())})

    def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        root = self._own_root(group)
        if is_iceberg(group) and self.state.catalogue.owner_of(root) is not None:
            raise FilesOfATable(group=group.address)
        for batch in batches:
            with self.state.lock:
                remarks = self.state.objects.delete(root, batch.records.column("key").to_pylist())
            yield Fact.of(batch, remarks)

    def offline_days(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self.state.lock:
            days = Counter(version.day for version in self._versions(self._iceberg(group)))
        if days:
            yield pa.record_batch({DAY: pa.array(days, pa.string()), "records": pa.array(days.values(), pa.int64())})

    def delete_days(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        for batch in batches:
            with self.state.lock:
                root = self._own_root(self._iceberg(group))
                self.state.objects.delete_days(root, batch.records.column(DAY).to_pylist())
            yield Fact.of(batch)

    def compact(self, group: FeatureGroup) -> None:
        """Do nothing: an object holds all versions written to it at once, and nothing else shows them."""
        with self.state.lock:
            self._iceberg(group)

    def _iceberg(self, group: FeatureGroup) -> FeatureGroup:
        """Return the group as it is now, which must be the very one described, with an Iceberg offline store."""
        now = self._with(group, TargetStore.OFFLINE).group
        if not is_iceberg(now):
            raise NotAnIcebergTable(group=group.address)
        if group.offline != now.offline:
            raise Refused(problem=say("{group} has been made anew since it was described", group=group.address))
        return now

    def _own_root(self, group: FeatureGroup) -> str:
        """Return the prefix that is this group's alone, deleted groups' too (§7, prefix safety)."""
        return self.state.catalogue.own_root(group)

    def settle(self, group: FeatureGroup) -> None:
        """Do nothing: rows are written as they come."""

    def close(self) -> None:
        """Do nothing: what the store holds goes with its state."""
