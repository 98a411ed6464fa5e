"""A session on the memory store, for tests that plan and run without a command line."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

from sfs_core import (
    Connection,
    Connections,
    Console,
    Journal,
    Plan,
    Report,
    Run,
    Session,
    SetClock,
    record_ids,
    run,
    say,
    spooled,
)
from sfs_core import Given as GivenSource
from sfs_core.testing import NOON, MemoryState, MemoryStore


class MemorySession(Session):
    """A session whose one connection is `memory`; `said` is what went to stderr."""

    said: io.StringIO
    store_class: type[MemoryStore]

    @property
    def memory(self) -> MemoryStore:
        store = self.store("memory")
        assert isinstance(store, MemoryStore)
        return store


def memory_session(folder: Path, store_class: type[MemoryStore] = MemoryStore) -> MemorySession:
    """Return a session on a memory store, or on a store that behaves like one but for its faults."""
    said = io.StringIO()
    connections = Connections(folder / "config.toml", {"memory": Connection("memory", "memory")}, "memory")
    stores = {"memory": store_class}
    session = MemorySession(connections, stores, Console(said), folder / "state", SetClock(NOON))
    session.said = said
    return session


def ids(*record_id: str) -> GivenSource:
    """Return a source of record ids at hand."""
    return GivenSource(say("given record ids"), record_ids(record_id))


@dataclass
class Attempts:
    """A run of a plan, and further attempts at it, each with the journal that the one before left."""

    session: Session
    plan: Plan
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        self.run = Run.new(self.session.state, "test", ["test"], self.session.now(), {})
        self.plan = spooled(self.plan, self.run.folder / "spool", self.session)

    def go(self) -> Report:
        """Carry the plan out, from where the last attempt stopped."""
        journal = Journal(self.run)
        try:
            return run(self.plan, self.session, journal)
        finally:
            journal.close()


def shared(session: MemorySession) -> MemoryState:
    """Return what the memory store holds."""
    return session.memory.state
