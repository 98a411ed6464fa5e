"""What tests of `migrate` and `verify` share: the local store that the command line uses, opened beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfs_core import FeatureGroup, NewFeatureGroup, SetClock
from sfs_core.testing import Record, delete, filled, history, latest, online, typed_rows
from sfs_plugins.local_store.store import LocalStore


class Dev:
    """The store of connection `dev`, in words: made anew each time, as another process would open it."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        self.folder, self.clock = folder, clock

    def open(self) -> LocalStore:
        return LocalStore("dev", self.clock, self.folder)

    def fill(self, new: NewFeatureGroup, *records: Record) -> FeatureGroup:
        store = self.open()
        try:
            return filled(store, new, *records)
        finally:
            store.close()

    def delete(self, name: str, record_id: str, at: str) -> None:
        store = self.open()
        try:
            assert not delete(store, store.describe(name), record_id, at=at)
        finally:
            store.close()

    def online(self, name: str) -> list[dict[str, object]]:
        store = self.open()
        try:
            group = store.describe(name)
            return typed_rows(group, online(store, group))
        finally:
            store.close()

    def online_texts(self, name: str) -> list[dict[str, object]]:
        """The online records as the texts and lists they are."""
        store = self.open()
        try:
            return [dict(row) for row in online(store, store.describe(name))]
        finally:
            store.close()

    def latest(self, name: str) -> list[dict[str, object]]:
        store = self.open()
        try:
            group = store.describe(name)
            return typed_rows(group, latest(store, group))
        finally:
            store.close()

    def history(self, name: str) -> list[dict[str, object]]:
        """Every version without the times of writing, in the store's order."""
        store = self.open()
        try:
            group = store.describe(name)
            return typed_rows(group, history(store, group), without=["api_invocation_time", "write_time"])
        finally:
            store.close()

    def tree(self) -> dict[str, bytes]:
        """Every file of the store but SQLite's own side files, with what it holds."""
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        side = ("-wal", "-shm")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files if not path.name.endswith(side)}


@pytest.fixture
def dev(sfs) -> Iterator[Dev]:
    yield Dev(sfs.store, sfs.clock)
