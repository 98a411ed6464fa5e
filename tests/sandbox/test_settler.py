"""The process that settles buffered offline writes: one that was killed is started anew."""

from __future__ import annotations

from pathlib import Path

from sfs_core import SystemClock
from sfs_plugins.local_store import LocalStore
from sfs_plugins.sandbox.settling import Settler


def test_a_killed_settler_is_started_anew_when_it_is_needed(tmp_path: Path) -> None:
    settler = Settler(LocalStore("local", SystemClock(), path=tmp_path), 900.0)
    killed = settler._started(900.0)
    killed.kill()
    killed.wait()

    anew = settler._started(900.0)

    assert (anew.poll(), settler._started(900.0)) == (None, anew)
    settler._due.cancel()
    anew.kill()
    anew.wait()
