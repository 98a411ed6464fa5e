"""Feature groups on the wire: from CreateFeatureGroup's request, and to DescribeFeatureGroup's answer."""

from __future__ import annotations

import re
from typing import Any

from sfs_core import (
    CollectionType,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureType,
    GlueTable,
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
from sfs_plugins.sandbox.control.failures import NEITHER_STORE, invalid
from sfs_plugins.sandbox.json_service import present, wire_time

_CATALOG_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_MAX_TABLE = 252


def new_group(given: dict[str, Any]) -> NewFeatureGroup:
    """Return what a request asks to be made. Raises Failure for what the models leave open."""
    online, offline = _online(given.get("OnlineStoreConfig")), _offline(given.get("OfflineStoreConfig"))
    if online is None and offline is None:
        raise invalid(NEITHER_STORE)
    if offline is not None and not given.get("RoleArn"):
        raise invalid("RoleArn is required when OfflineStoreConfig is given.")
    tags = tuple((tag["Key"], tag["Value"]) for tag in given.get("Tags") or ())
    if len(dict(tags)) != len(tags):
        raise invalid("a tag key is given more than once.")
    return NewFeatureGroup(
        name=FeatureGroupName(given["FeatureGroupName"]),
        record_identifier=given["RecordIdentifierFeatureName"],
        event_time=given["EventTimeFeatureName"],
        features=tuple(definition(feature) for feature in given["FeatureDefinitions"]),
        online=online,
        offline=offline,
        role_arn=given.get("RoleArn"),
        throughput=throughput(given.get("ThroughputConfig") or {}),
        description=given.get("Description"),
        tags=tags,
    )


def definition(given: dict[str, Any]) -> FeatureDefinition:
    """Return a feature's definition."""
    collection = given.get("CollectionType")
    vector = (given.get("CollectionConfig") or {}).get("VectorConfig")
    if (vector is not None) != (collection == "Vector"):
        raise invalid(
            f"CollectionConfig of feature [{given['FeatureName']}] must be given for a Vector, and only then."
        )
    return FeatureDefinition(
        given["FeatureName"],
        FeatureType(given["FeatureType"]),
        None if collection is None else CollectionType(collection),
        None if vector is None else vector["Dimension"],
    )


def ttl(given: dict[str, Any] | None) -> TtlDuration | None:
    """Return a time to live; None where neither unit nor value is given. Raises Failure for one without the other."""
    unit, value = (given or {}).get("Unit"), (given or {}).get("Value")
    if (unit is None) != (value is None):
        raise invalid("TtlDuration needs both Unit and Value.")
    return None if unit is None or value is None else TtlDuration(TtlUnit(unit), value)


def throughput(given: dict[str, Any]) -> Throughput:
    """Return how capacity is bought; on demand where nothing is said."""
    units = (given.get("ProvisionedReadCapacityUnits"), given.get("ProvisionedWriteCapacityUnits"))
    mode = ThroughputMode(given.get("ThroughputMode") or ThroughputMode.ON_DEMAND)
    if mode is ThroughputMode.ON_DEMAND and units != (None, None):
        raise invalid("capacity units are given with ThroughputMode Provisioned only.")
    return Throughput(mode, *units)


def _online(given: dict[str, Any] | None) -> OnlineStore | None:
    if not (given or {}).get("EnableOnlineStore"):
        return None
    config = given or {}
    storage = StorageType(config.get("StorageType") or StorageType.STANDARD)
    return OnlineStore(storage, ttl(config.get("TtlDuration")), (config.get("SecurityConfig") or {}).get("KmsKeyId"))


def _offline(given: dict[str, Any] | None) -> OfflineStore | None:
    if given is None:
        return None
    storage, catalog = given["S3StorageConfig"], given.get("DataCatalogConfig")
    table_format = given.get("TableFormat")
    return OfflineStore(
        s3_uri=storage["S3Uri"],
        table_format=TableFormat.ICEBERG if table_format == "Iceberg" else TableFormat.GLUE,
        table=None if catalog is None else _table(catalog),
        disable_glue_table=bool(given.get("DisableGlueTableCreation")),
        kms_key_id=storage.get("KmsKeyId"),
    )


def _table(catalog: dict[str, Any]) -> GlueTable:
    if catalog["Catalog"].lower() != "awsdatacatalog":
        raise invalid("Catalog must be AwsDataCatalog.")
    for name in (catalog["TableName"], catalog["Database"]):
        if not _CATALOG_NAME.fullmatch(name):
            raise invalid(f"{name} is not a table or database name: lower-case letters, digits and underscores.")
    if len(catalog["TableName"]) > _MAX_TABLE:
        raise invalid(f"TableName may have {_MAX_TABLE} characters.")
    return GlueTable(catalog["Database"], catalog["TableName"], "AwsDataCatalog")


def described(group: FeatureGroup) -> dict[str, Any]:
    """Return DescribeFeatureGroup's answer: one page, so no token."""
    offline = group.offline
    return present(
        FeatureGroupArn=group.arn,
        FeatureGroupName=group.name,
        RecordIdentifierFeatureName=group.record_identifier,
        EventTimeFeatureName=group.event_time,
        FeatureDefinitions=[feature_on_wire(feature) for feature in group.features],
        CreationTime=wire_time(group.created_at),
        LastModifiedTime=wire_time(group.last_modified_at),
        OnlineStoreConfig=None if group.online is None else _online_on_wire(group.online),
        OfflineStoreConfig=None if offline is None else _offline_on_wire(offline),
        ThroughputConfig=_throughput_on_wire(group.throughput),
        RoleArn=group.role_arn,
        FeatureGroupStatus=group.status.value,
        OfflineStoreStatus=None
        if offline is None
        else present(Status=offline.status, BlockedReason=offline.blocked_reason),
        LastUpdateStatus=None
        if group.last_update_status is None
        else present(Status=group.last_update_status, FailureReason=group.last_update_failure),
        FailureReason=group.failure_reason,
        Description=group.description,
        OnlineStoreTotalSizeBytes=group.online_bytes,
    )


def feature_on_wire(feature: FeatureDefinition) -> dict[str, Any]:
    """Return a feature's definition as it goes over the wire."""
    config = None if feature.dimension is None else {"VectorConfig": {"Dimension": feature.dimension}}
    return present(
        FeatureName=feature.name,
        FeatureType=feature.type.value,
        CollectionType=feature.collection and feature.collection.value,
        CollectionConfig=config,
    )


def _online_on_wire(online: OnlineStore) -> dict[str, Any]:
    return present(
        EnableOnlineStore=True,
        # the service leaves out the default
        StorageType=None if online.storage_type is StorageType.STANDARD else online.storage_type.value,
        TtlDuration=online.ttl and {"Unit": online.ttl.unit.value, "Value": online.ttl.value},
        SecurityConfig=online.kms_key_id and {"KmsKeyId": online.kms_key_id},
    )


def _offline_on_wire(offline: OfflineStore) -> dict[str, Any]:
    storage = present(S3Uri=offline.s3_uri, KmsKeyId=offline.kms_key_id, ResolvedOutputS3Uri=offline.resolved_uri)
    table = offline.table
    catalog = table and {"TableName": table.table, "Catalog": table.catalog, "Database": table.database}
    return present(
        S3StorageConfig=storage,
        DisableGlueTableCreation=offline.disable_glue_table,
        DataCatalogConfig=catalog,
        TableFormat=offline.table_format.value,
    )


def _throughput_on_wire(bought: Throughput) -> dict[str, Any]:
    return present(
        ThroughputMode=bought.mode.value,
        ProvisionedReadCapacityUnits=bought.read_units,
        ProvisionedWriteCapacityUnits=bought.write_units,
    )
