"""A feature group's Iceberg table in a folder, with its pointer in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.table import Table

from sfs_core import FeatureGroup, TableFormat
from sfs_core.testing import MemoryStore, created, new_group
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import live_files
from sfs_plugins.iceberg.tables import make_table

NOON = pa.scalar(1_748_779_200_000_000).cast(pa.timestamp("us", "UTC"))


@dataclass
class Pointer:
    """A pointer that others can be given a moment to move, just before it is swapped."""

    current: str | None = None
    before_swap: Callable[[], None] | None = None

    def location(self) -> str | None:
        return self.current

    def swap(self, old: str | None, new: str) -> bool:
        act, self.before_swap = self.before_swap, None
        if act is not None:
            act()
        if self.current != old:
            return False
        self.current = new
        return True


@pytest.fixture
def group() -> FeatureGroup:
    group = created(MemoryStore(), new_group("orders", "city-name:String", "items:Integral", "amount:Fractional"))
    assert group.offline is not None
    return replace(group, offline=replace(group.offline, table_format=TableFormat.ICEBERG))


@pytest.fixture
def pointer() -> Pointer:
    return Pointer()


@pytest.fixture
def files(tmp_path: Path) -> FolderIO:
    return FolderIO(tmp_path / "store")


@pytest.fixture
def table(group: FeatureGroup, pointer: Pointer, files: FolderIO) -> Table:
    return make_table(group, pointer, files)


def rows(*versions: tuple[str, str]) -> pa.Table:
    """Return a record for each pair of id and event time."""
    ids, times = zip(*versions, strict=True)
    columns = {"id": ids, "at": times, "is_deleted": [False] * len(ids)}
    return pa.table(columns).append_column("write_time", pa.repeat(NOON, len(ids)))


@dataclass(frozen=True)
class Seen:
    """Reads a table as any Parquet reader would, file by file."""

    scratch: Path

    def __call__(self, table: Table) -> list[tuple[str, str]]:
        """Return id and event time of every record, in the order written."""
        parts = [pq.ParquetFile(file.path).read(["id", "at"]) for file in live_files(table, self.scratch)]
        return [(row["id"], row["at"]) for part in parts for row in part.to_pylist()]


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    (tmp_path / "scratch").mkdir()
    return Seen(tmp_path / "scratch")


def objects(files: FolderIO, suffix: str = ".parquet") -> set[str]:
    """Return the names of the files in the folder that end so."""
    return {path.name for path in files.folder.rglob(f"*{suffix}")}
