"""Comparing two histories: every version that one has must be in the other, as often."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfs_core import IS_DELETED, FeatureGroup
from sfs_plugins.migrate.comparison import Difference, Example, Tally, meaning_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class CompareVersions:
    """Compares versions by what they mean, on disk; `extra` counts those of the target that are not expected, too."""

    group: FeatureGroup
    extra: bool

    def run(self, expected: Iterable[pa.RecordBatch], found: Iterable[pa.RecordBatch]) -> Tally:
        """Return what differs; a version is compared as often as it is expected or there."""
        tally = Tally()
        # a database without a name is a file of SQLite's own, which goes with the connection
        with closing(sqlite3.connect("", isolation_level=None)) as database:
            database.executescript(
                "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE versions "
                "(digest BLOB PRIMARY KEY, id TEXT, at TEXT, expected INTEGER, found INTEGER) WITHOUT ROWID"
            )
            for column, batches in (("expected", expected), ("found", found)):
                for batch in batches:
                    self._count(database, column, batch)
            rows = database.execute(
                "SELECT id, at, expected, found FROM versions" + ("" if self.extra else " WHERE expected > 0")
            )
            for record_id, at, wanted, there in rows:
                tally.compared += max(wanted, there) if self.extra else wanted
                for kind, count in ((Difference.MISSING, wanted - there), (Difference.EXTRA, there - wanted)):
                    for _ in range(count if self.extra or kind is Difference.MISSING else 0):
                        tally.add(Example(kind, record_id, self.group.event_time, at))
        return tally

    def _count(self, database: sqlite3.Connection, column: str, batch: pa.RecordBatch) -> None:
        database.execute("BEGIN")
        database.executemany(
            f"INSERT INTO versions VALUES (?, ?, ?, {int(column == 'expected')}, {int(column == 'found')}) "
            f"ON CONFLICT (digest) DO UPDATE SET {column} = {column} + 1",
            self._digests(batch),
        )
        database.execute("COMMIT")

    def _digests(self, batch: pa.RecordBatch) -> Iterator[tuple[bytes, str, str]]:
        """Yield each version as what is equal for versions that mean the same, with its record id and event time."""
        identifier, event_time = self.group.record_identifier, self.group.event_time
        others = [feature for feature in self.group.features if feature.name not in (identifier, event_time)]
        meanings = [(feature.name, meaning_of(feature)) for feature in others]
        for row in batch.to_pylist():
            marked = bool(row.get(IS_DELETED))
            values = [None if marked else meaning(row.get(name)) for name, meaning in meanings]
            version = repr((row[identifier], self._instant(row[event_time]), marked, values))
            yield hashlib.blake2b(version.encode(), digest_size=16).digest(), row[identifier], row[event_time]

    def _instant(self, text: str) -> Any:
        # an offline store keeps Unix seconds as a double
        return float(text) if self.group.event_time_in_seconds else self.group.parse_event_time(text).nanoseconds
