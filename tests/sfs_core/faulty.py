"""Sources, sinks and stores with faults, made for tests of the machinery that runs them."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sfs_core import Batch, Fact, Fate, Message, Remark, Session, StoreUnavailable, record_ids, say


@dataclass(frozen=True)
class Numbered:
    """Record ids `0`, `1`, ... in batches of so many."""

    count: int
    at_a_time: int = 10

    def describe(self) -> Message:
        return say("{count} numbers", count=self.count)

    def batches(self, session: Session) -> Iterator[Any]:
        for start in range(0, self.count, self.at_a_time):
            yield record_ids(str(number) for number in range(start, min(self.count, start + self.at_a_time)))


@dataclass(frozen=True)
class Listing:
    """A source that is asked again: each time it gives the next of `rounds`, and after the last nothing."""

    rounds: list[list[str]] = field(compare=False)

    def describe(self) -> Message:
        return say("what is listed")

    def batches(self, session: Session) -> Iterator[Any]:
        yield record_ids(self.rounds.pop(0) if self.rounds else [])


@dataclass(frozen=True)
class Taking:
    """A sink that keeps the ids it is given in `taken`, a list a batch; `fault` may turn a batch's fact into another.

    `doubted` are the numbers of batches that came in doubt.
    """

    taken: list[list[str]] = field(default_factory=list, compare=False)
    fault: Callable[[Batch], Fact | None] | None = field(default=None, compare=False)
    doubted: list[int] = field(default_factory=list, compare=False)

    def describe(self) -> Message:
        return say("take them")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        for batch in batches:
            self.doubted.extend([batch.number] if batch.in_doubt else [])
            fact = Fact.of(batch) if self.fault is None else self.fault(batch)
            self.taken.append(batch.records.column(0).to_pylist())
            if fact is not None:
                yield fact


def failing(*record_ids: str, fate: Fate = Fate.FAILED) -> Callable[[Batch], Fact]:
    """Return a fault by which these ids fail, or are skipped, and the others are done."""

    def fact(batch: Batch) -> Fact:
        rows = [row for row, one in enumerate(batch.records.column(0).to_pylist()) if one in record_ids]
        message = say("it would not have it")
        return Fact.of(batch, [Remark(row, fate, "Stubborn", message) for row in rows])

    return fact


def unavailable_at(number: int) -> Callable[[Batch], Fact]:
    """Return a fault by which the store goes away as it gets a batch."""

    def fact(batch: Batch) -> Fact:
        if batch.number == number:
            raise StoreUnavailable(store="memory", problem="it went away")
        return Fact.of(batch)

    return fact


def stopping_at(number: int, stop: threading.Event) -> Callable[[Batch], Fact]:
    """Return a fault by which the user asks to stop while a batch is worked on."""

    def fact(batch: Batch) -> Fact:
        if batch.number == number:
            stop.set()
        return Fact.of(batch)

    return fact


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: what a full disk looks like from within."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
