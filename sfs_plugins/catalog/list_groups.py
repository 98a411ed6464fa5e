"""`sagemaker-fs list`: every feature group, offline-only ones too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import Any, Final

from sfs_core import (
    EventTime,
    ExitCode,
    FeatureGroup,
    FeatureGroupName,
    FeatureGroupNotFound,
    GroupQuery,
    GroupStatus,
    Output,
    OutputOptions,
    SfsCommand,
    Store,
    option,
    render,
    say,
)

COLUMNS: Final = (
    "name",
    "stores",
    "storage_type",
    "table_format",
    "status",
    "offline_status",
    "features",
    "created",
)
DETAILS: Final = ("record_identifier", "event_time", "ttl", "online_bytes", "root", "table")
_DESCRIBED_AT_ONCE: Final = 8


class Sort(StrEnum):
    """Orders of the list."""

    NAME = "name"
    CREATED = "created"
    STATUS = "status"
    OFFLINE_STATUS = "offline-status"


_SERVICE_SORTS: Final = {
    Sort.NAME: "Name",
    Sort.CREATED: "CreationTime",
    Sort.STATUS: "FeatureGroupStatus",
    Sort.OFFLINE_STATUS: "OfflineStoreStatus",
}


class Stores(StrEnum):
    """Which groups by their stores; `online` and `offline` are those with that store alone."""

    ONLINE = "online"
    OFFLINE = "offline"
    BOTH = "both"


_SHOWN: Final = {Stores.ONLINE: "Online", Stores.OFFLINE: "Offline", Stores.BOTH: "Online+Offline"}


class OfflineStatus(StrEnum):
    """The service's words for the state of an offline store."""

    ACTIVE = "Active"
    BLOCKED = "Blocked"
    DISABLED = "Disabled"


@dataclass(frozen=True)
class ListOptions:
    """Which groups are listed, how and in which order."""

    details: bool = option("Show record identifier, event time, TTL, size, root and table too.", default=False)
    name_contains: str | None = option("Only groups whose name contains this.", default=None, value="TEXT")
    status: GroupStatus | None = option("Only groups of this status.", default=None)
    offline_status: OfflineStatus | None = option("Only groups whose offline store has this status.", default=None)
    created_after: EventTime | None = option("Only groups made after this time.", default=None, value="TIME")
    created_before: EventTime | None = option("Only groups made before this time.", default=None, value="TIME")
    sort: Sort = option("Order of the list.", default=Sort.NAME)
    descending: bool = option("The order turned around.", default=False)
    stores: Stores | None = option("Only groups with this one store, or with both.", default=None)

    @property
    def query(self) -> GroupQuery:
        """What is asked of the store itself."""
        return GroupQuery(
            self.name_contains,
            self.status,
            self.offline_status and self.offline_status.value,
            self.created_after,
            self.created_before,
            _SERVICE_SORTS[self.sort],
            self.descending,
        )

    @property
    def narrows(self) -> bool:
        """Whether there may be groups that are not listed."""
        return self.stores is not None or self.query != GroupQuery(
            sort_by=_SERVICE_SORTS[self.sort], descending=self.descending
        )


class ListCommand(SfsCommand):
    """Answers with a line a feature group; a group's own description is asked for by several at once."""

    name = "list"
    description = "List the feature groups of a connection."
    declares = (ListOptions, OutputOptions)

    def answer(self) -> ExitCode:
        """Write the list, and a word if it is empty."""
        given, output = self.given(ListOptions), self.given(OutputOptions).output
        store = self.session.store(self.session.default_connection)
        groups = _described(store, store.groups(given.query))
        lines = (_line(group) for group in groups if given.stores in (None, _stores(group)))
        first = list(islice(lines, 1))
        if not first:
            text = (
                "no feature group in {place} is like that" if given.narrows else "there is no feature group in {place}"
            )
            self.session.console.note(say(text, place=store.place()))
        if first or output is not Output.TABLE:
            columns = COLUMNS + DETAILS if given.details else COLUMNS
            render(chain(first, lines), columns, output, self.stdout)
        return ExitCode.DONE


def _described(store: Store, names: Iterable[FeatureGroupName]) -> Iterator[FeatureGroup]:
    """Yield the groups of `names` in that order, but for those that have gone meanwhile."""

    def describe(name: str) -> FeatureGroup | None:
        try:
            return store.describe(name)
        except FeatureGroupNotFound:
            return None

    with ThreadPoolExecutor(_DESCRIBED_AT_ONCE) as pool:
        yield from (group for group in pool.map(describe, names) if group is not None)


def _stores(group: FeatureGroup) -> Stores:
    if group.online is not None and group.offline is not None:
        return Stores.BOTH
    return Stores.ONLINE if group.online is not None else Stores.OFFLINE


def _line(group: FeatureGroup) -> dict[str, Any]:
    online, offline = group.online, group.offline
    table = offline.table if offline else None
    return {
        "name": group.name,
        "stores": _SHOWN[_stores(group)],
        "storage_type": online and online.storage_type.value,
        "table_format": offline and offline.table_format.value,
        "status": group.status.value,
        "offline_status": offline and offline.status,
        "features": len(group.features),
        "created": group.created_at and group.created_at.iso(),
        "record_identifier": group.record_identifier,
        "event_time": group.event_time,
        "ttl": online and online.ttl and str(online.ttl),
        "online_bytes": group.online_bytes,
        "root": offline and offline.root,
        "table": table and f"{table.database}.{table.table}",
    }
