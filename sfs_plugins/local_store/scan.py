"""DuckDB over a feature group's own Parquet files: what it may read, how much memory it takes, what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    DiskFull,
    EventTime,
    FeatureGroup,
    SfsError,
    StoreUnavailable,
    TableFormat,
    say,
    typed,
)
from sfs_plugins.local_store import layout
from sfs_plugins.local_store.errors import told_of
from sfs_plugins.local_store.opened import Opened

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# what pyarrow and the process itself take comes on top: this keeps a query of any size below 512 MB, boto3 beside it;
# of more threads each would need as much again
_MEMORY = "100MB"


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(value: object) -> str:
    """Return a text, whole number, truth value or list of them as SQL."""
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class OfflineFiles:
    """A group's Parquet files, in the order written; they lie in `folders`. Errors name the store's `folder`."""

    group: FeatureGroup
    files: Sequence[Path]
    folders: Sequence[Path]
    folder: Path

    @property
    def has_zones(self) -> bool:
        """Whether the times of the system columns have a zone (UTC), as in Iceberg tables."""
        return self.group.offline is not None and self.group.offline.table_format is TableFormat.ICEBERG

    @contextmanager
    def connected(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
        """Lend a connection, and its scratch folder: it reads these files and that folder and nothing else."""
        import duckdb
        import pyarrow.parquet as pq

        with TemporaryDirectory(prefix="sagemaker-fs-") as scratch, duckdb.connect() as connection:
            pq.write_table(self._schema().empty_table(), Path(scratch, _SHAPE))
            for setting, value in (
                ("memory_limit", _MEMORY),
                ("threads", 1),
                ("enable_progress_bar", False),
                ("enable_external_file_cache", False),
                ("preserve_insertion_order", False),
                ("temp_directory", scratch),
                ("allowed_directories", [*map(str, self.folders), scratch]),
                ("enable_external_access", False),
                ("TimeZone", "UTC"),
                ("lock_configuration", True),
            ):
                connection.execute(f"SET {setting} = {literal(value)}")
            try:
                yield connection, Path(scratch)
            except duckdb.Error as error:
                raise self._told(error) from error

    def source(self, files: Sequence[Path], scratch: Path) -> str:
        """Return the SQL of a table of the files' lines; its `file_index` counts from 1, in the order of `files`."""
        # an empty file with every column comes first, so that one which no file has yet can be named
        paths = literal([str(file) for file in (scratch / _SHAPE, *files)])
        # to find out which columns there are, every file is opened once more: only where they may differ
        differ = self.group.last_update_status is not None or not all(layout.is_own_name(file.name) for file in files)
        return f"read_parquet({paths}, union_by_name = {literal(differ)}, hive_partitioning = false)"

    def moment(self, instant: EventTime) -> str:
        """Return an instant as SQL of the type of the system columns' times."""
        return f"make_timestamp{'tz' if self.has_zones else ''}({instant.nanoseconds // 1000})"

    def lines(self) -> list[int]:
        """Return how many lines each file has. Raises StoreUnavailable for one that is broken, or gone by now."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return [pq.read_metadata(file).num_rows for file in self.files]
        except (pa.ArrowException, OSError) as error:
            store = say("the embedded store in {folder}", folder=self.folder)
            raise StoreUnavailable(store=store, problem=str(error).partition("\n")[0]) from error

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        stamp = pa.timestamp("us", "UTC" if self.has_zones else None)
        features = [(feature.name, typed(feature)) for feature in self.group.features]
        return pa.schema([*features, (API_INVOCATION_TIME, stamp), (WRITE_TIME, stamp), (IS_DELETED, pa.bool_())])

    def _told(self, error: duckdb.Error) -> SfsError:
        """Return the user's error for one of DuckDB."""
        text = str(error)
        if "No space left" in text or "max_temp_directory_size" in text:
            return DiskFull(folder=self.folder)
        store = say("the embedded store in {folder}", folder=self.folder)
        return StoreUnavailable(store=store, problem=text.partition("\n")[0])


@contextmanager
def files_of(opened: Opened) -> Iterator[OfflineFiles]:
    """Lend the files of a group's offline store as they are now."""
    folder = opened.held.database.folder
    with TemporaryDirectory(prefix="sagemaker-fs-") as copies:
        with told_of(folder):
            files = opened.files().paths(Path(copies))
        yield OfflineFiles(opened.described, files, (opened.root or folder, Path(copies)), folder)


_SHAPE = "shape.parquet"
