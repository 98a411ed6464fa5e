"""GetRecord and BatchGetRecord."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from sfs_core import FeatureGroup, RecordId, SfsError, Value, rows_of
from sfs_plugins.sandbox.groups import FolderStore, Groups
from sfs_plugins.sandbox.translation import of_error, validation_error
from sfs_plugins.sandbox.wire import Failure

MAX_RECORDS = 100
Found = dict[str, tuple[list[dict[str, Any]], str | None]]


def get_record(store: FolderStore, groups: Groups, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the record of an id; without the member `Record` where there is none."""
    name, record_id = parameters["FeatureGroupName"], parameters["RecordIdentifierValueAsString"]
    try:
        found = _read(store, groups.usable(name).group, [record_id], parameters.get("FeatureNames"))
    except SfsError as error:
        raise of_error(error, name) from error
    if record_id not in found:
        return {}
    record, expires_at = found[record_id]
    answer: dict[str, Any] = {"Record": record}
    if expires_at is not None and parameters.get("ExpirationTimeResponse") == "Enabled":
        answer["ExpiresAt"] = expires_at
    return answer


def batch_get_record(
    store: FolderStore, groups: Groups, parameters: dict[str, Any], strike: Callable[[str], Failure | None]
) -> dict[str, Any]:
    """Return the records of ids of several groups, in no order that can be relied on."""
    identifiers = parameters["Identifiers"]
    total = sum(len(one["RecordIdentifiersValueAsString"]) for one in identifiers)
    if total > MAX_RECORDS:
        raise validation_error(f"{total} records are asked for, and a request may ask for {MAX_RECORDS}.")
    records: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    unprocessed: list[dict[str, Any]] = []
    with_expiry = parameters.get("ExpirationTimeResponse") == "Enabled"
    for one in identifiers:
        name, ids = one["FeatureGroupName"], one["RecordIdentifiersValueAsString"]
        struck = strike(f"{len(ids)} records of {name}")
        if struck is not None and struck.status >= 500:
            unprocessed.append(one)
            continue
        if struck is not None:
            errors += [_error(name, record_id, struck.code, struck.message) for record_id in ids]
            continue
        try:
            found = _read(store, groups.usable(name).group, ids, one.get("FeatureNames"))
        except SfsError as error:
            failure = of_error(error, name)
            if failure.status >= 500:
                raise failure from error
            errors += [_error(name, record_id, failure.code, failure.message) for record_id in ids]
            continue
        records += [
            _detail(name, one_id, found[one_id], with_expiry) for one_id in dict.fromkeys(ids) if one_id in found
        ]
    # the service keeps no order, and a client that relies on one should notice
    records.sort(key=lambda record: zlib.crc32(record["RecordIdentifierValueAsString"].encode()))
    return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": unprocessed}


def _detail(
    name: str, record_id: str, found: tuple[list[dict[str, Any]], str | None], with_expiry: bool
) -> dict[str, Any]:
    detail = {"FeatureGroupName": name, "RecordIdentifierValueAsString": record_id, "Record": found[0]}
    return {**detail, "ExpiresAt": found[1]} if with_expiry and found[1] is not None else detail


def _error(name: str, record_id: str, code: str, message: str) -> dict[str, Any]:
    told = {"ErrorCode": code, "ErrorMessage": message}
    return {"FeatureGroupName": name, "RecordIdentifierValueAsString": record_id, **told}


def _read(store: FolderStore, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None) -> Found:
    answer = store.read(group, ids, None if features is None else list(dict.fromkeys(features)))
    wanted = None if features is None else set(features)
    found: Found = {}
    for row, expires_at in zip(rows_of(answer.records), answer.expires_at.to_pylist(), strict=True):
        record = [_feature_value(name, value) for name, value in row.items() if wanted is None or name in wanted]
        found[str(row[group.record_identifier])] = (record, expires_at)
    return found


def _feature_value(name: str, value: Value) -> dict[str, Any]:
    member = "ValueAsStringList" if isinstance(value, list) else "ValueAsString"
    return {"FeatureName": name, member: value}
