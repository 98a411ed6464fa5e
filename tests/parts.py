"""Small plugins for tests, made in place instead of installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

from sfs_core import (
    Batch,
    ExitCode,
    Fact,
    FeatureGroup,
    Given,
    Message,
    Plan,
    PlanCommand,
    Session,
    SfsCommand,
    Step,
    hookimpl,
    record_ids,
    say,
)


def plugin(**hooks: object) -> object:
    """Return a plugin whose hooks give these parts: `plugin(sfs_commands=[MyCommand])`."""
    return SimpleNamespace(**{name: hookimpl(_giving(parts)) for name, parts in hooks.items()})


def _giving(parts: object) -> Callable[[], object]:
    def hook() -> object:
        return parts

    return hook


def command(name: str, answer: Callable[[SfsCommand], object] = lambda command: None) -> type[SfsCommand]:
    """Return a command that does what `answer` does; it ends with what that returns, or with 0."""
    body: dict[str, Any] = {
        "name": name,
        "description": f"A command for tests, {name}.",
        "answer": lambda self: answer(self) or ExitCode.DONE,
    }
    return type("TestCommand", (SfsCommand,), body)


def source(name: str) -> type[Any]:
    """Return a record-id source of that name."""

    @dataclass(frozen=True)
    class SomeRecordIds:
        """Two record ids."""

        name: ClassVar[str]
        group: FeatureGroup

        def describe(self) -> Message:
            return say("two record ids")

        def batches(self, session: Session) -> Iterator[Any]:
            yield record_ids(["r1", "r2"])

    SomeRecordIds.name = name
    return SomeRecordIds


@dataclass(frozen=True)
class Drop:
    """A sink that does nothing with what it is given."""

    def describe(self) -> Message:
        return say("drop them")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        for batch in batches:
            yield Fact.of(batch)


class DropCommand(PlanCommand):
    """Drops two record ids: a plan of one step that needs no store."""

    name = "drop"
    description = "Drop two record ids."

    def plan(self) -> Plan:
        ids = Given(say("record ids at hand"), record_ids(["r1", "r2"]))
        return Plan(say("Drop record ids"), (Step(ids, Drop()),), notes=(say("nothing comes back"),))
