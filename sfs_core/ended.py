"""What became of the batches of a run, folded as its journal is read: a few bytes a batch, however many there were."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Ended:
    """How a batch ended, or several of them, as the journal tells it."""

    records: int
    done: int
    skipped: Counter[str]
    failed: Counter[str]
    attempt: int = 1

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """Return what a line of the journal says."""
        skipped, failed = Counter(entry.get("skipped", {})), Counter(entry.get("failed", {}))
        return cls(entry["records"], entry["done"], skipped, failed, entry.get("attempt", 1))

    @classmethod
    def nothing(cls) -> Self:
        """Return what no batch is."""
        return cls(0, 0, Counter(), Counter())

    def add(self, other: Ended) -> None:
        """Count another batch as well."""
        self.records, self.done = self.records + other.records, self.done + other.done
        self.skipped.update(other.skipped)
        self.failed.update(other.failed)


@dataclass
class Batches:
    """The batches of one round of a step, by their numbers from 0.

    Of those that ended well only the sum is kept, and for each the attempt in which it did; such a one ends once. Of
    those with failed records the last attempt at each counts. `begun` are those that began and did not end, or are
    in doubt for their failures.
    """

    begun: set[int] = field(default_factory=set)
    _well: Ended = field(default_factory=Ended.nothing)
    _failed: dict[int, Ended] = field(default_factory=dict)
    # the attempt in which each batch ended, 0 for one that did not
    _attempts: array[int] = field(default_factory=lambda: array("I"))

    def begin(self, number: int) -> None:
        """Know that a batch began."""
        self.begun.add(number)

    def end(self, number: int, ended: Ended) -> None:
        """Know how a batch ended; an earlier attempt at it, which failed, counts no more."""
        self.begun.discard(number)
        self._failed.pop(number, None)
        if number >= len(self._attempts):
            self._attempts.extend(bytes(number + 1 - len(self._attempts)))
        self._attempts[number] = ended.attempt
        if ended.failed:
            self._failed[number] = ended
        else:
            self._well.add(ended)

    def attempt_of(self, number: int) -> int:
        """Return the attempt in which a batch ended last, 0 where it did not end or is in doubt."""
        return self._attempts[number] if number < len(self._attempts) else 0

    def doubt_failures(self) -> bool:
        """Take those with failed records for not ended, and tell whether there were any."""
        numbers = list(self._failed)
        for number in numbers:
            self._attempts[number] = 0
        self._failed.clear()
        self.begun.update(numbers)
        return bool(numbers)

    def total(self) -> Ended:
        """Return what became of all that ended."""
        total = Ended.nothing()
        for ended in (self._well, *self._failed.values()):
            total.add(ended)
        return total


def folded(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], Batches]:
    """Return the batches that the lines of a journal speak of, by step and round."""
    places: dict[tuple[int, int], Batches] = {}
    for entry in entries:
        if "begun" in entry:
            places.setdefault((entry["step"], entry["round"]), Batches()).begin(entry["batch"])
        elif "records" in entry:
            places.setdefault((entry["step"], entry["round"]), Batches()).end(entry["batch"], Ended.of(entry))
    return places
