"""A sandbox for tests: `from sfs_plugins.sandbox.testing import sandbox` in a conftest makes it a fixture.

Started once a session as a process of its own, on ports of its own, and ended by its own process id.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sfs_plugins.sandbox.place import Place, Where

_MAIN = "import sys; from sfs_core.application import main; sys.exit(main())"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it serves, its folder, and the process to end it by."""

    where: Where
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """The address for `endpoint_url`."""
        return self.where.endpoint

    def environment(self) -> dict[str, str]:
        """Return the environment in which AWS's tools speak to this sandbox."""
        return self.where.environment()

    def client(self, service: str, **settings: Any) -> Any:
        """Return a botocore client that speaks to this sandbox, whatever the environment says."""
        import botocore.session

        session = botocore.session.Session()
        session.set_credentials("sandbox", "sandbox")
        settings = {"region_name": self.where.region, "endpoint_url": self.endpoint, **settings}
        return session.create_client(service, **settings)

    def control(self, method: str, path: str, content: Any = None) -> Any:
        """Ask the control port, and return its answer."""
        body = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.where.control}{path}", body, method=method)  # noqa: S310  (always http, loopback)
        with urlopen(request, timeout=120) as answer:  # noqa: S310
            return json.loads(answer.read())

    def settle(self) -> None:
        """Bring buffered offline writes to Parquet, and return when they are there."""
        self.control("POST", "/settle")

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(
    folder: Path,
    *options: str,
    account: str = "123456789012",
    region: str = "us-east-1",
    create_delay: float = 0.0,
) -> Iterator[Sandbox]:
    """Run a sandbox on a folder (kept by an earlier one, perhaps) until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "sandbox-connection.toml"
    settings = {
        "store": "local",
        "path": str(folder),
        "account": account,
        "region": region,
        "create_delay": create_delay,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    config.write_text(f'default = "served"\n[connections.served]\n{lines}', "utf-8")
    argv = ["sandbox", "start", "--port", "0", "--control-port", "0", *options]
    environ = {**os.environ, "SFS_CONFIG": str(config)}
    with (folder / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  (this program itself)
            [sys.executable, "-c", _MAIN, *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ
        )
    try:
        yield Sandbox(_wait(Place(folder), process), folder, process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(place: Place, process: subprocess.Popen[bytes]) -> Where:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        where = place.read()
        if where is not None and where.pid == process.pid:
            return where
        time.sleep(0.02)
    raise AssertionError((place.folder / "sandbox.log").read_text("utf-8"))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of the whole test session: use names of your own in it."""
    with running(tmp_path_factory.mktemp("sandbox")) as started:
        yield started
