"""Fresh SageMaker stores for the state machine, each over a sandbox of its own; the wire can be tampered with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest

from sfs_core import Clock, Store
from sfs_plugins.sagemaker_store.clients import Clients
from tests.contracts.conftest import IN_MEMORY
from tests.sagemaker_store.served import ServedStore, Server, served_store

OpenServedStore = Callable[[Clock], Store]


class MachineStore(ServedStore):
    """A served store that waits for nothing, and whose sandbox goes with it."""

    stack: ExitStack

    def close(self) -> None:
        self.stack.close()


@pytest.fixture
def open_served_store(server: Server, clients: Clients) -> Iterator[Callable[..., Store]]:
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as top:

        def opened(clock: Clock, kind: type[MachineStore] = MachineStore) -> Store:
            stack = ExitStack()
            served = stack.enter_context(served_store(server, clients, Path(mkdtemp(dir=top)), clock))
            store = kind("served", clock, athena_output="s3://results/athena/")
            store.served, store.shared, store.stack = served.served, clients, stack
            store.calls.sleep = store.calls.hold_back = lambda seconds: None
            return store

        yield opened


class Wire:
    """What becomes of calls and answers between store and sandbox; by itself they pass unchanged."""

    def sent(self, operation: str, parameters: dict[str, Any]) -> None:
        """Change a call before it is sent."""

    def answered(self, operation: str, answer: dict[str, Any], http: Any) -> None:
        """Change an answer before the store has it; `http.status_code` decides whether it is an error."""


class AwkwardWire(Wire):
    """Right, but not easy: entries come back unprocessed, pages are short, and every other page is empty."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.listed: list[str] = []
        self.calls = 0

    def sent(self, operation: str, parameters: dict[str, Any]) -> None:
        self.calls += 1
        if operation == "BatchWriteRecord" and self.calls % 2 and len(parameters["Entries"]) > 1:
            *parameters["Entries"], last = parameters["Entries"]
            self.kept.append(last)
        if operation == "ListRecords":
            parameters["MaxResults"] = 2

    def answered(self, operation: str, answer: dict[str, Any], http: Any) -> None:
        if operation == "BatchWriteRecord" and http.status_code < 300:
            answer["UnprocessedEntries"] += self.kept
            self.kept = []
        if operation == "ListRecords" and http.status_code < 300:
            found = self.listed + answer["RecordIdentifiers"]
            keeps_back = "NextToken" in answer and not self.listed
            answer["RecordIdentifiers"], self.listed = ([], found) if keeps_back else (found, [])


@contextmanager
def over(clients: Clients, wire: Wire) -> Iterator[None]:
    """Have every runtime call go over a wire, by boto3's own events."""
    events = clients.get("sagemaker-featurestore-runtime").meta.events

    def sent(params: dict[str, Any], model: Any, **_: Any) -> None:
        wire.sent(model.name, params)

    def answered(parsed: dict[str, Any], http_response: Any, model: Any, **_: Any) -> None:
        wire.answered(model.name, parsed, http_response)

    events.register("provide-client-params.*.*", sent, unique_id="wire-sent")
    events.register("after-call.*.*", answered, unique_id="wire-answered")
    try:
        yield
    finally:
        events.unregister("provide-client-params.*.*", unique_id="wire-sent")
        events.unregister("after-call.*.*", unique_id="wire-answered")
