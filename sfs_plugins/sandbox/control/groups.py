"""CreateFeatureGroup, DescribeFeatureGroup, ListFeatureGroups, UpdateFeatureGroup, DeleteFeatureGroup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sfs_core import FeatureGroup, GroupChange, GroupQuery, GroupStatus, TableFormat
from sfs_plugins.sandbox.control.definitions import definition, described, new_group, throughput, ttl
from sfs_plugins.sandbox.control.failures import invalid, told
from sfs_plugins.sandbox.groups import FolderStore, Groups
from sfs_plugins.sandbox.json_service import instant_of, present, wire_time
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

MAX_CREATING = 4
_DEFAULT_RESULTS = 10


class Catalog(Protocol):
    """What of the Glue catalogue the control plane needs to know."""

    def has_table(self, database: str, table: str) -> bool:
        """Tell whether a table is catalogued."""
        ...

    def keep_table_of(self, group: FeatureGroup) -> None:
        """Keep a group's table, which outlives the group."""
        ...


class GroupOperations:
    """The operations on feature groups as a whole. `on_deleted` is told of each one that goes."""

    def __init__(
        self, store: FolderStore, groups: Groups, tokens: Tokens, has_bucket: Callable[[str], bool], catalog: Catalog
    ) -> None:
        self._store, self._groups, self._tokens = store, groups, tokens
        self._has_bucket, self._catalog = has_bucket, catalog

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateFeatureGroup."""
        new = new_group(given)
        self._check_place(given)
        creating = sum(1 for _ in self._store.groups(GroupQuery(status=GroupStatus.CREATING)))
        if creating >= MAX_CREATING:
            raise Failure("ResourceLimitExceeded", _too_many(creating))
        with told(new.name):
            self._store.create(new)
            self._groups.forget()
            return {"FeatureGroupArn": self._store.describe(new.name).arn}

    def _check_place(self, given: dict[str, Any]) -> None:
        offline = given.get("OfflineStoreConfig")
        if offline is None:
            return
        bucket = offline["S3StorageConfig"]["S3Uri"].partition("://")[2].partition("/")[0]
        if not self._has_bucket(bucket):
            raise invalid(f"Invalid S3Uri provided: there is no bucket {bucket}.")
        table, format = offline.get("DataCatalogConfig"), offline.get("TableFormat")
        if format == TableFormat.ICEBERG and offline.get("DisableGlueTableCreation"):
            raise invalid("DisableGlueTableCreation cannot be true with TableFormat Iceberg.")
        is_made = table is not None and not offline.get("DisableGlueTableCreation")
        if table is not None and is_made and self._catalog.has_table(table["Database"], table["TableName"]):
            raise invalid(f"Table {table['Database']}.{table['TableName']} already exists.")

    def describe(self, given: dict[str, Any]) -> dict[str, Any]:
        """DescribeFeatureGroup."""
        name = given["FeatureGroupName"]
        with told(name):
            return described(self._store.describe(name))

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListFeatureGroups."""
        status = given.get("FeatureGroupStatusEquals")
        query = GroupQuery(
            name_contains=given.get("NameContains"),
            status=None if status is None else GroupStatus(status),
            offline_status=given.get("OfflineStoreStatusEquals"),
            created_after=instant_of(given.get("CreationTimeAfter")),
            created_before=instant_of(given.get("CreationTimeBefore")),
            sort_by=given.get("SortBy") or "CreationTime",
            descending=(given.get("SortOrder") or "Descending") == "Descending",
        )
        names, count = list(self._store.groups(query)), given.get("MaxResults") or _DEFAULT_RESULTS
        start = self.start_of(f"groups {query}", given.get("NextToken"), names)
        shown = names[start : start + count]
        token = None
        if start + count < len(names):
            token = self._tokens.make(f"groups {query}", [start + count, shown[-1]])
        summaries = [summary for name in shown if (summary := self._summary(name)) is not None]
        return present(FeatureGroupSummaries=summaries, NextToken=token)

    def start_of(self, about: str, token: str | None, names: Sequence[str]) -> int:
        """Return where a page begins: after the name the last one ended with, if it is still there."""
        if token is None:
            return 0
        try:
            place, last = self._tokens.read(about, token)
        except BadToken as error:
            raise invalid("NextToken is not valid.") from error
        return names.index(last) + 1 if last in names else min(int(place), len(names))

    def _summary(self, name: str) -> dict[str, Any] | None:
        try:
            with told(name):
                group = self._store.describe(name)
        except Failure:
            return None
        return present(
            FeatureGroupName=group.name,
            FeatureGroupArn=group.arn,
            CreationTime=wire_time(group.created_at),
            FeatureGroupStatus=group.status.value,
            OfflineStoreStatus=None if group.offline is None else {"Status": group.offline.status},
        )

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFeatureGroup: one kind of change a call."""
        name = given["FeatureGroupName"]
        change = _change(given)
        with told(name):
            self._store.update(name, change)
            self._groups.forget()
            return {"FeatureGroupArn": self._store.describe(name).arn}

    def delete(self, given: dict[str, Any]) -> None:
        """DeleteFeatureGroup: its objects and its table stay."""
        name = given["FeatureGroupName"]
        with told(name):
            group = self._store.describe(name)
            self._catalog.keep_table_of(group)
            self._store.delete(name)
        self._groups.forget()


def _change(given: dict[str, Any]) -> GroupChange:
    kinds = [
        kind for kind in ("FeatureAdditions", "OnlineStoreConfig", "ThroughputConfig") if given.get(kind) is not None
    ]
    if len(kinds) != 1:
        raise invalid("exactly one of FeatureAdditions, OnlineStoreConfig and ThroughputConfig must be given.")
    if kinds == ["FeatureAdditions"]:
        return GroupChange(add_features=tuple(definition(feature) for feature in given["FeatureAdditions"]))
    if kinds == ["ThroughputConfig"]:
        return GroupChange(throughput=throughput(given["ThroughputConfig"]))
    config = given["OnlineStoreConfig"]
    if (config.get("TtlDuration") is None) == (config.get("StorageType") is None):
        raise invalid("OnlineStoreConfig must hold either TtlDuration or StorageType.")
    if config.get("StorageType") is not None:
        return GroupChange(storage_type=config["StorageType"])
    duration = ttl(config["TtlDuration"])
    return GroupChange(ttl=duration, remove_ttl=duration is None)


def _too_many(creating: int) -> str:
    return (
        "The account-level service limit 'Maximum number of feature group creation workflows executing in parallel' is "
        f"{MAX_CREATING} FeatureGroups, with current utilization of {creating} FeatureGroups and a request delta of "
        "1 FeatureGroups. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas "
        "is not available, contact AWS support to request an increase for this quota."
    )
