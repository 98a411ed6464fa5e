"""A session on the memory store, and a plan carried out in it: what contracts of parts plan and run with."""

from __future__ import annotations

import io
from pathlib import Path

from sfs_core.clock import SetClock
from sfs_core.connections import Connection, Connections
from sfs_core.console import Console
from sfs_core.executor import run
from sfs_core.journal import Journal, Run
from sfs_core.plan import Plan
from sfs_core.report import Report
from sfs_core.session import Session
from sfs_core.spool import spooled
from sfs_core.testing.groups import NOON
from sfs_core.testing.memory import MemoryStore


def memory_session(folder: Path) -> Session:
    """Return a session whose one connection, `memory`, is a fresh `MemoryStore`, at noon; runs are kept in `folder`."""
    connections = Connections(folder / "config.toml", {"memory": Connection("memory", "memory")}, "memory")
    return Session(connections, {"memory": MemoryStore}, Console(io.StringIO()), folder / "state", SetClock(NOON))


def carried_out(plan: Plan, session: Session) -> Report:
    """Write down what a plan works on, carry it out as a run of its own, and return the report."""
    new = Run.new(session.state, "test", ["test"], session.now(), {})
    ready = spooled(plan, new.folder / "spool", session)
    journal = Journal(new)
    try:
        return run(ready, session, journal)
    finally:
        journal.close()
