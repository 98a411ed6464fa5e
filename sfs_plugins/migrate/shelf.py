"""Records kept on disk by their ids, where a store cannot be asked for single records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfs_core import FeatureGroup, in_temporary_file, record_ids, records_from, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

_PAGE = 10_000
_ASKED = 500


def _database() -> sqlite3.Connection:
    # a database without a name is a file of SQLite's own, which goes with the connection
    database = sqlite3.connect("", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
        "CREATE TABLE records (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID"
    )
    return database


@dataclass
class Shelf:
    """Records of a group by their ids; a later one takes an earlier one's place. Memory is flat.

    Raises TemporaryFileFull.
    """

    group: FeatureGroup
    _records: sqlite3.Connection = field(default_factory=_database)

    def put(self, records: pa.RecordBatch) -> None:
        """Put records in, in order."""
        ids = records.column(self.group.record_identifier).to_pylist()
        texts = (json.dumps(row, ensure_ascii=False) for row in rows_of(records))
        with in_temporary_file():
            self._records.execute("BEGIN")
            self._records.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)", zip(ids, texts, strict=True))
            self._records.execute("COMMIT")

    def remove(self, ids: Sequence[str]) -> None:
        """Take records out; ids that are not there are fine."""
        with in_temporary_file():
            self._records.execute("BEGIN")
            self._records.executemany("DELETE FROM records WHERE id = ?", ((one,) for one in ids))
            self._records.execute("COMMIT")

    def read(self, ids: Sequence[str]) -> pa.RecordBatch:
        """Return the records of `ids` that are there, in any order."""
        texts: list[str] = []
        for start in range(0, len(ids), _ASKED):
            some = ids[start : start + _ASKED]
            marks = ", ".join("?" for _ in some)
            found = self._records.execute(f"SELECT record FROM records WHERE id IN ({marks})", some)
            texts += [row[0] for row in found]
        return records_from(self.group.features, map(json.loads, texts))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield every record, by id."""
        after = ""
        query = f"SELECT id, record FROM records WHERE id > ? ORDER BY id LIMIT {_PAGE}"
        while found := self._records.execute(query, (after,)).fetchall():
            after = found[-1][0]
            yield records_from(self.group.features, (json.loads(record) for _, record in found))

    def ids(self) -> Iterator[pa.RecordBatch]:
        """Yield every record id."""
        for batch in self.batches():
            yield record_ids(batch.column(self.group.record_identifier).to_pylist())

    def close(self) -> None:
        """Forget every record."""
        self._records.close()
