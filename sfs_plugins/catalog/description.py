"""A feature group written out: what `describe` answers and what a schema file holds are one shape.

    record_identifier: id
    event_time: at
    features:
      - {name: id, type: String}
      - {name: at, type: String}
      - {name: tags, type: "String:List"}
    online: {storage_type: Standard, ttl: 30d, kms_key_id: ...}
    offline: {s3_uri: "s3://bucket/prefix", table_format: Glue, disable_glue_table: false, kms_key_id: ...}
    throughput: {mode: Provisioned, read_units: 100, write_units: 50}
    role_arn: ...
    description: ...
    tags: {team: ml}

Only the first three are needed; `online: {}` is a Standard online store. A feature may be the text `id:String` too.
A description has more beside them: what the store says of a group that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sfs_core import FeatureGroup, GlueTable, NewFeatureGroup, OfflineStore, OnlineStore, Throughput

OBSERVED: Final = (
    "group",
    "connection",
    "name",
    "arn",
    "status",
    "failure_reason",
    "created",
    "last_modified",
    "last_update",
    "online_bytes",
)
"""What only a group that is there has; a schema file may hold it, and nothing is made of it."""
OBSERVED_OFFLINE: Final = ("resolved_uri", "root", "table", "status", "blocked_reason")
"""The same of an offline store."""


def description(group: FeatureGroup, tags: Mapping[str, str] | None) -> dict[str, Any]:
    """Return all that is known of a group as JSON values; None for what it has not, or for tags not known."""
    update = {"status": group.last_update_status, "failure_reason": group.last_update_failure}
    return {
        "group": group.address,
        "connection": group.connection,
        "name": group.name,
        "arn": group.arn or None,
        "status": group.status.value,
        "failure_reason": group.failure_reason,
        "created": group.created_at and group.created_at.iso(),
        "last_modified": group.last_modified_at and group.last_modified_at.iso(),
        "last_update": update if group.last_update_status else None,
        "online_bytes": group.online_bytes,
        "record_identifier": group.record_identifier,
        "event_time": group.event_time,
        "features": [{"name": feature.name, "type": feature.type_text} for feature in group.features],
        "online": _online(group.online),
        "offline": _offline(group.offline),
        "throughput": _throughput(group.throughput),
        "role_arn": group.role_arn,
        "description": group.description,
        "tags": None if tags is None else dict(tags),
    }


def definition(new: NewFeatureGroup) -> dict[str, Any]:
    """Return a definition as a schema file holds it, less what is not set."""
    whole = description(existing(new, ""), dict(new.tags))
    kept = {key: value for key, value in whole.items() if key not in OBSERVED and value}
    for store in ("online", "offline"):
        if whole[store] is not None:
            kept[store] = {k: v for k, v in whole[store].items() if k not in OBSERVED_OFFLINE and v is not None}
    kept["throughput"] = {key: value for key, value in whole["throughput"].items() if value is not None}
    return kept


def existing(new: NewFeatureGroup, connection: str) -> FeatureGroup:
    """Return the group that a definition makes, as far as it tells."""
    return FeatureGroup(
        connection=connection,
        name=new.name,
        record_identifier=new.record_identifier,
        event_time=new.event_time,
        features=new.features,
        online=new.online,
        offline=new.offline,
        description=new.description,
        role_arn=new.role_arn,
        throughput=new.throughput,
    )


def _online(store: OnlineStore | None) -> dict[str, Any] | None:
    if store is None:
        return None
    return {
        "storage_type": store.storage_type.value,
        "ttl": store.ttl and str(store.ttl),
        "kms_key_id": store.kms_key_id,
    }


def _offline(store: OfflineStore | None) -> dict[str, Any] | None:
    if store is None:
        return None
    return {
        "s3_uri": store.s3_uri,
        "table_format": store.table_format.value,
        "disable_glue_table": store.disable_glue_table,
        "kms_key_id": store.kms_key_id,
        "resolved_uri": store.resolved_uri,
        "root": store.root,
        "table": _table(store.table),
        "status": store.status,
        "blocked_reason": store.blocked_reason,
    }


def _table(table: GlueTable | None) -> dict[str, str] | None:
    return None if table is None else {"catalog": table.catalog, "database": table.database, "table": table.table}


def _throughput(throughput: Throughput) -> dict[str, Any]:
    return {
        "mode": throughput.mode.value,
        "read_units": throughput.read_units,
        "write_units": throughput.write_units,
    }
