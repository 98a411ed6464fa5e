"""Plans: what a run will do, as data that can be shown, compared and kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Self

from sfs_core.errors import BadOption
from sfs_core.event_time import EventTime
from sfs_core.messages import Message, say
from sfs_core.model import FeatureGroup
from sfs_core.ports import Sink, Source, Transform


class OnError(StrEnum):
    """What a record that fails does to the rest."""

    STOP = "stop"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class MaxErrors:
    """How many failed records end a run: a number, or a share of those tried (`percent`)."""

    count: int | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the bound that `100` or `0.5%` names."""
        expected = say("a number or a share, as 100 or 0.5%")
        try:
            bound = cls(percent=float(text[:-1])) if text.endswith("%") else cls(count=int(text))
        except ValueError as error:
            raise BadOption(option="--max-errors", value=text, expected=expected) from error
        # written so that `nan`, which compares with nothing, is refused too
        if not (bound.count or 0) >= 0 or not 0 <= (bound.percent or 0) <= 100:
            raise BadOption(option="--max-errors", value=text, expected=expected)
        return bound

    def exceeded(self, failed: int, tried: int) -> bool:
        """Tell whether so many failures are too many; a share is judged from 1,000 records on."""
        if self.count is not None:
            return failed > self.count
        return self.percent is not None and tried >= 1000 and failed * 100 > self.percent * tried


@dataclass(frozen=True, slots=True)
class Step:
    """One flow: `source`, through transforms, into a sink.

    The source is read once, through the transforms, into the spool, before anything is changed. With `until_empty`
    the source is asked again at run time, round after round, until it has nothing left. `destroys` counts towards
    the deletion cap. `after` is waited for before the step begins. `batch_records` is the unit of journal and retry.
    """

    source: Source
    into: Sink
    through: tuple[Transform, ...] = ()
    until_empty: bool = False
    destroys: bool = False
    after: timedelta = timedelta(0)
    batch_records: int = 1000

    def line(self) -> Message:
        """Return the step in one line."""
        line = self.source.describe()
        for described in (*(transform.describe() for transform in self.through), self.into.describe()):
            line = say("{before} -> {part}", before=line, part=described)
        if self.until_empty:
            line = say("list again: {step}, until nothing is left", step=line)
        if self.after:
            line = say("after {minutes:g} minutes, {step}", minutes=self.after.total_seconds() / 60, step=line)
        return line


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does, step by step; a failed step stops the next.

    `notes` are sentences that belong to the plan, such as what cannot be undone. `confirm` is the group whose name
    the user types first, None where nothing is destroyed. `changes` are the groups that no other run may change
    meanwhile. `max_delete` caps what destroying steps remove, records and objects each.
    """

    title: Message
    steps: tuple[Step, ...]
    notes: tuple[Message, ...] = ()
    confirm: FeatureGroup | None = None
    changes: tuple[FeatureGroup, ...] = ()
    on_error: OnError = OnError.STOP
    max_errors: MaxErrors | None = None
    max_delete: int | None = None

    def lines(self) -> list[str]:
        """Return the plan as text: the title, a numbered line a step, then the notes."""
        steps = [f"  {number}. {step.line()}" for number, step in enumerate(self.steps, 1)]
        return [str(self.title), *steps, *(f"  ! {note}" for note in self.notes)]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values; equal plans have equal JSON."""
        content = as_json(self)
        assert isinstance(content, dict)  # noqa: S101  (a dataclass always gives a dict)
        return content


def as_json(value: object) -> Any:
    """Return a plan's value as JSON: dataclasses by field, groups by what a plan depends on, times as ISO 8601."""
    if isinstance(value, FeatureGroup):
        return _group_json(value)
    if isinstance(value, EventTime):
        return value.iso()
    if isinstance(value, Message):
        return value.english()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value) if field.compare
        }
        return {"is": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _group_json(group: FeatureGroup) -> dict[str, Any]:
    """Return what a plan depends on of a group: not its size, its status or when it was last changed."""
    offline = group.offline
    return {
        "group": group.address,
        "record_identifier": group.record_identifier,
        "event_time": group.event_time,
        # a group of the same name made anew is another group
        "created_at": as_json(group.created_at),
        "features": [f"{feature.name}:{feature.type_text}" for feature in group.features],
        "online": None if group.online is None else as_json(group.online),
        "offline": None
        if offline is None
        else {
            "resolved_uri": offline.resolved_uri,
            "table_format": offline.table_format.value,
            "table": as_json(offline.table),
        },
    }
