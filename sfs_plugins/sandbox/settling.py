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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sfs_core import GroupQuery, SfsError, Store, SystemClock, load_plugins
from sfs_plugins.sandbox.groups import FolderStore


def settings_of(store: FolderStore) -> dict[str, Any]:
    """Return what another process needs to open the same store."""
    return {
        field.name: str(value) if isinstance(value, Path) else value
        for field in fields(store)  # type: ignore[arg-type]
        if field.init and field.name != "clock" and not callable(value := getattr(store, field.name))
    }


@dataclass
class Settler:
    """The process, as the server sees it."""

    process: subprocess.Popen[str]
    lock: threading.Lock

    @classmethod
    def start(cls, store: FolderStore, delay_seconds: float) -> Settler:
        """Start the process for a store; what is accepted settles within `delay_seconds` and a little."""
        given = json.dumps([store.name, settings_of(store), delay_seconds])
        process = subprocess.Popen(  # noqa: S603  (this program itself)
            [sys.executable, "-m", "sfs_plugins.sandbox.settling", given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return cls(process, threading.Lock())

    def settle(self) -> None:
        """Bring everything buffered to disk; return when it is there."""
        with self.lock:
            self._say("settle")
            if self.process.stdout is not None:
                self.process.stdout.readline()

    def hold(self, seconds: float) -> None:
        """Settle nothing for so long: late offline writes."""
        self._say(f"hold {seconds}")

    def _say(self, line: str) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Let the process settle once more and end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=60)


def main(given: str) -> None:
    """Settle every `delay` seconds and when told to, until stdin ends."""
    name, settings, delay = json.loads(given)
    store = load_plugins(os.environ).stores[name](clock=SystemClock(), **settings)  # type: ignore[call-arg]
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    wait, line = delay, "tick"
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


if __name__ == "__main__":
    main(sys.argv[1])
