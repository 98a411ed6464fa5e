"""What tests of the SageMaker store begin with: a fresh folder served, its store, and calls that do not really wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfs_core import SetClock
from sfs_core.testing import NOON
from sfs_plugins.sagemaker_store.clients import Clients
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, ServedStore, Server, clients, served_store, server

__all__ = ["clients", "server"]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def store(server: Server, clients: Clients, tmp_path: Path, clock: SetClock) -> Iterator[ServedStore]:
    """A store whose pauses between tries take no time; `store.paused` has them."""
    with served_store(server, clients, tmp_path / "served", clock) as store:
        store.paused = []
        store.calls.sleep = store.paused.append
        store.calls.hold_back = lambda seconds: None
        yield store


@pytest.fixture
def aws(store: ServedStore, server: Server, sfs: Sfs, monkeypatch: pytest.MonkeyPatch) -> Sfs:
    """The command line, on the same sandbox as `store`; the connection `disk` is a store of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    sfs.configure(
        f'default = "aws"\n[connections.aws]\nstore = "sagemaker"\nregion = "us-east-1"\n'
        f'endpoint_url = "{server.endpoint}"\nathena_output = "s3://results/"\noffline_lag_minutes = 0.02\n'
        f'[connections.disk]\nstore = "local"\npath = {str(sfs.store)!r}\n'
    )
    return sfs


@pytest.fixture
def served(store: ServedStore) -> Served:
    return store.served


class Asked:
    """What went over the wire, in order: operation and parameters, as boto3 sends them."""

    def __init__(self, clients: Clients) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []
        self._clients = clients

    def operations(self, *names: str) -> list[str]:
        return [operation for operation, _ in self.all if not names or operation in names]

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.all if name == operation]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.all.append((model.name, params))


@pytest.fixture
def asked(store: ServedStore, clients: Clients) -> Iterator[Asked]:
    """Notes every call of the test, by boto3's own events."""
    asked = Asked(clients)
    services = ("sagemaker", "sagemaker-featurestore-runtime", "s3", "athena", "sts")
    for service in services:
        clients.get(service).meta.events.register("provide-client-params.*.*", asked._note, unique_id="asked")
    yield asked
    for service in services:
        clients.get(service).meta.events.unregister("provide-client-params.*.*", unique_id="asked")
