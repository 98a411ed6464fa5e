"""SQLite files of the embedded store: opening them, lending connections to threads, transactions, locks."""

from __future__ import annotations

import sqlite3
import threading
import time
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
_WORTH_WAITING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_PAUSE_SECONDS = 0.02


@dataclass
class Database:
    """One SQLite file, made with `schema` by its first user; connections are lent, one borrower at a time each.

    `folder` is the store's, which errors name.
    """

    folder: Path
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
        with told_of(self.folder):
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
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            try:
                return self._opened()
            except sqlite3.OperationalError as error:
                # two processes that make the file at once: SQLite does not wait where the journal mode is changed
                if error.sqlite_errorcode & 0xFF not in _WORTH_WAITING or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _opened(self) -> sqlite3.Connection:
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
        with told_of(self.folder):
            while self._free:
                self._free.pop().close()

    def remove(self) -> None:
        """Delete the file and what SQLite keeps beside it."""
        self.close()
        with told_of(self.folder):
            for suffix in ("-wal", "-shm", ""):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


@contextmanager
def only_one(folder: Path, path: Path, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock `path` of the store in `folder` against other threads and processes; it ends with its holder."""
    with told_of(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            connection.close()
