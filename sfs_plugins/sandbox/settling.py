"""A process beside the server that brings buffered offline writes to Parquet, so that ingestion keeps its speed.

Told what to do on stdin, a line at a time; when stdin ends, for whatever reason, it settles once more and ends.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

from sfs_core import GroupQuery, SfsError, Store, SystemClock, load_plugins
from sfs_plugins.sandbox.groups import FolderStore

_LAST_SECONDS = 60.0


def settings_of(store: FolderStore) -> dict[str, Any]:
    """Return what another process needs to open the same store."""
    return {
        field.name: str(value) if isinstance(value, Path) else value
        for field in fields(store)  # type: ignore[arg-type]
        if field.init and field.name != "clock" and not callable(value := getattr(store, field.name))
    }


class Settler:
    """The process, as the server sees it: started when something is due, so that no start of a sandbox waits for it."""

    def __init__(self, store: FolderStore, delay_seconds: float) -> None:
        self._store, self._delay_seconds = store, delay_seconds
        self._process: subprocess.Popen[str] | None = None
        self._starting, self._talking = threading.Lock(), threading.Lock()
        # what is accepted settles within the delay and a little, and what an earlier process left does too
        self._due = threading.Timer(delay_seconds, self._started, (0.0,))
        self._due.daemon = True
        self._due.start()

    def _started(self, first_seconds: float) -> subprocess.Popen[str]:
        """Return the process, a new one if it was killed; it settles first after so long, or when told to."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                given = [self._store.name, settings_of(self._store), self._delay_seconds, first_seconds]
                self._process = subprocess.Popen(  # noqa: S603  (this program itself)
                    [sys.executable, "-m", "sfs_plugins.sandbox.settling", json.dumps(given)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            return self._process

    def settle(self) -> bool:
        """Bring everything buffered to disk; return when it is there, or False if the process was killed meanwhile."""
        with self._talking:
            process = self._say("settle")
            return process.stdout is not None and process.stdout.readline() != ""

    def hold(self, seconds: float) -> None:
        """Settle nothing for so long: late offline writes."""
        self._say(f"hold {seconds}")

    def _say(self, line: str) -> subprocess.Popen[str]:
        process = self._started(self._delay_seconds)
        if process.stdin is not None:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        return process

    def stop(self) -> None:
        """Settle once more; the process, if one was started, has ended when this returns."""
        self._due.cancel()
        with self._starting:
            process = self._process
        if process is None or process.poll() is not None:
            settle_all(self._store)
        elif process.stdin is not None:
            process.stdin.close()
            process.wait(timeout=_LAST_SECONDS)
        self._store.close()


def main(given: str) -> None:
    """Settle after `first` seconds, then every `delay` seconds, and when told to, until stdin ends."""
    name, settings, delay, first = json.loads(given)
    store = load_plugins(os.environ).stores[name](clock=SystemClock(), **settings)  # type: ignore[call-arg]
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    wait, line = first, "tick"
    while line:
        try:
            line = told.get(timeout=wait)
        except queue.Empty:
            line = "tick"
        wait = delay
        if line.startswith("hold"):
            wait = float(line.split()[1])
            continue
        settle_all(store)
        if line.startswith("settle"):
            sys.stdout.write("settled\n")
            sys.stdout.flush()
    store.close()


def _listen(told: queue.SimpleQueue[str]) -> None:
    """Pass lines on; an empty one when stdin ends."""
    for line in sys.stdin:
        told.put(line)
    told.put("")


def settle_all(store: Store) -> None:
    """Bring to disk what is buffered for every group; a group that is deleted meanwhile is passed over."""
    for group_name in store.groups(GroupQuery()):
        try:
            group = store.describe(group_name)
            if group.offline is not None:
                store.settle(group)
        except SfsError as error:
            sys.stderr.write(f"{group_name}: {error}\n")
        except Exception as error:  # a defect, or a buffer that is damaged: other groups' records must not wait for it
            sys.stderr.write(f"{group_name}: {type(error).__name__}: {error}\n")


if __name__ == "__main__":
    main(sys.argv[1])
