"""Deleting records: one DeleteRecord each, with explicit stores and mode; there is no batch form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfs_core import (
    DELETE_AT,
    RECORD_ID,
    BadRequest,
    Batch,
    Delete,
    DeletionMode,
    EventTimeNotLater,
    Fact,
    FeatureGroup,
    Remark,
    SfsError,
    check,
)
from sfs_plugins.sagemaker_store.errors import OutcomeUnknown

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls


def delete(calls: Calls, client: Any, group: FeatureGroup, batch: Batch, how: Delete) -> Fact:
    """Delete each record of a batch at its own event time, in order; what would be refused is told at once."""
    keys = batch.records.select([RECORD_ID, DELETE_AT]).rename_columns([group.record_identifier, group.event_time])
    remarks = list(check(keys, group))
    bad = {remark.row for remark in remarks}
    ids, times = (column.to_pylist() for column in keys.columns)
    targets = [store.value for store in how.targets or group.stores]
    for row, (record_id, event_time) in enumerate(zip(ids, times, strict=True)):
        if row in bad:
            continue
        request = {"FeatureGroupName": group.name, "RecordIdentifierValueAsString": record_id, "EventTime": event_time}
        request |= {"TargetStores": targets, "DeletionMode": how.mode.value}
        try:
            calls(client, "DeleteRecord", group.name, fresh=True, **request)
        except (BadRequest, OutcomeUnknown) as error:
            remarks.append(Remark.failed(row, _told_apart(error, how, group, record_id, event_time)))
    return Fact.of(batch, sorted(remarks, key=lambda remark: remark.row))


def _told_apart(error: SfsError, how: Delete, group: FeatureGroup, record_id: str, event_time: str) -> SfsError:
    """Return EventTimeNotLater for a hard delete that is refused for its time: the answer names EventTime."""
    is_for_its_time = isinstance(error, BadRequest) and "eventtime" in str(error).lower().replace(" ", "")
    if how.mode is DeletionMode.HARD and is_for_its_time:
        return EventTimeNotLater(record_id=record_id, group=group.name, event_time=event_time)
    return error
