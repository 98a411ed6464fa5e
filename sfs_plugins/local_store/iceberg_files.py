"""Settled versions in the Iceberg format: one Parquet file for each day of event time, and one snapshot a writing.

The snapshot becomes the current one in the transaction that forgets the buffered batches: killed before it, the files
belong to no table, and are written again under the same names; killed after it, there is nothing left to do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sfs_core import DAY, FeatureGroup
from sfs_plugins.local_store import buffer
from sfs_plugins.local_store.buffer import EVENT_SECONDS, Writing
from sfs_plugins.local_store.database import Database
from sfs_plugins.local_store.errors import TableElsewhere
from sfs_plugins.local_store.table_pointer import TablePointer

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.iceberg.file_io import FolderIO
    from sfs_plugins.iceberg.tables import Table

_HINT = "version-hint.text"
ASIDE = ".making"
"""The suffix of the folder where files are made without the group's lock."""


@dataclass(frozen=True)
class IcebergFiles:
    """The files of a group's Iceberg table, in the store's folder. `workshop` is where settled ones are made."""

    database: Database
    group: FeatureGroup
    workshop: Path

    @property
    def _files(self) -> FolderIO:
        """The folder, for what is done without the group's lock: its files are made beside the workshop."""
        from sfs_plugins.iceberg.file_io import FolderIO

        return FolderIO(self.database.folder, self.workshop.with_suffix(ASIDE))

    def table(self) -> Table:
        """Return the table with a column for every feature of the group; what a killed process left out is made."""
        from sfs_plugins.iceberg.tables import add_features, make_table

        table = make_table(self.group, TablePointer(self.database), self._files)
        return add_features(table, self.group)

    def settle(self, rows: pa.Table, writing: Writing) -> None:
        """Append the rows of a writing, and forget it in the same moment."""
        from sfs_plugins.iceberg.changing import append
        from sfs_plugins.iceberg.file_io import FolderIO
        from sfs_plugins.iceberg.tables import open_table

        def forget(connection: sqlite3.Connection) -> None:
            buffer.end(connection, writing)

        self.table()
        table = open_table(TablePointer(self.database, forget), FolderIO(self.database.folder, self.workshop))
        append(table, self.group.event_time, rows.drop_columns(EVENT_SECONDS), seed=str(writing.writing))

    def paths(self, copies: Path) -> Sequence[Path]:
        """Return the files of the current snapshot, or copies of what lives of them."""
        from sfs_plugins.iceberg.reading import live_files

        return [file.path for file in live_files(self.table(), copies)]

    def days(self) -> Iterator[pa.RecordBatch]:
        """Yield each event day and how many versions it has."""
        import pyarrow as pa

        from sfs_plugins.iceberg.reading import live_days

        table = self.table()
        with TemporaryDirectory(prefix="sagemaker-fs-") as copies:
            days = live_days(table, self.group.event_time, Path(copies))
        if days:
            records = pa.array(days.values(), pa.int64())
            yield pa.record_batch({DAY: pa.array(days, pa.string()), "records": records})

    def delete_days(self, days: Sequence[str]) -> None:
        """Delete every version of some days, in one snapshot."""
        from sfs_plugins.iceberg.changing import delete_days

        delete_days(self.table(), self.group.event_time, days)

    def compact(self, root: str) -> None:
        """Make few files of many, let go of snapshots that have reached their age, and of what only they show.

        Raises TableElsewhere, nothing changed, unless the table lies at `root`: another tool may have moved it.
        """
        from sfs_plugins.iceberg.compaction import compact
        from sfs_plugins.iceberg.upkeep import expire, remove_orphans

        table = self.table()
        if table.location().rstrip("/") != root.rstrip("/"):
            raise TableElsewhere(group=self.group.address, location=table.location(), root=root)
        with TemporaryDirectory(prefix="sagemaker-fs-") as copies:
            compact(table, self.group.event_time, Path(copies))
            expire(table)
            remove_orphans(table)

    def leave(self) -> None:
        """Write down which metadata file is the last, where any Iceberg reader looks for it: the group goes."""
        location = TablePointer(self.database).location()
        if location is None:
            return
        files = self._files
        metadata, _, name = location.rpartition("/")
        with files.new_output(f"{metadata}/{_HINT}").create(overwrite=True) as hint:
            hint.write(name.encode())
        files.sync()
