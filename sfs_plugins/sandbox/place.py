"""Where a running sandbox is: a file in the store's folder, believed only while the sandbox holds the folder's lock."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sfs_core import NotFound, Refused, StoreUnavailable, say

HOST: Final = "127.0.0.1"


class SandboxNotRunning(NotFound):
    """No sandbox serves this folder."""

    sentence = "no sandbox serves {folder}: `sagemaker-fs sandbox start` starts one"


class SandboxRunning(Refused):
    """A sandbox serves this folder already."""

    sentence = "a sandbox serves {folder} already, {where}: `sagemaker-fs sandbox stop --path {folder}` stops it"


@contextmanager
def usable(place: Path) -> Iterator[None]:
    """Turn what keeps a folder, or a file in it, from being served into one error. Raises StoreUnavailable."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        problem = say("{reason}; mend that, or name another folder with --path", reason=reason)
        raise StoreUnavailable(store=place, problem=problem) from error


@dataclass(frozen=True)
class Where:
    """A running sandbox: its process, its two ports on 127.0.0.1, and whose account and Region it plays."""

    pid: int
    port: int
    control_port: int
    account: str
    region: str

    @property
    def endpoint(self) -> str:
        """The address that `AWS_ENDPOINT_URL` takes."""
        return f"http://{HOST}:{self.port}"

    @property
    def control(self) -> str:
        """The address of the control port."""
        return f"http://{HOST}:{self.control_port}"

    def environment(self) -> dict[str, str]:
        """Return the environment in which AWS's own tools speak to this sandbox and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True)
class Place:
    """A store's folder as a sandbox marks it."""

    folder: Path

    @property
    def _file(self) -> Path:
        return self.folder / "sandbox.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder; the system lets it go when the process ends, however it ends.

        Raises SandboxRunning, StoreUnavailable.
        """
        with usable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = self._lock()
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.DatabaseError as error:
                lock.close()
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                where = self.read()
                raise SandboxRunning(folder=self.folder, where=where.endpoint if where else "") from error
        try:
            yield
        finally:
            lock.close()

    def _lock(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "sandbox.lock", timeout=0, isolation_level=None)

    def is_held(self) -> bool:
        """Tell whether a sandbox lives in the folder."""
        if not (self.folder / "sandbox.lock").exists():
            return False
        lock = self._lock()
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
        finally:
            lock.close()
        return False

    def write(self, where: Where) -> None:
        """Write down where the sandbox is."""
        made = self._file.with_suffix(".new")
        made.write_text(json.dumps(asdict(where)), "utf-8")
        made.replace(self._file)

    def forget(self) -> None:
        """Strike out where the sandbox was."""
        self._file.unlink(missing_ok=True)

    def read(self) -> Where | None:
        """Return where the sandbox said it is, believed or not."""
        try:
            return Where(**json.loads(self._file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def find(self) -> Where:
        """Return where the running sandbox is. Raises SandboxNotRunning."""
        where = self.read()
        if where is None or not self.is_held():
            raise SandboxNotRunning(folder=self.folder)
        return where

    def wait_until_free(self, seconds: float) -> bool:
        """Wait until no sandbox holds the folder; tell whether that came about."""
        deadline = time.monotonic() + seconds
        while self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True
