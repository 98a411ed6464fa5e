"""The SageMaker store keeps the contract of stores: real boto3, over HTTP, to the sandbox's services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfs_core import SetClock, Store
from sfs_core.testing import StoreContract
from sfs_plugins.sagemaker_store.clients import Clients
from tests.sagemaker_store.served import REGION, Server, ServedStore


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


@pytest.fixture(scope="module")
def clients(server: Server) -> Iterator[Clients]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        clients = Clients("served", None, REGION, None, server.endpoint)
        yield clients
        clients.close()


class TestSageMakerStore(StoreContract):
    @pytest.fixture
    def store(self, clock: SetClock, tmp_path: Path, server: Server, clients: Clients) -> Iterator[Store]:
        with server.serving(tmp_path, clock) as served:
            for bucket in ("feature-store", "results"):
                clients.get("s3").create_bucket(Bucket=bucket)
            store = ServedStore("served", clock, athena_output="s3://results/athena/")
            store.served, store.shared = served, clients
            yield store
