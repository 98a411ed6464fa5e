"""The SageMaker store keeps the contract of stores: real boto3, over HTTP, to the sandbox's services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfs_core import SetClock
from sfs_core.testing import IcebergContract, StoreContract
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.store import SageMakerStore
from tests.sagemaker_store.served import Server, clients, served_store, server

__all__ = ["clients", "server"]


class TestSageMakerStore(StoreContract):
    @pytest.fixture
    def store(self, clock: SetClock, tmp_path: Path, server: Server, clients: Clients) -> Iterator[SageMakerStore]:
        with served_store(server, clients, tmp_path, clock) as store:
            yield store


class TestSageMakerStoreWithIceberg(IcebergContract):
    @pytest.fixture
    def store(self, clock: SetClock, tmp_path: Path, server: Server, clients: Clients) -> Iterator[SageMakerStore]:
        with served_store(server, clients, tmp_path, clock) as store:
            yield store
