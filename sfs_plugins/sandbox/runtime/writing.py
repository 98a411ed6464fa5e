"""Putting records: whatever requests are waiting is put together, and each is answered once its records are on disk."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sfs_core import Batch, FeatureGroup, Put, SfsError, Value
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.runtime.lines import Kind, Line, columns
from sfs_plugins.sandbox.translation import of_error, of_remark
from sfs_plugins.sandbox.wire import Failure

_MAX_TOGETHER = 4_000
_GATHER_SECONDS = 0.002


@dataclass(slots=True)
class Submission:
    """The records of one request: `outcomes` gets a failure or None for each, in order."""

    lines: list[Line]
    done: Callable[[list[Failure | None]], None]
    outcomes: list[Failure | None] = field(default_factory=list)


@dataclass(slots=True)
class Together:
    """Records of one kind, of several requests, and where each one's outcome goes."""

    group: FeatureGroup
    values: list[Sequence[Value]] = field(default_factory=list)
    places: list[tuple[Submission, int]] = field(default_factory=list)


class Writer:
    """One thread that puts what has come in while it was busy: one commit for many requests."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def put(self, lines: list[Line]) -> list[Failure | None]:
        """Put records and return, once they are on disk, a failure or None for each."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Failure | None]] = loop.create_future()

        def settle(outcomes: list[Failure | None]) -> None:
            if not future.done():
                future.set_result(outcomes)

        def done(outcomes: list[Failure | None]) -> None:
            loop.call_soon_threadsafe(settle, outcomes)

        self._waiting.put(Submission(lines, done))
        return await future

    def close(self) -> None:
        """Put what is waiting, then end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        _warm_up()
        usual = 1
        while (first := self._waiting.get()) is not None:
            together = [first]
            ends = self._gather(together, usual)
            usual = len(together)
            self._put(together)
            if ends:
                return

    def _gather(self, together: list[Submission], usual: int) -> bool:
        """Take what else is waiting; where several clients write, give them a moment. Tell whether this is the end."""
        count, deadline = len(together[0].lines), time.monotonic() + _GATHER_SECONDS
        while count < _MAX_TOGETHER:
            wait = deadline - time.monotonic() if len(together) < usual else 0.0
            try:
                more = self._waiting.get(timeout=wait) if wait > 0 else self._waiting.get_nowait()
            except queue.Empty:
                return False
            if more is None:
                return True
            together.append(more)
            count += len(more.lines)
        return False

    def _put(self, submissions: list[Submission]) -> None:
        """Put the records of several requests, each kind in one batch, in the order they came."""
        kinds: dict[Kind, Together] = {}
        for submission in submissions:
            submission.outcomes = [None] * len(submission.lines)
            for place, (kind, group, values) in enumerate(submission.lines):
                together = kinds.get(kind)
                if together is None:
                    together = kinds[kind] = Together(group)
                together.values.append(values)
                together.places.append((submission, place))
        for kind, together in kinds.items():
            for row, failure in self._put_batch(kind, together):
                submission, place = together.places[row]
                submission.outcomes[place] = failure
        for submission in submissions:
            submission.done(submission.outcomes)

    def _put_batch(self, kind: Kind, together: Together) -> list[tuple[int, Failure]]:
        how = Put(targets=kind.targets, ttl=kind.ttl, max_workers=1)
        everyone = range(len(together.values))
        try:
            batch = Batch(0, columns(together.group, kind.names, together.values))
            facts = list(self._store.put(together.group, [batch], how))
        except SfsError as error:
            return [(row, of_error(error, together.group.name)) for row in everyone]
        except Exception as error:  # whatever it is, every request is answered and the thread lives on
            failure = Failure("InternalFailure", f"Internal server error: {type(error).__name__}: {error}", 500)
            return [(row, failure) for row in everyone]
        return [(remark.row, of_remark(remark)) for fact in facts for remark in fact.remarks]


def _warm_up() -> None:
    """Load what the first record would wait for: pyarrow's first array looks for pandas, too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pc.binary_length(pa.array(["a"], pa.string()))
