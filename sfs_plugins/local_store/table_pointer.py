"""Which metadata file of a group's Iceberg table is the current one: kept in the group's own database.

So a commit of the table can be one transaction with whatever else must happen at the same moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from sfs_plugins.local_store import online
from sfs_plugins.local_store.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS iceberg_table (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1), metadata TEXT NOT NULL);
"""


def _nothing(connection: sqlite3.Connection) -> None:
    """Do nothing besides."""


@dataclass(frozen=True)
class TablePointer:
    """The pointer of one group's table; `also` is done in the transaction of a swap, if it takes place."""

    database: Database
    also: Callable[[sqlite3.Connection], None] = _nothing

    def location(self) -> str | None:
        """Return the s3:// URI of the current metadata file, None before there is a table."""
        if not self.database.exists():
            return None
        with self.database.reading() as connection:
            return current(connection)

    def swap(self, old: str | None, new: str) -> bool:
        """Point to `new` if it pointed to `old` and the group is not gone; tell whether it did. Durable."""
        with self.database.writing() as connection:
            if online.is_gone(connection) or current(connection) != old:
                return False
            connection.execute("INSERT OR REPLACE INTO iceberg_table VALUES (1, ?)", (new,))
            self.also(connection)
            return True


def current(connection: sqlite3.Connection) -> str | None:
    """Return the location of the current metadata file, None before there is a table."""
    row = connection.execute("SELECT metadata FROM iceberg_table").fetchone()
    return None if row is None else str(row[0])
