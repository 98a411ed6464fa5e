"""The reference model keeps the contract it is the measure of."""

import pytest

from sfs_core import SetClock, Store
from sfs_core.testing import IcebergContract, MemoryStore, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: SetClock) -> Store:
        return MemoryStore(clock=clock)


class TestMemoryStoreWithIceberg(IcebergContract):
    @pytest.fixture
    def store(self, clock: SetClock) -> Store:
        return MemoryStore(clock=clock)
