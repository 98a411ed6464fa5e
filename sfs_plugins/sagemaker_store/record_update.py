"""The request that changes single features of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfs_core import Put, RecordId
from sfs_plugins.sagemaker_store.definitions import ttl_json


def record_update(name: str, record_id: RecordId, features: Mapping[str, str | list[str]], how: Put) -> dict[str, Any]:
    """Return the request of UpdateRecord. Source: Feature Store Runtime API, UpdateRecord."""
    values = [
        {"FeatureName": feature, "ValueAsStringList" if isinstance(value, list) else "ValueAsString": value}
        for feature, value in features.items()
    ]
    request: dict[str, Any] = {"FeatureGroupName": name, "RecordIdentifierValueAsString": record_id}
    request |= {"Features": values}
    if how.targets is not None:
        request["TargetStores"] = [store.value for store in how.targets]
    if how.ttl is not None:
        request["TtlDuration"] = ttl_json(how.ttl)
    return request
