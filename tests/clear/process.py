"""`sagemaker-fs` as a process of its own, to be killed, stopped and starved; run as a script, it is that process.

Its connection `dev` is the local store, made slow by `SFS_TEST_DELAY` seconds a deletion of a batch; while its folder
has a file `hold`, it lists no record ids.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from sfs_core import Batch, Delete, Fact, FeatureGroup
from sfs_plugins.local_store import LocalStore

ROOT = Path(__file__).parents[2]


@dataclass
class SlowStore(LocalStore):
    """The local store, which takes its time over each batch that it deletes."""

    name: ClassVar[str] = "slow"

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        for fact in super().delete_records(group, batches, how):
            time.sleep(float(os.environ["SFS_TEST_DELAY"]))
            yield fact

    def list_record_ids(self, group: FeatureGroup, *, soft_deleted: bool = False) -> Iterator[pa.RecordBatch]:
        while (self.path / "hold").exists():
            time.sleep(0.01)
        return super().list_record_ids(group, soft_deleted=soft_deleted)


@dataclass(frozen=True)
class Ended:
    """What a process that ended gave back."""

    code: int
    stderr: str


@dataclass
class Process:
    """A process of the command line; it is killed with its test."""

    popen: subprocess.Popen[str]
    stderr: Path

    def said(self) -> str:
        """Return what it has said so far."""
        return self.stderr.read_text("utf-8")

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Return as soon as it has said these words."""
        wait_until(lambda: words in self.said(), seconds, lambda: f"{words!r} in {self.said()!r}")

    def ended(self, seconds: float = 60) -> Ended:
        """Return how it ended, once it has."""
        try:
            code = self.popen.wait(seconds)
        finally:
            self.popen.kill()
        return Ended(code, self.said())


def wait_until(is_so: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what()
        time.sleep(0.01)


@dataclass
class Machine:
    """A folder with a slow local store and the runs of this machine."""

    folder: Path
    delay_seconds: float = 0.0
    started: int = 0

    def __post_init__(self) -> None:
        config = f'default = "dev"\n[connections.dev]\nstore = "slow"\npath = "{self.store}"\n'
        (self.folder / "config.toml").write_text(config, "utf-8")

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self, *argv: str, limit: Callable[[], None] | None = None, cwd: Path | None = None) -> Process:
        """Start a command line; `limit` is called in the new process before anything else."""
        self.started += 1
        stderr = self.folder / f"stderr-{self.started}"
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("SFS_", "AWS_"))}
        environ |= {"SFS_STATE_DIR": str(self.state), "SFS_CONFIG": str(self.folder / "config.toml")}
        environ |= {"SFS_TEST_DELAY": str(self.delay_seconds), "PYTHONPATH": str(ROOT)}
        with stderr.open("w", encoding="utf-8") as file:
            popen = subprocess.Popen(
                [sys.executable, "-m", "tests.clear.process", *argv],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                cwd=cwd or self.folder,
                text=True,
                preexec_fn=limit,
            )
        return Process(popen, stderr)

    def __call__(self, *argv: str, **more: object) -> Ended:
        """Run a command line to its end."""
        return self.start(*argv, **more).ended()  # type: ignore[arg-type]

    def runs(self) -> list[str]:
        """Return the names of the runs."""
        return sorted(path.name for path in (self.state / "runs").glob("*"))


if __name__ == "__main__":
    from sfs_core.application import run
    from tests.parts import plugin

    slow = ("slow", plugin(sfs_stores=[SlowStore]))
    argv, stdin, stdout, stderr = sys.argv[1:], sys.stdin, sys.stdout, sys.stderr
    sys.exit(run(argv, environ=os.environ, stdin=stdin, stdout=stdout, stderr=stderr, plugins=[slow]))
