"""Feature groups between the service's JSON and ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sfs_core import (
    CollectionType,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureType,
    GlueTable,
    GroupChange,
    GroupStatus,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    StorageType,
    TableFormat,
    Throughput,
    ThroughputMode,
    TtlDuration,
    TtlUnit,
)


def group_from(connection: str, described: Mapping[str, Any]) -> FeatureGroup:
    """Return the group of a DescribeFeatureGroup answer; keys that are not modelled are left alone."""
    update = described.get("LastUpdateStatus") or {}
    return FeatureGroup(
        connection=connection,
        name=FeatureGroupName(described["FeatureGroupName"]),
        record_identifier=described["RecordIdentifierFeatureName"],
        event_time=described["EventTimeFeatureName"],
        features=tuple(feature_from(feature) for feature in described["FeatureDefinitions"]),
        online=_online_from(described.get("OnlineStoreConfig")),
        offline=_offline_from(described.get("OfflineStoreConfig"), described.get("OfflineStoreStatus") or {}),
        arn=described["FeatureGroupArn"],
        status=GroupStatus(described.get("FeatureGroupStatus", "Created")),
        failure_reason=described.get("FailureReason"),
        created_at=_instant(described.get("CreationTime")),
        last_modified_at=_instant(described.get("LastModifiedTime")),
        last_update_status=update.get("Status"),
        last_update_failure=update.get("FailureReason"),
        description=described.get("Description"),
        role_arn=described.get("RoleArn"),
        throughput=_throughput_from(described.get("ThroughputConfig")),
        online_bytes=described.get("OnlineStoreTotalSizeBytes"),
    )


def _instant(moment: datetime | None) -> EventTime | None:
    return None if moment is None else EventTime.of(moment)


def feature_from(feature: Mapping[str, Any]) -> FeatureDefinition:
    """Return one entry of FeatureDefinitions."""
    collection = feature.get("CollectionType")
    dimension = (feature.get("CollectionConfig") or {}).get("VectorConfig", {}).get("Dimension")
    kind = CollectionType(collection) if collection else None
    return FeatureDefinition(feature["FeatureName"], FeatureType(feature["FeatureType"]), kind, dimension)


def _online_from(config: Mapping[str, Any] | None) -> OnlineStore | None:
    # the structure may be there with the store off: its default is False (known ways to be wrong, line 45)
    if not config or not config.get("EnableOnlineStore"):
        return None
    ttl = config.get("TtlDuration") or {}
    return OnlineStore(
        StorageType(config.get("StorageType", "Standard")),
        TtlDuration(TtlUnit(ttl["Unit"]), ttl["Value"]) if ttl.get("Unit") else None,
        (config.get("SecurityConfig") or {}).get("KmsKeyId"),
    )


def _offline_from(config: Mapping[str, Any] | None, status: Mapping[str, Any]) -> OfflineStore | None:
    if not config:
        return None
    s3, catalog = config["S3StorageConfig"], config.get("DataCatalogConfig")
    table = GlueTable(catalog["Database"], catalog["TableName"], catalog["Catalog"]) if catalog else None
    iceberg = config.get("TableFormat") == TableFormat.ICEBERG
    return OfflineStore(
        s3_uri=s3["S3Uri"],
        resolved_uri=s3.get("ResolvedOutputS3Uri"),
        table_format=TableFormat.ICEBERG if iceberg else TableFormat.GLUE,
        table=table,
        disable_glue_table=bool(config.get("DisableGlueTableCreation")),
        kms_key_id=s3.get("KmsKeyId"),
        status=status.get("Status"),
        blocked_reason=status.get("BlockedReason"),
    )


def _throughput_from(config: Mapping[str, Any] | None) -> Throughput:
    if not config:
        return Throughput()
    units = config.get("ProvisionedReadCapacityUnits"), config.get("ProvisionedWriteCapacityUnits")
    return Throughput(ThroughputMode(config["ThroughputMode"]), *units)


def create_request(new: NewFeatureGroup) -> dict[str, Any]:
    """Return the request of CreateFeatureGroup."""
    request: dict[str, Any] = {
        "FeatureGroupName": new.name,
        "RecordIdentifierFeatureName": new.record_identifier,
        "EventTimeFeatureName": new.event_time,
        "FeatureDefinitions": [feature_json(feature) for feature in new.features],
    }
    if new.online is not None:
        request["OnlineStoreConfig"] = _online_json(new.online)
    if new.offline is not None:
        request["OfflineStoreConfig"] = _offline_json(new.offline)
    if new.throughput.mode is ThroughputMode.PROVISIONED:
        request["ThroughputConfig"] = throughput_json(new.throughput)
    optional: dict[str, Any] = {"RoleArn": new.role_arn, "Description": new.description}
    optional["Tags"] = [{"Key": key, "Value": value} for key, value in new.tags] or None
    return request | {key: value for key, value in optional.items() if value is not None}


def feature_json(feature: FeatureDefinition) -> dict[str, Any]:
    """Return one entry of FeatureDefinitions."""
    entry: dict[str, Any] = {"FeatureName": feature.name, "FeatureType": feature.type.value}
    if feature.collection is not None:
        entry["CollectionType"] = feature.collection.value
    if feature.dimension is not None:
        entry["CollectionConfig"] = {"VectorConfig": {"Dimension": feature.dimension}}
    return entry


def _online_json(online: OnlineStore) -> dict[str, Any]:
    config: dict[str, Any] = {"EnableOnlineStore": True, "StorageType": online.storage_type.value}
    if online.ttl is not None:
        config["TtlDuration"] = ttl_json(online.ttl)
    if online.kms_key_id:
        config["SecurityConfig"] = {"KmsKeyId": online.kms_key_id}
    return config


def _offline_json(offline: OfflineStore) -> dict[str, Any]:
    s3 = {"S3Uri": offline.s3_uri} | ({"KmsKeyId": offline.kms_key_id} if offline.kms_key_id else {})
    config: dict[str, Any] = {"S3StorageConfig": s3, "TableFormat": offline.table_format.value}
    if offline.disable_glue_table:
        config["DisableGlueTableCreation"] = True
    if offline.table is not None:
        table = offline.table
        config["DataCatalogConfig"] = {"TableName": table.table, "Catalog": table.catalog, "Database": table.database}
    return config


def ttl_json(ttl: TtlDuration) -> dict[str, Any]:
    """Return a TtlDuration."""
    return {"Unit": ttl.unit.value, "Value": ttl.value}


def throughput_json(throughput: Throughput) -> dict[str, Any]:
    """Return a ThroughputConfig, in the wire's own spelling."""
    units = {
        "ProvisionedReadCapacityUnits": throughput.read_units,
        "ProvisionedWriteCapacityUnits": throughput.write_units,
    }
    return {"ThroughputMode": throughput.mode.value} | {key: unit for key, unit in units.items() if unit is not None}


def update_request(name: str, change: GroupChange) -> dict[str, Any]:
    """Return the request of UpdateFeatureGroup: one kind of change."""
    request: dict[str, Any] = {"FeatureGroupName": name}
    if change.add_features:
        request["FeatureAdditions"] = [feature_json(feature) for feature in change.add_features]
    elif change.throughput is not None:
        request["ThroughputConfig"] = throughput_json(change.throughput)
    elif change.storage_type is not None:
        request["OnlineStoreConfig"] = {"StorageType": change.storage_type}
    else:
        # boto3 refuses nulls; an empty structure is how a time to live is taken away (known ways to be wrong, line 25)
        request["OnlineStoreConfig"] = {"TtlDuration": ttl_json(change.ttl) if change.ttl else {}}
    return request
