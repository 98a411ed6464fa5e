"""Record ids once each, kept in a temporary file: a listing may repeat itself, and so would what reads by ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core.arrow import record_ids
from sfs_core.errors import StoreUnavailable
from sfs_core.messages import Message
from sfs_core.ports import Source

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session


class TemporaryFileFull(StoreUnavailable):
    """What is kept on disk for a while has no room there."""

    sentence = (
        "what was read so far cannot be kept in a temporary file ({problem}): free some space there, or name "
        "another folder in SQLITE_TMPDIR"
    )


@contextmanager
def in_temporary_file() -> Iterator[None]:
    """Tell of a temporary database of SQLite's that cannot be written. Raises TemporaryFileFull."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise TemporaryFileFull(problem=error) from error


@dataclass(frozen=True, slots=True)
class DistinctIds:
    """Record ids, each once: a listing may repeat itself, and an offline store keeps what is put twice."""

    ids: Source

    def describe(self) -> Message:
        """Return the noun phrase."""
        return self.ids.describe()

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids in the order they come first; those seen are kept on disk, so memory stays flat."""
        with closing(IdSet()) as seen:
            for batch in self.ids.batches(session):
                new = seen.add(batch.column(0).to_pylist())
                if new:
                    yield record_ids(new)


class IdSet:
    """A set of record ids on disk, gone when it is closed. Raises TemporaryFileFull."""

    def __init__(self) -> None:
        # a database without a name is a file of SQLite's own, which goes with the connection
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID"
        )

    def add(self, ids: list[str]) -> list[str]:
        """Put ids in, and return those that were not in before, each once, in order."""
        insert = "INSERT OR IGNORE INTO ids VALUES (?)"
        with in_temporary_file():
            self._database.execute("BEGIN")
            new = [record_id for record_id in ids if self._database.execute(insert, (record_id,)).rowcount]
            self._database.execute("COMMIT")
        return new

    def close(self) -> None:
        """Forget every id."""
        self._database.close()
