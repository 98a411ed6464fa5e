"""What the sandbox remembers beside the store itself: one SQLite file in the store's folder, durable before a reply."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfs_plugins.sandbox.place import usable

_SCHEMA = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);"


class State:
    """The sandbox's own database; threads take turns. A reply that follows a `writing` block is on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        with usable(folder / "sandbox.sqlite"):
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                folder / "sandbox.sqlite", timeout=30, isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode = WAL", "synchronous = FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self.declare(_SCHEMA)

    def declare(self, schema: str) -> None:
        """Make the tables of one service, where they are not there yet."""
        with self._lock:
            self._connection.executescript(schema)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to read with."""
        with self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection in a transaction, committed and synced at the end. It may be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def secret(self) -> bytes:
        """Return the folder's own key, with which tokens are signed; drawn once."""
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO settings VALUES ('secret', ?)", (secrets.token_hex(16),))
            row = connection.execute("SELECT value FROM settings WHERE name = 'secret'").fetchone()
        return bytes.fromhex(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
