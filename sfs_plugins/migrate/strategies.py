"""Reading a feature group for a migration: the latest records of its offline store, or those its online store lists."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    FeatureGroup,
    LookUpRecords,
    Message,
    MigrateRequest,
    MigrateRoute,
    OfflineQuery,
    OfflineRecords,
    OnlineRecordIds,
    OptionsConflict,
    Refused,
    Session,
    Source,
    TargetStore,
    record_ids,
)

if TYPE_CHECKING:
    import pyarrow as pa


class SourceLacksStore(Refused):
    """The source has not got the store that is to be read."""

    sentence = "{group} has no {store} to read {what} from: give --what {other}"


def refuse_without(group: FeatureGroup, store: TargetStore, what: str, other: str) -> None:
    """Raise SourceLacksStore where a source has not got the store to read."""
    if store not in group.stores:
        raise SourceLacksStore(group=group.address, store=store, what=what, other=other)


@dataclass(frozen=True)
class LatestRecords:
    """The newest live version of every record in the offline store; a deleted record stays deleted."""

    name: ClassVar[str] = "latest"

    def route(self, request: MigrateRequest) -> MigrateRoute:
        """Return the route. Raises SourceLacksStore, OptionsConflict (record ids choose online records)."""
        refuse_without(request.source, TargetStore.OFFLINE, self.name, "online")
        if request.ids is not None:
            raise OptionsConflict(first="--ids", second="--what latest")
        query = OfflineQuery(event_time=request.event_time, where=request.where)
        return MigrateRoute(OfflineRecords(request.source, query), (), skip_newer=True, replay=False)


@dataclass(frozen=True)
class ListedRecords:
    """The records of the online store: those it lists, or those of other record ids."""

    name: ClassVar[str] = "online"

    def route(self, request: MigrateRequest) -> MigrateRoute:
        """Return the route. Raises SourceLacksStore, OptionsConflict (an online store cannot be queried)."""
        refuse_without(request.source, TargetStore.ONLINE, self.name, "latest")
        for flag, given in (("--where", request.where), ("--event-time", request.event_time)):
            if given is not None:
                raise OptionsConflict(first=flag, second="--what online")
        ids = DistinctIds(request.ids or OnlineRecordIds(request.source))
        return MigrateRoute(ids, (LookUpRecords(request.source),), skip_newer=True, replay=False)


@dataclass(frozen=True, slots=True)
class DistinctIds:
    """Record ids, each once: a listing may repeat itself, and an offline store keeps what is put twice."""

    ids: Source

    def describe(self) -> Message:
        """Return the noun phrase."""
        return self.ids.describe()

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids in the order they come first; those seen are kept on disk, so memory stays flat."""
        with closing(IdSet()) as seen:
            for batch in self.ids.batches(session):
                new = seen.add(batch.column(0).to_pylist())
                if new:
                    yield record_ids(new)


class IdSet:
    """A set of record ids on disk, gone when it is closed."""

    def __init__(self) -> None:
        # a database without a name is a file of SQLite's own, which goes with the connection
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID"
        )

    def add(self, ids: list[str]) -> list[str]:
        """Put ids in, and return those that were not in before, each once, in order."""
        self._database.execute("BEGIN")
        insert = "INSERT OR IGNORE INTO ids VALUES (?)"
        new = [record_id for record_id in ids if self._database.execute(insert, (record_id,)).rowcount]
        self._database.execute("COMMIT")
        return new

    def close(self) -> None:
        """Forget every id."""
        self._database.close()
