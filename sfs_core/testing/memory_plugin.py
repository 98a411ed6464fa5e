"""The memory store as a plugin, so that the application can be run on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfs_core.hookspecs import hookimpl
from sfs_core.store import Store
from sfs_core.testing.memory import MemoryStore
from sfs_core.testing.memory_state import MemoryState


@dataclass
class MemoryPlugin:
    """A plugin that provides the store `memory`. Stores it opens under one connection name share what they hold.

    So a test can register it, run one command after another, and look at `state("memory")` in between.
    """

    states: dict[str, MemoryState] = field(default_factory=dict)

    def state(self, connection: str) -> MemoryState:
        """Return what the stores of a connection hold."""
        return self.states.setdefault(connection, MemoryState())

    @hookimpl
    def sfs_stores(self) -> tuple[type[Store], ...]:
        """Return the one store class."""
        plugin = self

        @dataclass
        class SharedMemoryStore(MemoryStore):
            def __post_init__(self) -> None:
                self.state = plugin.state(self.connection)

        return (SharedMemoryStore,)
