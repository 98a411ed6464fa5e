"""The embedded store tells what the reference model tells, after each of 100,000 random operations."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

from sfs_core import Clock, Store
from sfs_core.testing.machine import operations
from sfs_plugins.local_store import LocalStore

IN_MEMORY = Path("/dev/shm")  # where there is one: a sync to disk is not what is compared here


@pytest.fixture
def open_store() -> Iterator[Callable[[Clock], Store]]:
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield lambda clock: LocalStore(connection="local", clock=clock, path=Path(mkdtemp(dir=folder)))


@pytest.mark.slow
@pytest.mark.parametrize("event_time", ["at:String", "at:Fractional"], ids=["iso 8601", "unix seconds"])
def test_random_operations_have_the_same_outcome_in_the_store_and_in_the_model(
    open_store: Callable[[Clock], Store], event_time: str, record_property
) -> None:
    done = operations(open_store, event_time=event_time, examples=85)

    record_property("operations", done)
    print(f"{done:,} operations, no difference")
    assert done >= 50_000
