"""A sandbox in this process, whose clock the test sets: its services behind a real socket, a folder for each test.

The sandbox of `sfs_plugins.sandbox.testing` is a process of its own and tells the time itself. Promises about times to
live, creation times and time travel need a clock that is set, so here the same services answer from a thread.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from sfs_core import Clock, FeatureGroup
from sfs_core.testing import Record, put
from sfs_plugins.local_store import LocalStore
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.store import SageMakerStore
from sfs_plugins.sandbox.asgi import Application
from sfs_plugins.sandbox.athena.service import athena
from sfs_plugins.sandbox.control.service import control_plane
from sfs_plugins.sandbox.elsewhere import Elsewhere
from sfs_plugins.sandbox.faults import Faults
from sfs_plugins.sandbox.front import Front, Service
from sfs_plugins.sandbox.glue.catalog import Catalogue
from sfs_plugins.sandbox.glue.service import glue
from sfs_plugins.sandbox.groups import Groups
from sfs_plugins.sandbox.runtime.service import RuntimeService
from sfs_plugins.sandbox.s3.service import S3Service
from sfs_plugins.sandbox.server import identities
from sfs_plugins.sandbox.settling import settle_all
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.wire import Request, Response

ACCOUNT, REGION = "123456789012", "us-east-1"
_FOR_EVER_SECONDS = 10.0 * 365 * 86_400


class Served:
    """One folder served: offline writes are buffered until `settle`, everything at the clock's instant."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        settings: dict[str, Any] = {"connection": "served", "clock": clock, "path": folder}
        settings |= {"account": ACCOUNT, "region": REGION}
        self._store = LocalStore(**settings, offline_delay=_FOR_EVER_SECONDS)
        self._settler = LocalStore(**settings)
        self._state = State(folder)
        self._pool = ThreadPoolExecutor(4)
        self.faults = Faults(folder / "sandbox-faults.jsonl")
        elsewhere = Elsewhere(ACCOUNT, self._pool)
        groups, tokens = Groups(self._store), Tokens(self._state.secret())
        self._runtime = RuntimeService(self._store, groups, tokens, self._pool)
        catalogue = Catalogue(self._store, self._state)
        s3 = S3Service(self._state, tokens, ACCOUNT, REGION, self._pool)
        queries, self._executions = athena(self._state, catalogue, s3.objects, tokens, self._pool)
        services: list[Service] = [
            queries,
            self._runtime,
            control_plane(self._store, groups, self._state, tokens, s3.buckets.exists, catalogue, self._pool),
            s3,
            *identities(ACCOUNT, self.faults, tokens, elsewhere, self._pool),
            glue(catalogue, tokens, ACCOUNT, self._pool),
        ]
        identity = self._store.identity()
        self.front = Front(services, elsewhere.service_of, identity, self.faults, lambda seconds: None)

    def put(self, group: FeatureGroup, *records: Record) -> None:
        """Put records as another writer does, whose requests no test sees."""
        assert put(self._store, group, *records) == []

    def settle(self) -> None:
        """Bring buffered offline writes to Parquet, as a sandbox's control port does."""
        settle_all(self._settler)

    def close(self) -> None:
        self._runtime.writer.close()
        self._executions.close()
        self._pool.shutdown()
        self._settler.close()
        self._store.close()
        self._state.close()


class Server:
    """A socket on 127.0.0.1 that serves one folder after another.

    `instead` answers a request in the sandbox's place, for what no sandbox does.
    """

    def __init__(self) -> None:
        self._front: Front | None = None
        self.instead: Callable[[Request], Response | None] = lambda request: None
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(128)
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            Application(self._answer, self._answer, 0), lifespan="off", log_config=None, access_log=False, ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    async def _answer(self, request: Request) -> Response:
        assert self._front is not None
        return self.instead(request) or await self._front.answer(request)

    @contextmanager
    def serving(self, folder: Path, clock: Clock) -> Iterator[Served]:
        served = Served(folder, clock)
        self._front, self.instead = served.front, lambda request: None
        try:
            yield served
        finally:
            served.close()

    @contextmanager
    def running(self) -> Iterator[Server]:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        try:
            yield self
        finally:
            self._server.should_exit = True
            self._thread.join(timeout=10)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


@pytest.fixture(scope="session")
def clients(server: Server) -> Iterator[Clients]:
    """Clients that every test shares: reading boto3's service models takes longer than most tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        clients = Clients("served", None, REGION, None, server.endpoint)
        clients.session()
    yield clients
    clients.close()


class ServedStore(SageMakerStore):
    """The SageMaker store of a test: it settles by the sandbox's own means, and shares its clients with other tests."""

    served: Served
    shared: Clients
    paused: list[float]

    @property
    def clients(self) -> Clients:
        return self.shared

    def settle(self, group: object) -> None:
        self.served.settle()


@contextmanager
def served_store(server: Server, clients: Clients, folder: Path, clock: Clock) -> Iterator[ServedStore]:
    """Serve a fresh folder with its two buckets, and give the store that speaks to it."""
    with server.serving(folder, clock) as served:
        for bucket in ("feature-store", "results"):
            clients.get("s3").create_bucket(Bucket=bucket)
        store = ServedStore("served", clock, athena_output="s3://results/athena/")
        store.served, store.shared = served, clients
        yield store
