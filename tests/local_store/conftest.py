"""What the tests of the embedded store share: a folder, a clock at noon, and children that can be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sfs_core import SetClock
from sfs_core.testing import NOON
from sfs_plugins.local_store import LocalStore

BEGINNING = """
import os, signal, sys
from pathlib import Path
from sfs_core import *
from sfs_core.testing import *
from sfs_plugins.local_store import LocalStore
from sfs_plugins.local_store import buffer
store = LocalStore("local", SetClock(NOON), path=Path(sys.argv[1]))
def die_after(calls, owner, name):
    real, left = getattr(owner, name), [calls]
    def dying(*arguments, **named):
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        return real(*arguments, **named)
    setattr(owner, name, dying)
real_end = buffer.end
def end_and_die(*arguments):
    real_end(*arguments)
    os._exit(9)
"""
"""What every child begins with: names of the core and of its test kit, a store in the folder given, and ways to die.

A process ends at once, as by SIGKILL, when a function is called once more than so many times.
"""


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def open_store(folder: Path, clock: SetClock) -> Iterator[Callable[..., LocalStore]]:
    """Open the store anew, as another process would."""
    opened: list[LocalStore] = []

    def open_one(**options: object) -> LocalStore:
        opened.append(LocalStore("local", clock, path=folder, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., LocalStore]) -> LocalStore:
    return open_store()


@pytest.fixture
def child(folder: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a Python process that runs a script on the same folder; its output is piped, a line at a time."""

    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-c", BEGINNING + script, str(folder), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start
