"""Fresh embedded stores for the state machine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

from sfs_core import Clock, Store
from sfs_plugins.local_store import LocalStore

IN_MEMORY = Path("/dev/shm")  # where there is one: a sync to disk is not what is compared


@pytest.fixture
def open_local_store() -> Iterator[Callable[[Clock], Store]]:
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield lambda clock: LocalStore(connection="local", clock=clock, path=Path(mkdtemp(dir=folder)))
