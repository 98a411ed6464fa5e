"""UpdateRecord and DeleteRecord: one record at a time."""

from __future__ import annotations

from typing import Any

from sfs_core import (
    DELETE_AT,
    RECORD_ID,
    BadRequest,
    Batch,
    Delete,
    DeletionMode,
    FeatureGroup,
    Put,
    SfsError,
    StorageType,
    Value,
)
from sfs_plugins.sandbox.groups import Described, FolderStore, Groups
from sfs_plugins.sandbox.runtime.lines import targets_of, ttl_of, value_of
from sfs_plugins.sandbox.translation import of_error, of_remark, validation_error
from sfs_plugins.sandbox.wire import Failure

MAX_UPDATED_FEATURES = 100


def delete_record(store: FolderStore, groups: Groups, parameters: dict[str, Any]) -> None:
    """Delete one record; a soft delete whose event time is not later changes nothing online, and says so nowhere."""
    import pyarrow as pa

    name = parameters["FeatureGroupName"]
    deletion = {RECORD_ID: [parameters["RecordIdentifierValueAsString"]], DELETE_AT: [parameters["EventTime"]]}
    records = pa.record_batch({column: pa.array(texts, pa.string()) for column, texts in deletion.items()})
    mode = DeletionMode(parameters.get("DeletionMode") or DeletionMode.SOFT)
    try:
        group = groups.usable(name).group
        facts = list(store.delete_records(group, [Batch(0, records)], Delete(mode, targets_of(parameters), 1)))
    except SfsError as error:
        raise of_error(error, name) from error
    for fact in facts:
        for remark in fact.remarks:
            raise of_remark(remark)


def update_record(store: FolderStore, groups: Groups, parameters: dict[str, Any]) -> None:
    """Change single features of a record; the event time, if it changes, is one of them."""
    name = parameters["FeatureGroupName"]
    try:
        described = groups.usable(name)
        features = _features(described, parameters)
        how = Put(targets_of(parameters), ttl_of(parameters), 1)
        store.update_record(described.group, parameters["RecordIdentifierValueAsString"], features, how)
    except BadRequest as error:
        # everything else that is refused so was looked for before
        message = "Conflict: the EventTime given is older than the EventTime of the stored record."
        raise Failure("ConflictException", message, 409) from error
    except SfsError as error:
        raise of_error(error, name) from error


def _features(described: Described, parameters: dict[str, Any]) -> dict[str, Value]:
    group, features = described.group, parameters["Features"]
    _check_can_update(group)
    names = [value["FeatureName"] for value in features]
    if len(names) > MAX_UPDATED_FEATURES:
        raise validation_error(
            f"a request may change {MAX_UPDATED_FEATURES} features, and this one names {len(names)}."
        )
    if len(set(names)) != len(names):
        raise validation_error("a FeatureName is given more than once in Features.")
    for name in names:
        if name not in described.names:
            raise validation_error(f"FeatureGroup {group.name} has no feature named [{name}].")
    if group.record_identifier in names:
        raise validation_error("the record identifier of a record cannot be changed.")
    values = {value["FeatureName"]: value_of(value) for value in features}
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise validation_error("Features has a value for none of its names.")
    if parameters.get("TtlDuration") is not None and group.event_time not in given:
        raise validation_error("TtlDuration needs the event time feature among Features.")
    return given


def _check_can_update(group: FeatureGroup) -> None:
    if group.online is None or group.online.storage_type is StorageType.STANDARD:
        raise validation_error("UpdateRecord needs an online store with StorageType Standard_V2 or InMemory.")
