"""Settled versions in the Glue format: one Parquet file for each hour of event time.

Each file is written beside the store and moved into place. The files of one writing have the same names whenever they
are written, so that after a kill they replace each other; the buffered batches are forgotten once all are on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import API_INVOCATION_TIME, WRITE_TIME, move_into_place, sync_files
from sfs_plugins.local_store import buffer, layout
from sfs_plugins.local_store.buffer import EVENT_SECONDS, Writing
from sfs_plugins.local_store.database import Database

if TYPE_CHECKING:
    import pyarrow as pa

_WRITERS = 4


@dataclass(frozen=True)
class GlueFiles:
    """The files of a group's Glue table under `root`; `workshop` is where they are made, on the same disk."""

    database: Database
    root: Path
    workshop: Path
    event_time: str

    def settle(self, rows: pa.Table, writing: Writing) -> None:
        """Write the rows of a writing, then forget it."""
        self.workshop.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(_WRITERS) as pool:
            parts = ((part, writing.writing, hour) for hour, part in _by_hour(rows))
            sync_files(list(pool.map(lambda part: self._place(*part), parts)), self.root)
        with self.database.writing() as connection:
            buffer.end(connection, writing)

    def paths(self, copies: Path) -> Sequence[Path]:
        """Return the files under the root; none needs a copy."""
        return layout.parquet_files(self.root)

    def _place(self, rows: pa.Table, writing: int, hour: int) -> Path:
        """Write the rows of one hour; the file is whole before it has its name."""
        import pyarrow.parquet as pq

        latest = rows.column(EVENT_SECONDS)[-1].as_py()
        name = layout.object_name(latest, writing, hour)
        made, place = self.workshop / name, self.root / "data" / layout.partition(hour) / name
        pq.write_table(
            rows.drop_columns(EVENT_SECONDS), made, store_schema=False, use_dictionary=rows.num_rows > 1000,
            write_statistics=[API_INVOCATION_TIME, WRITE_TIME, self.event_time],
        )  # fmt: skip
        move_into_place(made, place)
        return place


def _by_hour(rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Yield each hour since 1970 that sorted rows fall into, and its rows."""
    import pyarrow.compute as pc

    # whole hours towards the past, also before 1970
    seconds = rows.column(EVENT_SECONDS)
    hours = pc.floor(pc.divide(seconds.cast("float64"), 3600.0)).cast("int64")
    encoded = pc.run_end_encode(hours.combine_chunks())
    start = 0
    for end, hour in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield hour, rows.slice(start, end - start)
        start = end
