"""What the service lists page by page about feature groups: their names, and the tags of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sfs_core import FeatureGroup, FeatureGroupName, GroupQuery

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls


def names(calls: Calls, client: Any, connection: str, query: GroupQuery) -> Iterator[FeatureGroupName]:
    """Yield the names that a query asks for, filtered and sorted by the service. Source: API ListFeatureGroups."""
    asked: dict[str, Any] = {
        "NameContains": query.name_contains,
        "FeatureGroupStatusEquals": query.status and query.status.value,
        "OfflineStoreStatusEquals": query.offline_status,
        "CreationTimeAfter": query.created_after and query.created_after.moment(),
        "CreationTimeBefore": query.created_before and query.created_before.moment(),
        "SortBy": query.sort_by,
        "SortOrder": "Descending" if query.descending else "Ascending",
        "MaxResults": 100,
    }
    request = {key: value for key, value in asked.items() if value is not None}
    while True:
        answer = calls(client, "ListFeatureGroups", connection, **request)
        yield from (FeatureGroupName(entry["FeatureGroupName"]) for entry in answer["FeatureGroupSummaries"])
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def tags(calls: Calls, client: Any, group: FeatureGroup) -> Mapping[str, str]:
    """Return a group's tags. Source: API ListTags."""
    found: dict[str, str] = {}
    request: dict[str, Any] = {"ResourceArn": group.arn}
    while True:
        answer = calls(client, "ListTags", group.name, **request)
        found |= {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        if not answer.get("NextToken"):
            return found
        request["NextToken"] = answer["NextToken"]
