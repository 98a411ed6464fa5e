"""The embedded store keeps the contract of stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfs_core import SetClock, Store
from sfs_core.testing import IcebergContract, StoreContract
from sfs_plugins.local_store import LocalStore


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, clock: SetClock, tmp_path: Path) -> Iterator[Store]:
        store = LocalStore(connection="local", clock=clock, path=tmp_path)
        yield store
        store.close()


class TestLocalStoreWithIceberg(IcebergContract):
    @pytest.fixture
    def store(self, clock: SetClock, tmp_path: Path) -> Iterator[Store]:
        store = LocalStore(connection="local", clock=clock, path=tmp_path)
        yield store
        store.close()
