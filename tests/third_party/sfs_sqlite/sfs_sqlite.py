"""Record ids from a SQLite query: `sagemaker-fs clear orders --ids sqlite --sqlite-database ids.db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sfs_core import FeatureGroup, FileUnreadable, Message, RecordIdSource, Session, hookimpl, option, record_ids, say

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class SqliteRecordIds:
    """Record ids in the first column of a SQLite query."""

    name: ClassVar[str] = "sqlite"
    group: FeatureGroup
    database: Path = option("SQLite file to read.")
    query: str = option("Query whose first column is the record id.", default="SELECT id FROM ids")

    def describe(self) -> Message:
        """Return the noun phrase of the plan."""
        return say("record ids of {query!r} in {database}", query=self.query, database=self.database)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of 10,000 ids, in the query's order. Raises FileUnreadable."""
        try:
            # read-only, because SQLite makes an empty file of one that is not there
            with closing(sqlite3.connect(f"{self.database.absolute().as_uri()}?mode=ro", uri=True)) as database:
                rows = database.execute(self.query)
                while batch := [str(row[0]) for row in rows.fetchmany(10_000)]:
                    yield record_ids(batch)
        except sqlite3.Error as error:
            raise FileUnreadable(path=self.database, problem=error) from error


@hookimpl
def sfs_record_id_sources() -> tuple[type[RecordIdSource], ...]:
    """Return the source, to be chosen with `--ids sqlite`."""
    return (SqliteRecordIds,)
