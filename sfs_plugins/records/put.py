"""`sagemaker-fs put`: one record, checked before it is written, and looked up afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sfs_core import (
    BadDefinition,
    Batch,
    ExitCode,
    FeatureGroup,
    OptionsConflict,
    Put,
    SfsCommand,
    SfsError,
    StoreNotEnabled,
    Targets,
    TtlDuration,
    Value,
    argument,
    check_record,
    option,
    records_from,
    say,
)
from sfs_plugins.records.instants import given_instant, stored_text
from sfs_plugins.records.online_state import watched
from sfs_plugins.records.values import need_something, parse_assignments, parse_json_record


class RecordNotPut(SfsError):
    """The store did not say that it took the record."""

    sentence = "the store did not acknowledge the record: {problem}"
    exit_code = ExitCode.RECORDS_FAILED


@dataclass(frozen=True)
class PutOptions:
    """The record, and how it is put."""

    record: str | None = option(
        "The record as a JSON object; - reads it from standard input.", default=None, value="JSON"
    )
    event_time: str | None = option(
        "Event time of the record: now, ISO 8601 or Unix seconds.", default=None, value="TIME"
    )
    assume_utc: bool = option("Take event times without a zone as UTC.", default=False)
    ttl: TtlDuration | None = option("Time to live, counted from the event time, as 30d.", default=None)
    to: Targets | None = option(
        "Stores to write to: online, offline or online,offline; all if not given.", default=None, value="STORES"
    )


class PutCommand(SfsCommand):
    """Puts one record, which replaces the whole record online if its event time is strictly later."""

    name = "put"
    description = "Put one record; it replaces the whole record of its id if its event time is later."
    arguments: ClassVar = [
        argument("group", "Feature group, as [CONNECTION:]NAME or ARN."),
        argument("values", "Values as name=value; a collection's as name=[...].", optional=True, multiple=True),
    ]
    declares = (PutOptions,)

    def answer(self) -> ExitCode:
        """Check the record, put it, and say if it does not show."""
        given = self.given(PutOptions)
        group = self.session.group(self.argument("group"))
        record = self._record(group, given)
        targets = given.to.stores if given.to else group.stores
        for store in targets:
            if store not in group.stores:
                raise StoreNotEnabled(group=group.address, store=store)
        if given.ttl and group.online is None:
            raise BadDefinition(name=group.name, problem=say("a time to live needs an online store"))
        check_record(group, record)
        self.session.console.note(self.session.where(group.connection, group.name))
        with watched(self.session, group, record, targets, given.ttl):
            self._put(group, record, Put(targets if given.to else None, given.ttl, 1))
        return ExitCode.DONE

    def _record(self, group: FeatureGroup, given: PutOptions) -> dict[str, Value]:
        values = self.argument("values")
        if values and given.record:
            raise OptionsConflict(first="name=value", second="--record")
        if given.record:
            text = self.environment.stdin.read() if given.record == "-" else given.record
            record = parse_json_record(text, group)
        else:
            record = parse_assignments(values, group)
        need_something(record)
        at = record.get(group.event_time)
        if given.event_time is not None:
            if at is not None:
                raise OptionsConflict(first="--event-time", second=f"{group.event_time}={at}")
            instant = given_instant(given.event_time, self.session, assume_utc=given.assume_utc)
            record[group.event_time] = group.event_time_text(instant)
        elif isinstance(at, str) and at:
            record[group.event_time] = stored_text(at, group, assume_utc=given.assume_utc)
        return record

    def _put(self, group: FeatureGroup, record: dict[str, Value], how: Put) -> None:
        batch = Batch(0, records_from(group.features, [record]))
        for fact in self.session.store_of(group).put(group, [batch], how):
            for remark in fact.remarks:
                raise RecordNotPut(problem=remark.message)
