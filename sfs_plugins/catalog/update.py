"""`sagemaker-fs update`: features added, time to live, throughput and storage type changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sfs_core import (
    BadOption,
    ExitCode,
    FeatureDefinition,
    FeatureGroup,
    GroupChange,
    Message,
    OptionsConflict,
    Refused,
    SfsCommand,
    StorageType,
    Throughput,
    ThroughputMode,
    TtlDuration,
    UsageError,
    argument,
    check_change,
    option,
    say,
    wait_until,
)


class UpdateFailed(Refused):
    """The store began to change a feature group and gave up."""

    sentence = "feature group {group!r} could not be changed ({change}): {reason}"


@dataclass(frozen=True)
class UpdateOptions:
    """What is changed; the service takes one kind of change at a time, so several are made one after another."""

    add_feature: tuple[str, ...] = option(
        "Feature to add, as name:Type, name:Type:List, :Set or :Vector(n); give it again for more. Cannot be undone.",
        default=(),
        value="NAME:TYPE",
    )
    ttl: TtlDuration | None = option("Time to live of records written from now on, as 30d.", default=None)
    no_ttl: bool = option("Remove the time to live; records written before keep theirs.", default=False)
    throughput: str | None = option(
        "OnDemand, or provisioned units a second as READ:WRITE.", default=None, value="READ:WRITE"
    )
    storage_type: StorageType | None = option("Standard to Standard_V2 only, and not back.", default=None)

    def changes(self) -> Iterator[GroupChange]:
        """Yield each kind of change that was asked for. Raises BadFeatureType, BadOption, OptionsConflict."""
        if self.ttl and self.no_ttl:
            raise OptionsConflict(first="--ttl", second="--no-ttl")
        if self.add_feature:
            yield GroupChange(add_features=tuple(map(FeatureDefinition.parse, self.add_feature)))
        if self.ttl or self.no_ttl:
            yield GroupChange(ttl=self.ttl, remove_ttl=self.no_ttl)
        if self.storage_type:
            yield GroupChange(storage_type=self.storage_type.value)
        if self.throughput:
            yield GroupChange(throughput=parse_throughput(self.throughput))


def parse_throughput(text: str) -> Throughput:
    """Return the throughput of `OnDemand` or `READ:WRITE`. Raises BadOption."""
    if text.lower().replace("-", "") == "ondemand":
        return Throughput()
    units = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text, re.ASCII)
    if units is None:
        expected = say("OnDemand, or read and write units as 100:50")
        raise BadOption(option="--throughput", value=text, expected=expected)
    return Throughput(ThroughputMode.PROVISIONED, int(units[1]), int(units[2]))


class UpdateCommand(SfsCommand):
    """Changes a feature group and waits until the store has done so."""

    name = "update"
    description = "Add features to a feature group, or change its time to live or throughput."
    arguments: ClassVar = [argument("group", "Feature group, as [CONNECTION:]NAME or ARN.")]
    declares = (UpdateOptions,)

    def answer(self) -> ExitCode:
        """Check every change, then make them in turn."""
        changes = list(self.given(UpdateOptions).changes())
        group = self.session.group(self.argument("group"))
        if not changes:
            problem = say(
                "nothing to change was given: give --add-feature, --ttl, --no-ttl, --throughput or --storage-type"
            )
            raise UsageError(problem=problem)
        for change in changes:
            check_change(group, change)
        self.session.console.note(self.session.where(group.connection, group.name))
        for change in changes:
            self._make(group, change)
        return ExitCode.DONE

    def _make(self, group: FeatureGroup, change: GroupChange) -> None:
        store, what = self.session.store_of(group), in_words(change)
        store.update(group.name, change)

        def look() -> FeatureGroup | None:
            now = store.describe(group.name)
            return None if now.last_update_status == "InProgress" else now

        changed = wait_until(look, self.session, say("changing {group}", group=group.address))
        if changed.last_update_status == "Failed":
            raise UpdateFailed(group=group.name, change=what, reason=changed.last_update_failure)
        self.session.console.note(say("changed {group}: {change}", group=group.address, change=what))


def in_words(change: GroupChange) -> Message:
    """Return a change as a short phrase."""
    if change.add_features:
        added = ", ".join(f"{feature.name}:{feature.type_text}" for feature in change.add_features)
        return say("features {added} added; records have no values of them until they are written again", added=added)
    if change.remove_ttl:
        return say("no time to live; records written before keep theirs")
    if change.ttl:
        return say("time to live {ttl}; records written before keep theirs", ttl=change.ttl)
    if change.throughput:
        text = (
            "throughput {mode}, {read} read and {write} write units"
            if change.throughput.read_units is not None
            else "throughput {mode}"
        )
        fields = {"read": change.throughput.read_units, "write": change.throughput.write_units}
        return say(text, mode=change.throughput.mode, **fields)
    return say("storage type {storage_type}", storage_type=change.storage_type)
