"""Feature groups as the store describes them, looked up for every request and remembered for a moment."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sfs_core import FeatureGroup, FeatureGroupNotFound, GroupStatus, Store

_FRESH_SECONDS = 0.1


class FolderStore(Store, Protocol):
    """The store a sandbox serves: one that keeps everything in a folder."""

    path: Path

    def table_metadata(self, group: FeatureGroup) -> str | None:
        """Return the URI of the current metadata file of a group's Iceberg table; None if it keeps none."""
        ...

    def swap_table_metadata(self, group: FeatureGroup, old: str | None, new: str) -> bool:
        """Make `new` the current metadata file if `old` was; tell whether it was."""
        ...


@dataclass
class Described:
    """A group, and what is looked up in it for every record."""

    group: FeatureGroup
    seen: float
    names: frozenset[str] = frozenset()
    has_collections: bool = False
    kinds: dict[tuple[str, ...], Any] = field(default_factory=dict)
    """The sets of names that records of the group came with, and what they were found to be."""

    def __post_init__(self) -> None:
        self.names = frozenset(feature.name for feature in self.group.features)
        self.has_collections = any(feature.collection for feature in self.group.features)


@dataclass
class Groups:
    """Looks groups up by name or ARN. What another process changes is seen a tenth of a second later."""

    store: FolderStore
    _remembered: dict[str, Described] = field(default_factory=dict)

    def usable(self, name: str) -> Described:
        """Return a group that records can be written to and read from. Raises FeatureGroupNotFound for any other."""
        found = self._remembered.get(name)
        if found is None or time.monotonic() - found.seen > _FRESH_SECONDS:
            found = self._looked_up(name)
        if found.group.status is not GroupStatus.CREATED:
            raise FeatureGroupNotFound(name=name, place=self.store.place())
        return found

    def _looked_up(self, name: str) -> Described:
        if len(self._remembered) > 1000:
            self._remembered.clear()
        found = Described(self.store.describe(name), time.monotonic())
        self._remembered[name] = found
        return found

    def forget(self) -> None:
        """Forget every group: one was changed."""
        self._remembered.clear()
