"""What one run holds, so that no other run on this machine works on it meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sfs_core.damage import RunDamaged
from sfs_core.errors import GroupBusy, Refused
from sfs_core.journal import Run, writing_down

ABANDONED_SECONDS: Final = 60.0


class RunBusy(Refused):
    """The run is going on in another process."""

    sentence = "run {run} is still going on in process {pid}: wait for it, or stop it with Ctrl-C there"


@dataclass
class Locks:
    """Holds a run's folder and the groups it changes until they are released, or the process ends in any way."""

    state: Path
    run: Run
    _held: list[int] = field(default_factory=list)

    def hold(self) -> None:
        """Hold the run itself: two processes must not write one journal. Raises RunBusy."""
        holder = self._take(_lock_of(self.run))
        if holder is not None:
            raise RunBusy(run=self.run.name, pid=holder[1])

    def take(self, identity: str, group: str) -> None:
        """Hold a group, known over all connections by `identity`. Raises GroupBusy with the run that holds it."""
        folder = self.state / "locks"
        with writing_down(self.state):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        holder = self._take(folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.lock")
        if holder is not None:
            raise GroupBusy(run=holder[0], pid=holder[1], group=group)

    def _take(self, path: Path) -> tuple[str, str] | None:
        """Take a lock, or return the run and the process that hold it."""
        with writing_down(path.parent):
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            run, _, pid = os.pread(handle, 4096, 0).decode("utf-8", "replace").partition(" ")
            os.close(handle)
            return run or "?", pid or "?"
        self._held.append(handle)
        with writing_down(path.parent):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{self.run.name} {os.getpid()}".encode(), 0)
        return None

    def release(self) -> None:
        """Let go of everything."""
        for handle in self._held:
            os.close(handle)
        self._held.clear()


def is_going_on(run: Run) -> bool:
    """Tell whether a process is working on a run."""
    path = _lock_of(run)
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def drop_abandoned(state: Path) -> None:
    """Remove what killed processes of this machine left: runs never confirmed, which changed nothing, and spools.

    A folder of runs may be shared with other machines, whose locks do not always show here, so theirs stay. So does
    a run that began a moment ago: its process may be about to take its lock.
    """
    for run in Run.all(state):
        if run.facts.get("host") != socket.gethostname():
            continue
        run.drop_leftovers()
        # of one whose plan cannot be read nobody knows what it changed
        with contextlib.suppress(RunDamaged):
            if run.plan is None and _is_abandoned(_lock_of(run)):
                run.discard()


def _is_abandoned(lock: Path) -> bool:
    """Tell whether a lock was taken a while ago, and nobody holds it now."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return time.time() - os.fstat(file.fileno()).st_mtime > ABANDONED_SECONDS
    except (FileNotFoundError, BlockingIOError):
        return False


def _lock_of(run: Run) -> Path:
    return run.folder / "lock"
