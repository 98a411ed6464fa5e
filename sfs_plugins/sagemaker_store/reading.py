"""Reading the online store: BatchGetRecord and ListRecords, to Arrow batches of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    FeatureDefinition,
    FeatureGroup,
    OnlineRecords,
    RecordId,
    StoreUnavailable,
    record_ids,
    records_from,
    say,
)
from sfs_plugins.sagemaker_store.errors import PASSING, THROTTLES, is_absent_group, translated

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls

IDS_A_CALL: Final = 100
PAGE: Final = 100
ROUNDS: Final = 12
"""How often ids that came back unprocessed are sent again."""


def read(
    calls: Calls, client: Any, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[FeatureDefinition]
) -> OnlineRecords:
    """Return the records of `ids`, 100 a call; what comes back unprocessed is sent again with growing pauses."""
    import pyarrow as pa

    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ids), IDS_A_CALL):
        found |= _read(calls, client, group, list(dict.fromkeys(ids[start : start + IDS_A_CALL])), features)
    rows = [_values(record["Record"]) for record in found.values()]
    expiry = pa.array([record.get("ExpiresAt") for record in found.values()], pa.string())
    return OnlineRecords(records_from(features, rows), expiry)


def _read(
    calls: Calls, client: Any, group: FeatureGroup, ids: list[RecordId], features: Sequence[FeatureDefinition]
) -> dict[str, Mapping[str, Any]]:
    """Return what BatchGetRecord finds for up to 100 ids, by id: order is not kept."""
    found: dict[str, Mapping[str, Any]] = {}
    left = ids
    for attempt in range(1, ROUNDS + 1):
        answer = calls(client, "BatchGetRecord", group.name, fresh=True, **_request(group, left, features))
        for record in answer["Records"]:
            found[record["RecordIdentifierValueAsString"]] = record
        left = _left(calls, group, answer)
        if not left:
            return found
        calls.pause(attempt)
    problem = say("{count} records could not be read", count=len(left))
    raise StoreUnavailable(store="sagemaker", problem=problem)


def _request(group: FeatureGroup, ids: list[RecordId], features: Sequence[FeatureDefinition]) -> dict[str, Any]:
    entry = {"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": ids}
    # FeatureNames is left out where all are wanted: a group may have more features than a request may name
    if len(features) < len(group.features):
        entry["FeatureNames"] = [feature.name for feature in features]
    return {"Identifiers": [entry], "ExpirationTimeResponse": "Enabled"}


def _left(calls: Calls, group: FeatureGroup, answer: Mapping[str, Any]) -> list[RecordId]:
    """Return the ids to send again. Raises for an error that another try would not mend."""
    left = [one for entry in answer["UnprocessedIdentifiers"] for one in entry["RecordIdentifiersValueAsString"]]
    for error in answer["Errors"]:
        code, text = error["ErrorCode"], error.get("ErrorMessage", "")
        if code in THROTTLES:
            calls.throttled("BatchGetRecord")
        is_fresh = is_absent_group(code, text) and calls.is_there(group.name)
        if code not in THROTTLES | PASSING and not is_fresh:
            told = {"Error": {"Code": code, "Message": text}}
            raise translated(told, "sagemaker:BatchGetRecord", group.name, calls.connection, calls.who)
        left.append(error["RecordIdentifierValueAsString"])
    return left


def _values(record: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return feature name to text, or list of texts; a feature with neither is absent."""
    values = {}
    for value in record:
        if "ValueAsStringList" in value:
            values[value["FeatureName"]] = value["ValueAsStringList"]
        elif "ValueAsString" in value:
            values[value["FeatureName"]] = value["ValueAsString"]
    return values


def list_record_ids(calls: Calls, client: Any, group: FeatureGroup, *, soft_deleted: bool) -> Iterator[pa.RecordBatch]:
    """Yield pages of ids until there is no token: a page may be empty and not the last."""
    request: dict[str, Any] = {"FeatureGroupName": group.name, "MaxResults": PAGE}
    if soft_deleted:
        request["IncludeSoftDeletedRecords"] = True
    while True:
        answer = calls(client, "ListRecords", group.name, fresh=True, **request)
        if answer["RecordIdentifiers"]:
            yield record_ids(answer["RecordIdentifiers"])
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]
