"""Bringing buffered offline writes to Parquet: once and only once, whatever is killed in between.

Under the group's lock: write down which batches are chosen; write each partition's file beside the store and move it
into place; forget the batches. What was begun and not ended is done again first: the same batches give files of the
same names, which replace each other, so that nothing is lost and nothing comes twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import API_INVOCATION_TIME, IS_DELETED, SYSTEM_COLUMNS, WRITE_TIME, FeatureDefinition, typed
from sfs_plugins.local_store import buffer, layout
from sfs_plugins.local_store.buffer import EVENT_SECONDS, Writing
from sfs_plugins.local_store.database import Database, only_one

if TYPE_CHECKING:
    import pyarrow as pa

_WRITERS = 4
_MOVES = 20
_MANY_FILES = 50


@dataclass(frozen=True)
class Settling:
    """Brings one group's buffered writes under `root`; rows count as written `delay_us` after they were accepted.

    `features` tells the group's features as they are now: asked once the batches are chosen, so that none has more.
    """

    database: Database
    root: Path
    delay_us: int
    event_time: str
    features: Callable[[], Sequence[FeatureDefinition]]

    @property
    def _workshop(self) -> Path:
        """Where files are made, on the same disk as their place."""
        return self.database.path.with_suffix(".writing")

    def run(self, now_us: int, *, everything: bool) -> None:
        """Write what is due at `now_us`, or everything; finish first what a killed process began."""
        if not self.database.exists():
            return
        with self.database.reading() as connection:
            if buffer.is_empty(connection):
                return
        with self.paused():
            while (writing := self._begin(now_us, everything=everything)) is not None:
                self._finish(writing)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold the group's lock, once what a killed process began is finished: buffer and files have nothing twice."""
        with only_one(self.database.folder, self.database.path.with_suffix(".lock"), self.database.timeout_seconds * 4):
            for leftover in self._workshop.glob("*"):
                leftover.unlink()
            with self.database.reading() as connection:
                writing = buffer.begun(connection)
            if writing is not None:
                self._finish(writing)
            yield

    def _finish(self, writing: Writing) -> None:
        self._write(writing)
        with self.database.writing() as connection:
            buffer.end(connection, writing)

    def _begin(self, now_us: int, *, everything: bool) -> Writing | None:
        with self.database.writing() as connection:
            return buffer.begin(connection, now_us, None if everything else now_us - self.delay_us)

    def _write(self, writing: Writing) -> None:
        with self.database.reading() as connection:
            rows = self._sorted(buffer.batches(connection, writing.numbers), writing)
        self._workshop.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(_WRITERS) as pool:
            parts = ((part, writing.writing, hour) for hour, part in _by_hour(rows))
            _sync(self.root, list(pool.map(lambda part: self._place(*part), parts)))

    def _sorted(self, batches: list[tuple[int, pa.RecordBatch]], writing: Writing) -> pa.Table:
        """Return the rows in the shape of the files, and beside it their event seconds, by which they are sorted."""
        import pyarrow as pa

        tables = []
        schema = self._schema()
        for accepted_us, rows in batches:
            accepted = _time(accepted_us, rows.num_rows)
            # accepted after the settling began, or by a process whose clock is ahead: never written before that
            written_us = min(max(writing.now_us, accepted_us), accepted_us + self.delay_us)
            written = _time(written_us, rows.num_rows)
            by_name = dict(zip(rows.schema.names, rows.columns, strict=True))
            by_name |= {API_INVOCATION_TIME: accepted, WRITE_TIME: written}
            columns = [by_name.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in schema]
            tables.append(pa.Table.from_arrays(columns, schema=schema))
        # the sort is stable: of two rows of one second, the one accepted first stays first
        return pa.concat_tables(tables).sort_by(EVENT_SECONDS).combine_chunks()

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        features = [(feature.name, typed(feature)) for feature in self.features()]
        stamp = pa.timestamp("us")
        kinds = {API_INVOCATION_TIME: stamp, WRITE_TIME: stamp, IS_DELETED: pa.bool_()}
        return pa.schema([*features, *((name, kinds[name]) for name in SYSTEM_COLUMNS), (EVENT_SECONDS, pa.int64())])

    def _place(self, rows: pa.Table, writing: int, hour: int) -> Path:
        """Write the rows of one hour; the file is whole before it has its name."""
        import pyarrow.parquet as pq

        latest = rows.column(EVENT_SECONDS)[-1].as_py()
        name = layout.object_name(latest, writing, hour)
        made, place = self._workshop / name, self.root / "data" / layout.partition(hour) / name
        pq.write_table(
            rows.drop_columns(EVENT_SECONDS), made, store_schema=False, use_dictionary=rows.num_rows > 1000,
            write_statistics=[API_INVOCATION_TIME, WRITE_TIME, self.event_time],
        )  # fmt: skip
        _move(made, place)
        return place


def _move(made: Path, place: Path) -> None:
    for attempt in range(_MOVES):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.replace(place)
        except FileNotFoundError:
            # the folder was empty for a moment, and a deletion of objects has tidied it away
            if attempt == _MOVES - 1:
                raise
        else:
            return


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


def _time(microseconds: int, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(microseconds, pa.int64()).cast(pa.timestamp("us")), count)


def _sync(root: Path, files: list[Path]) -> None:
    """See to it that files and the folders they are in survive a power cut, before their batches are forgotten."""
    if len(files) > _MANY_FILES and hasattr(os, "sync"):
        # one call for the whole disk: thousands one by one take minutes where others write too
        os.sync()
        return
    folders = {root / folder for file in files for folder in file.relative_to(root).parents}
    for path in (*files, *folders):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
