"""The process that settles buffered offline writes: one that was killed is started anew."""

from __future__ import annotations

from pathlib import Path

from sfs_core import SystemClock
from sfs_core.testing import ONE, created, new_group, put, record
from sfs_plugins.local_store import LocalStore
from sfs_plugins.sandbox.settling import Settler


def test_a_killed_settler_is_started_anew_when_there_is_something_to_settle(tmp_path: Path) -> None:
    store = LocalStore("local", SystemClock(), path=tmp_path, offline_delay=900.0)
    put(store, created(store, new_group()), record("1", ONE))
    settler = Settler(store, 900.0)
    killed = settler._started(900.0)
    killed.kill()
    killed.wait()

    assert settler.settle()

    assert len(list(tmp_path.rglob("*.parquet"))) == 1
    settler.stop()
    store.close()
