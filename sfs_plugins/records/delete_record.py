"""`sagemaker-fs delete-record`: one record, soft or hard; says when nothing was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    DELETE_AT,
    RECORD_ID,
    Batch,
    Delete,
    DeleteRecords,
    DeletionMode,
    EventTime,
    ExitCode,
    Fact,
    FeatureGroup,
    RecordId,
    SfsCommand,
    SfsError,
    StoreNotEnabled,
    Targets,
    TargetStore,
    argument,
    check_key,
    option,
    record_ids,
    say,
)
from sfs_plugins.records.instants import given_instant
from sfs_plugins.records.online_state import stored_event_time

if TYPE_CHECKING:
    import pyarrow as pa


class RecordNotDeleted(SfsError):
    """The record is still there."""

    sentence = (
        "record {record_id!r} of {group!r} was not deleted: its event time {held} is not earlier than {given}; "
        "leave --event-time out to delete it as it is now"
    )
    exit_code = ExitCode.RECORDS_FAILED


class DeletionRefused(SfsError):
    """The store did not take the deletion."""

    sentence = "record {record_id!r} of {group!r} was not deleted: {problem}"
    exit_code = ExitCode.RECORDS_FAILED


@dataclass(frozen=True)
class DeleteRecordOptions:
    """How a record is deleted."""

    hard: bool = option("Remove it and leave no trace online; without it the record is hidden.", default=False)
    event_time: str | None = option(
        "Event time of the deletion: now, ISO 8601 or Unix seconds; if not given, one later than the record's.",
        default=None,
        value="TIME",
    )
    assume_utc: bool = option("Take an event time without a zone as UTC.", default=False)
    to: Targets | None = option(
        "Stores to delete in: online, offline or online,offline; all if not given.", default=None, value="STORES"
    )
    unprotect: bool = option("Allow a protected connection to be changed.", default=False)


class DeleteRecordCommand(SfsCommand):
    """Deletes one record, by default as the service does: softly, with a delete marker in the offline store."""

    name = "delete-record"
    description = "Delete one record: soft, which hides it, or hard."
    arguments: ClassVar = [
        argument("group", "Feature group, as [CONNECTION:]NAME or ARN."),
        argument("id", "Record id."),
    ]
    declares = (DeleteRecordOptions,)

    def answer(self) -> ExitCode:
        """Delete the record. Raises RecordNotDeleted where its event time is not earlier than the one given."""
        given = self.given(DeleteRecordOptions)
        group, record_id = self.session.group(self.argument("group")), RecordId(self.argument("id"))
        self.session.check_protection(group.connection, unprotected=given.unprotect)
        targets = given.to.stores if given.to else group.stores
        for store in targets:
            if store not in group.stores:
                raise StoreNotEnabled(group=group.address, store=store)
        at = self._at(given)
        check_key(group, record_id, group.event_time_text(at or self.session.now()))
        self.session.console.note(self.session.where(group.connection, group.name))
        is_online = TargetStore.ONLINE in targets
        before = stored_event_time(self.session, group, record_id) if is_online else None
        how = Delete(_mode(given), targets, 1)
        self._delete(group, record_id, at, how, before)
        if is_online:
            self._look(group, record_id, at, before, how)
        return ExitCode.DONE

    def _at(self, given: DeleteRecordOptions) -> EventTime | None:
        if given.event_time is None:
            return None
        return given_instant(given.event_time, self.session, assume_utc=given.assume_utc)

    def _delete(
        self, group: FeatureGroup, record_id: RecordId, at: EventTime | None, how: Delete, before: EventTime | None
    ) -> None:
        for fact in self._facts(group, record_id, at, how):
            for remark in fact.remarks:
                if at is not None and before is not None and before >= at:
                    raise RecordNotDeleted(record_id=record_id, group=group.address, held=before, given=at)
                raise DeletionRefused(record_id=record_id, group=group.address, problem=remark.message)

    def _facts(self, group: FeatureGroup, record_id: RecordId, at: EventTime | None, how: Delete) -> Iterator[Fact]:
        if at is None:
            later = DeleteRecords(group, how.mode, self.session.now(), how.targets)
            return later.into(iter([Batch(0, record_ids([record_id]))]), self.session)
        deletion = _deletion(record_id, group.event_time_text(at))
        return self.session.store_of(group).delete_records(group, [Batch(0, deletion)], how)

    def _look(
        self, group: FeatureGroup, record_id: RecordId, at: EventTime | None, before: EventTime | None, how: Delete
    ) -> None:
        """Say what became of the record: a soft delete that came too early is acknowledged all the same."""
        after = stored_event_time(self.session, group, record_id)
        if at is not None and before is not None and before >= at:
            if TargetStore.OFFLINE in (how.targets or ()):
                self.session.console.note(say("a delete marker was added to the offline store all the same"))
            raise RecordNotDeleted(record_id=record_id, group=group.address, held=before, given=at)
        now = self.session.now()
        deleted_at = at or (now if before is None else max(now, before.plus(1)))
        if after is not None and after >= deleted_at:
            problem = say("it was written again meanwhile, with event time {held}", held=after)
            raise DeletionRefused(record_id=record_id, group=group.address, problem=problem)
        if before is None:
            self.session.console.note(say("there was no record {record_id!r} online", record_id=record_id))


def _mode(given: DeleteRecordOptions) -> DeletionMode:
    return DeletionMode.HARD if given.hard else DeletionMode.SOFT


def _deletion(record_id: RecordId, event_time: str) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array([record_id], pa.string()), pa.array([event_time], pa.string())]
    return pa.record_batch(columns, names=[RECORD_ID, DELETE_AT])
