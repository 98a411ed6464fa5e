"""SQLite files of the embedded store: opening them, lending connections to threads, transactions, locks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sfs_plugins.local_store.errors import told_of

# a commit of the WAL is synced (FULL), so that what is acknowledged survives a kill and a power cut; the WAL is
# copied back every 16,000 pages, which halves the writing of a bulk load and bounds the WAL near 64 MB
_PRAGMAS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 8000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32768",
    "PRAGMA temp_store = FILE",
)


@dataclass
class Database:
    """One SQLite file, made with `schema` by its first writer; connections are lent, one borrower at a time each."""

    path: Path
    schema: str
    timeout_seconds: float
    _free: list[sqlite3.Connection] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def exists(self) -> bool:
        """Tell whether the file has been made."""
        return self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to read with, outside a transaction. The file must exist."""
        with told_of(self.path.parent):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a write transaction, committed at the end, rolled back when an error is raised.

        Threads of this process take turns here, other processes by SQLite's lock, for at most `timeout_seconds`.
        """
        with self._turn, self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                # a failed COMMIT (disk full) leaves the transaction open; SQLite may also have ended it itself
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _take(self) -> sqlite3.Connection:
        try:
            return self._free.pop()
        except IndexError:
            return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        self._free.append(connection)

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=self.timeout_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            connection.executescript(self.schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connections that are not lent out."""
        with told_of(self.path.parent):
            while self._free:
                self._free.pop().close()

    def remove(self) -> None:
        """Delete the file and what SQLite keeps beside it."""
        self.close()
        with told_of(self.path.parent):
            for suffix in ("-wal", "-shm", ""):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


@contextmanager
def only_one(path: Path, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock `path` against other threads and processes; it is freed by the system when its holder dies."""
    with told_of(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            connection.close()
