"""A sandbox started and killed many times: each start is a process of its own, forked from one that has imported all.

What a start costs is mostly reading modules; a hundred starts can be had in a test when that is done once. Everything
else is what `sagemaker-fs sandbox start` does: plugins, options, configuration, the folder's lock, the databases with
their recovery, the two ports. The offline store is not settled before the kill, since that is due in an hour only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sfs_plugins.sandbox.place import Place, Where

_START_SECONDS = 30.0


@dataclass(frozen=True)
class Restarts:
    """The process to fork from, and the folder that is served."""

    folder: Path
    forking: subprocess.Popen[str]

    @contextmanager
    def serving(self) -> Iterator[Where]:
        """Serve until the block ends, then kill the process that serves."""
        assert self.forking.stdin is not None
        assert self.forking.stdout is not None
        self.forking.stdin.write("start\n")
        self.forking.stdin.flush()
        pid = int(self.forking.stdout.readline())
        try:
            yield self._where(pid)
        finally:
            os.kill(pid, signal.SIGKILL)
            self.forking.stdout.readline()

    def _where(self, pid: int) -> Where:
        place, deadline = Place(self.folder), time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            where = place.read()
            if where is not None and where.pid == pid:
                return where
            time.sleep(0.002)
        raise AssertionError((self.folder / "restarts.log").read_text("utf-8"))


@contextmanager
def restarts(folder: Path, config: Path, port: int) -> Iterator[Restarts]:
    """Run the process that sandboxes of a configuration, all on one port, are forked from."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "SFS_CONFIG": str(config)}
    with (folder / "restarts.log").open("ab") as log:
        forking = subprocess.Popen(
            [sys.executable, "-m", "tests.sandbox.restarts", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environ, text=True,
        )  # fmt: skip
    try:
        yield Restarts(folder, forking)
    finally:
        forking.communicate()


def _fork_when_told() -> None:
    """Start a sandbox for each line that comes in: write its process id, and a line once it has ended."""
    from sfs_core import load_plugins
    from sfs_core.application import main

    load_plugins(os.environ)
    _import_what_serving_needs()
    argv = ["sandbox", "start", "--port", sys.argv[1], "--control-port", "0", "--offline-delay", "3600"]
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            sys.argv[1:] = argv
            os._exit(main())
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        os.waitpid(pid, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


def _import_what_serving_needs() -> None:
    import importlib

    from sfs_plugins.sandbox.models import SERVICES, model

    for name in ("sfs_plugins.sandbox.server", "sfs_plugins.sandbox.athena.statements", "uvicorn", "uvloop",
                 "httptools", "pyarrow.compute", "pyarrow.parquet", "duckdb", "pandas"):  # fmt: skip
        importlib.import_module(name)
    for service in SERVICES:
        model(service)


if __name__ == "__main__":
    _fork_when_told()
