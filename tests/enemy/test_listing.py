"""A listing that proves a store empty must have seen all of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sfs_core.testing import filled, new_group, objects_in, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs


def test_a_folder_that_cannot_be_read_is_no_empty_one(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    group = filled(store, new_group("orders"), record("1", "2025-05-01T00:00:00Z"))
    (key,) = objects_in(store, group)
    store.close()
    hour, scandir = Path(key).parent.name, os.scandir

    def refusing(path: str | Path | int) -> object:
        if not isinstance(path, int) and Path(path).name == hour:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    answer = sfs("clear orders --offline-only --force")

    assert answer.code == 11, answer
    assert "may not read" in answer.stderr
