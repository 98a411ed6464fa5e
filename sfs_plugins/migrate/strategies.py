"""Reading a feature group for a migration: the latest records of its offline store, or those its online store lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfs_core import (
    DistinctIds,
    FeatureGroup,
    LookUpRecords,
    MigrateRequest,
    MigrateRoute,
    OfflineQuery,
    OfflineRecords,
    OnlineRecordIds,
    OptionsConflict,
    Refused,
    TargetStore,
)


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
