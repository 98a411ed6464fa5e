"""The embedded store as a whole: each method of the `Store` contract, handed on to the module that does it."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

import platformdirs

from sfs_core import (
    Batch,
    Clock,
    Delete,
    EventTime,
    EventTimeRange,
    Fact,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureGroupNotFound,
    FilesOfATable,
    GroupChange,
    GroupQuery,
    GroupStatus,
    Identity,
    NewFeatureGroup,
    OfflineQuery,
    OnlineRecords,
    Put,
    RecordId,
    TargetStore,
    option,
    record_ids,
    without_versions,
)
from sfs_plugins.local_store import deleting, emptying, encoding, held, layout, objects, online, updating, writing
from sfs_plugins.local_store.catalogue import Catalogue
from sfs_plugins.local_store.definitions import StoredGroup
from sfs_plugins.local_store.errors import told_of
from sfs_plugins.local_store.life_cycle import LifeCycle
from sfs_plugins.local_store.opened import GroupDatabase, Opened
from sfs_plugins.local_store.query import chosen_features, offline_record_ids, versions
from sfs_plugins.local_store.scan import files_of
from sfs_plugins.local_store.table_pointer import TablePointer

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class LocalStore:
    """A feature store in a folder: SQLite for the online stores, Parquet files for the offline ones.

    Safe to use from several threads and processes at once. What is acknowledged is on disk, synced, for both stores:
    the offline rows are kept in the same transaction as the online record until they are Parquet files.
    """

    connection: str
    clock: Clock
    path: Path = option(
        "Folder of the embedded store.", default=platformdirs.user_data_path("sagemaker-fs") / "store", flag="path"
    )
    offline_delay: float = option(
        "Seconds that offline writes are buffered, as the service buffers them (0: written at once).", default=0.0
    )
    create_delay: float = option("Seconds that a feature group is being made, changed or deleted.", default=0.0)
    lock_timeout: float = option("Seconds to wait while another process writes.", default=30.0)
    account: str = option("Account number that ARNs and S3 keys show.", default="000000000000")
    region: str = option("Region that ARNs and S3 keys show.", default="local")
    offline_lag: timedelta = field(init=False)

    name: ClassVar[str] = "local"
    throttles: ClassVar[int] = 0

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        self.offline_lag = timedelta(seconds=self.offline_delay)
        self._catalogue = Catalogue(
            self.path, self.clock, self.account, self.region, self.create_delay, self.lock_timeout
        )
        self._databases: dict[int, GroupDatabase] = {}
        self._lock = threading.Lock()
        self._life_cycle = LifeCycle(self._catalogue, self.clock, self._opened)

    def identity(self) -> Identity:
        """Return the account and Region of the settings, and the user of this machine."""
        return Identity(self.account, self.region, getpass.getuser())

    def place(self) -> str:
        """Return the folder, in one spelling however it was named: runs on one folder must not miss one another."""
        return str(self.path.resolve())

    # feature groups

    def groups(self, query: GroupQuery) -> Iterator[FeatureGroupName]:
        """Yield the names of all groups that match."""
        return self._catalogue.names(query)

    def describe(self, name: str) -> FeatureGroup:
        """Return a group by its name, in any case, or its ARN."""
        return self._opened(self._catalogue.find(name), sized=True).described

    def create(self, new: NewFeatureGroup) -> None:
        """Make a group; one whose Iceberg table cannot be made has the status CreateFailed, and the reason.

        Raises GroupExists, BadDefinition.
        """
        self._life_cycle.create(new)

    def update(self, name: str, change: GroupChange) -> None:
        """Change a group. Raises BadDefinition, GroupNotReady, and what is wrong with its Iceberg table."""
        self._life_cycle.update(name, change)

    def delete(self, name: str) -> None:
        """Delete a group and its online records, once what is buffered for its offline store is on disk."""
        self._life_cycle.delete(name)

    def tags(self, name: str) -> Mapping[str, str]:
        """Return a group's tags."""
        return dict(self._catalogue.find(name).new.tags)

    def _opened(self, group: StoredGroup, *, sized: bool = False) -> Opened:
        with self._lock:
            database = self._databases.get(group.number)
            if database is None:
                database = GroupDatabase.of(self.path, group, self.lock_timeout)
                self._databases[group.number] = database
        root = None if group.root is None else layout.local_path(self.path, group.root)
        size = database.size() if sized and group.new.online else None
        described = group.described(self.connection, self.clock.now(), size)
        return Opened(group, database, root, round(self.offline_delay * 1e6), described, lambda: self._features(group))

    def _features(self, group: StoredGroup) -> Sequence[FeatureDefinition]:
        """Return a group's features as they are now, or as they were when it was deleted."""
        now = self._catalogue.of_number(group.number)
        return (now or group).new.features

    def _ready(self, group: FeatureGroup, store: TargetStore | None = None) -> Opened:
        opened = self._opened(self._catalogue.ready(group.name))
        if store is not None:
            opened.require(store)
        return opened

    # online

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        """Return the records the online store holds for `ids`."""
        import pyarrow as pa

        opened = self._ready(group, TargetStore.ONLINE)
        names = None if features is None else [*features, opened.group.new.record_identifier]
        wanted = chosen_features(opened.described, names)
        lines = []
        if opened.held.database.exists():
            with opened.reading() as connection:
                lines = online.read(connection, ids, self.clock.now())
        texts = pa.array([line[1] for line in lines], pa.string())
        expiries = [online.instant_or_none(line[2], line[3]) for line in lines]
        records = encoding.decoded(texts, opened.group.new.features, wanted)
        return OnlineRecords(records, pa.array([at and at.iso() for at in expiries], pa.string()))

    def list_record_ids(self, group: FeatureGroup, *, soft_deleted: bool = False) -> Iterator[pa.RecordBatch]:
        """Yield the record ids page by page, each page as it is when asked for."""
        opened = self._ready(group, TargetStore.ONLINE)
        place: int | None = 0
        while place is not None and opened.held.database.exists():
            with opened.reading() as connection:
                ids, place = online.page(connection, place, self.clock.now(), soft_deleted=soft_deleted)
            if ids:
                yield record_ids(ids)

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        """Write records; a batch is one transaction over both stores."""
        writing.check_how(self._ready(group), how)

        def ready() -> Iterator[writing.Ready]:
            for batch in batches:
                # asked anew: features may have been added, the time to live changed, or the group deleted
                opened = self._ready(group)
                opened.settle_if_large(self.clock.now())
                yield writing.ready(opened, batch, writing.check_how(opened, how))

        try:
            yield from writing.pipelined(ready(), how, self.clock)
        finally:
            self._settle_after_writing(group)

    def update_record(
        self, group: FeatureGroup, record_id: RecordId, features: Mapping[str, str | list[str]], how: Put
    ) -> None:
        """Change single features of a live record."""
        updating.update(self._ready(group), record_id, features, how, self.clock.now())
        self._settle_after_writing(group)

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        """Delete records; a batch is one transaction over both stores."""
        targets = self._ready(group).targets(how.targets)
        try:
            for batch in batches:
                opened = self._ready(group)
                opened.settle_if_large(self.clock.now())
                yield deleting.delete(opened, batch, how, targets, self.clock.now())
        finally:
            self._settle_after_writing(group)

    def _settle_after_writing(self, group: FeatureGroup) -> None:
        try:
            opened = self._opened(self._catalogue.find(group.name))
        except FeatureGroupNotFound:
            return
        opened.settle_after_writing(self.clock.now())

    def holds(self, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
        """Tell for each record whether this very version has been written since `since`, buffered rows included."""
        opened = self._ready(group)
        return held.holds(opened, lambda: files_of(opened), records, since)

    # offline

    def versions(self, group: FeatureGroup, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
        """Yield what the offline store holds, once what is due has been written."""
        opened = self._opened(self._catalogue.find(group.name))
        opened.require(TargetStore.OFFLINE)
        opened.settle(self.clock.now(), everything=False)
        with files_of(opened) as files:
            yield from versions(files, query)

    def offline_record_ids(
        self, group: FeatureGroup, event_time: EventTimeRange | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the ids of all that is written, each once, by a query of the Parquet files."""
        opened = self._opened(self._catalogue.find(group.name))
        opened.require(TargetStore.OFFLINE)
        opened.settle(self.clock.now(), everything=False)
        with files_of(opened) as files:
            yield from offline_record_ids(files, event_time)

    def open_object(self, group: FeatureGroup, key: str) -> BinaryIO:
        """Open an object's file for reading."""
        path = objects.own_root(self._catalogue, group).object_path(key)
        with told_of(self.path):
            return path.open("rb")

    def keeps_versions(self, group: FeatureGroup) -> bool | None:
        """Return False: a folder keeps none."""
        objects.own_root(self._catalogue, group)
        return False

    def object_versions(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the objects, each the only version of itself."""
        return map(without_versions, self.offline_objects(group))

    def drop_table(self, group: FeatureGroup) -> None:
        """Do nothing: the embedded store has no catalogue."""
        objects.own_root(self._catalogue, group)

    def offline_objects(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the objects under the group's own root; buffered writes become objects first."""
        self.settle(group)
        root = objects.own_root(self._catalogue, group)
        with told_of(self.path):
            yield from objects.listed(root)

    def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete objects by `key`; one that is not under the group's own root fails as Refused."""
        self.settle(group)
        root = objects.own_root(self._catalogue, group)
        if self._catalogue.has_table_at(root.uri):
            raise FilesOfATable(group=group.address)
        for batch in batches:
            with told_of(self.path):
                yield objects.deleted(root, batch)

    def offline_days(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the event days of an Iceberg offline store."""
        return emptying.days(self._iceberg(group), self.clock)

    def delete_days(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete event days of an Iceberg offline store; a batch is one snapshot."""
        return emptying.delete_days(lambda: self._iceberg(group), batches, self.clock)

    def compact(self, group: FeatureGroup) -> None:
        """Bring the files of an Iceberg offline store in order, and let go of old snapshots.

        Raises Refused, and changes nothing, unless the table lies at the group's own root, which is its alone.
        """
        emptying.compact(self._iceberg(group), objects.own_root(self._catalogue, group), self.clock)

    def _iceberg(self, group: FeatureGroup) -> Opened:
        """Return a group that must be the very one described. Raises NotAnIcebergTable, StoreNotEnabled, Refused."""
        opened = self._ready(group, TargetStore.OFFLINE)
        opened.require_table(group)
        return opened

    def table_metadata(self, group: FeatureGroup) -> str | None:
        """Return the s3:// URI of the current metadata file of a group's Iceberg table; None if it keeps none (yet).

        The file lies in the folder, under `s3/` at the bucket and key of the URI.
        """
        opened = self._opened(self._catalogue.find(group.name))
        if opened.described.status is GroupStatus.CREATING:
            return None
        pointer = TablePointer(opened.held.database)
        if opened.is_iceberg and pointer.location() is None and not opened.described.failure_reason:
            self._life_cycle.bring_up_to_date(opened)
        return pointer.location()

    def swap_table_metadata(self, group: FeatureGroup, old: str | None, new: str) -> bool:
        """Make `new` the current metadata file of a group's Iceberg table if `old` was; tell whether it was.

        Atomic, and durable when it returns; the files that `new` leads to must be there and durable before.
        Raises Refused for a metadata file that is not under the group's own root.
        """
        root = objects.own_root(self._catalogue, group)
        with told_of(self.path):
            root.object_path(new)
        return TablePointer(self._opened(self._catalogue.find(group.name)).held.database).swap(old, new)

    def settle(self, group: FeatureGroup) -> None:
        """Write everything that is buffered for the group to Parquet, also what a killed deletion of it left."""
        try:
            opened = self._opened(self._catalogue.find(group.name))
        except FeatureGroupNotFound:
            for gone in self._catalogue.gone():
                if gone.new.name == group.name:
                    self._life_cycle.remove(gone)
            return
        opened.settle(self.clock.now(), everything=True)

    def close(self) -> None:
        """Write what is due of what this store has buffered, and close every file.

        A group that cannot be settled is in no other's way: what is wrong with it is raised once all is done.
        """
        unsettled = {number for number, database in self._databases.items() if database.unsettled}
        with ExitStack() as closing:
            closing.callback(self._catalogue.close)
            for database in self._databases.values():
                closing.callback(database.database.close)
            for group in self._catalogue.all() if unsettled else ():
                if group.number in unsettled:
                    closing.callback(self._opened(group).settle, self.clock.now(), everything=False)
