"""One feature group at hand: its definition, its database, and what of its offline writes is still to settle."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection

from sfs_core import (
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupNotFound,
    NotAnIcebergTable,
    Refused,
    StoreNotEnabled,
    TargetStore,
    say,
)
from sfs_plugins.local_store import buffer, online, table_pointer
from sfs_plugins.local_store.database import Database
from sfs_plugins.local_store.definitions import StoredGroup
from sfs_plugins.local_store.errors import told_of
from sfs_plugins.local_store.glue_files import GlueFiles
from sfs_plugins.local_store.iceberg_files import ASIDE, IcebergFiles
from sfs_plugins.local_store.settling import Settling
from sfs_plugins.local_store.table_files import TableFiles

_CALM_SECONDS = 1.0


@dataclass
class GroupDatabase:
    """A group's database, shared by all threads of a store; `unsettled` counts bytes buffered since it last settled."""

    database: Database
    unsettled: int = 0
    settled_at: float = field(default=0.0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, folder: Path, group: StoredGroup, timeout_seconds: float) -> GroupDatabase:
        """Return the database of a group in a store's folder; nothing is made yet."""
        path = folder / "groups" / f"{group.new.name}-{group.number}.sqlite"
        return cls(Database(folder, path, online.SCHEMA + buffer.SCHEMA + table_pointer.SCHEMA, timeout_seconds))

    @property
    def workshop(self) -> Path:
        """Where offline files are made, by the holder of the group's lock."""
        return self.database.path.with_suffix(".writing")

    def remove(self) -> None:
        """Delete the database and what lies beside it."""
        self.database.remove()
        path = self.database.path
        with told_of(self.database.folder):
            shutil.rmtree(self.workshop, ignore_errors=True)
            shutil.rmtree(self.workshop.with_suffix(ASIDE), ignore_errors=True)
            path.with_suffix(".lock").unlink(missing_ok=True)

    def size(self) -> int:
        """Return about how many bytes the records take."""
        try:
            return self.database.path.stat().st_size
        except FileNotFoundError:
            return 0


@dataclass(frozen=True)
class Opened:
    """A group as it was found when one operation began."""

    group: StoredGroup
    held: GroupDatabase
    root: Path | None
    delay_us: int
    described: FeatureGroup
    features_now: Callable[[], Sequence[FeatureDefinition]]

    def targets(self, asked: Sequence[TargetStore] | None) -> frozenset[TargetStore]:
        """Return the stores to write to: those asked for, or every enabled one. Raises StoreNotEnabled."""
        for store in asked or ():
            self.require(store)
        return frozenset(self.group.stores if asked is None else asked)

    def require(self, store: TargetStore) -> None:
        """Raise StoreNotEnabled unless the group has the store."""
        if store not in self.group.stores:
            raise StoreNotEnabled(group=self.group.new.name, store=store)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lend a connection to the group's database to read with. Raises FeatureGroupNotFound if the group is gone."""
        with self.held.database.reading() as connection:
            self._check_there(connection)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Lend a connection in a write transaction. Raises FeatureGroupNotFound if the group is gone."""
        with self.held.database.writing() as connection:
            self._check_there(connection)
            yield connection

    def _check_there(self, connection: Connection) -> None:
        if online.is_gone(connection):
            raise FeatureGroupNotFound(name=self.group.new.name, place=self.held.database.folder)

    def mark_gone(self) -> bool:
        """Tell every other process that the group is gone, unless something is buffered still: then return False."""
        with self.held.database.writing() as connection:
            if not buffer.is_empty(connection):
                return False
            online.mark_gone(connection)
            return True

    def buffer(self, connection: Connection, accepted: EventTime, packed: tuple[int, bytes]) -> None:
        """Buffer packed offline rows in the caller's transaction."""
        buffer.append(connection, accepted.nanoseconds // 1000, packed)
        with self.held.lock:
            self.held.unsettled += packed[0]

    def settle_if_large(self, now: EventTime) -> None:
        """Settle what is due if much has been buffered."""
        if self.held.unsettled >= buffer.MAX_SETTLING_BYTES:
            self._settle_if_due(now)

    def _settle_if_due(self, now: EventTime) -> None:
        if self._settling().is_due(now.nanoseconds // 1000):
            self.settle(now, everything=False)

    def settle_after_writing(self, now: EventTime) -> None:
        """Settle what is due at the end of a stream of writes.

        In a rush of small streams, as a replay of the history makes, only now and then: what is left is on disk
        in the buffer, and settles before anything reads the offline store and when the store is closed.
        """
        if self.held.unsettled and time.monotonic() - self.held.settled_at >= _CALM_SECONDS:
            self._settle_if_due(now)

    @contextmanager
    def unsettling(self) -> Iterator[None]:
        """Keep every process from settling for a while, and see to it that none was killed halfway."""
        if self.root is None or not self.held.database.exists():
            yield
            return
        with self._settling().paused():
            yield

    def settle(self, now: EventTime, *, everything: bool) -> None:
        """Write what is due, or everything, to Parquet."""
        if self.root is None:
            return
        with self.held.lock:
            self.held.unsettled = 0
        with told_of(self.held.database.folder):
            self._settling().run(now.nanoseconds // 1000, everything=everything)
        self.held.settled_at = time.monotonic()

    def _settling(self) -> Settling:
        return Settling(self.held.database, self.files(), self.held.workshop, self.delay_us, self.features_now)

    def files(self) -> TableFiles:
        """Return the files of the offline store, which the group must have, in their table format."""
        if self.is_iceberg:
            return self.iceberg_files()
        root = self.root or self.held.database.folder
        return GlueFiles(self.held.database, root, self.held.workshop, self.group.new.event_time)

    @property
    def is_iceberg(self) -> bool:
        """Whether the offline store is an Iceberg table."""
        return self.group.is_iceberg

    def require_table(self, group: FeatureGroup) -> None:
        """Raise NotAnIcebergTable unless the group has one, Refused if it is not the very group described."""
        if not self.is_iceberg:
            raise NotAnIcebergTable(group=group.address)
        if group.offline is None or group.offline.root != self.group.root:
            raise Refused(problem=say("{group} has been made anew since it was described", group=group.address))

    def iceberg_files(self) -> IcebergFiles:
        """Return the files of the Iceberg table, with the features that the group has now."""
        group = replace(self.described, features=tuple(self.features_now()))
        return IcebergFiles(self.held.database, group, self.held.workshop)
