"""Bringing buffered offline writes to disk: once and only once, whatever is killed in between.

Under the group's lock: write down which batches are chosen; hand their rows to the files of the group's table format,
which write them and forget the batches. What was begun and not ended is done again first, with the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import API_INVOCATION_TIME, IS_DELETED, SYSTEM_COLUMNS, WRITE_TIME, FeatureDefinition, typed
from sfs_plugins.local_store import buffer
from sfs_plugins.local_store.buffer import EVENT_SECONDS, Writing
from sfs_plugins.local_store.database import Database, only_one
from sfs_plugins.local_store.table_files import TableFiles

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Settling:
    """Brings one group's buffered writes to its files; rows count as written `delay_us` after they were accepted.

    `features` tells the group's features as they are now: asked once the batches are chosen, so that none has more.
    `workshop` is emptied of what a killed process left there.
    """

    database: Database
    files: TableFiles
    workshop: Path
    delay_us: int
    features: Callable[[], Sequence[FeatureDefinition]]

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

    def is_due(self, now_us: int) -> bool:
        """Tell whether something is due at `now_us`: what is not is left to whoever settles it, begun or not."""
        with self.database.reading() as connection:
            return buffer.has_accepted_until(connection, now_us - self.delay_us)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold the group's lock, once what a killed process began is finished: buffer and files have nothing twice."""
        with only_one(self.database.folder, self.database.path.with_suffix(".lock"), self.database.timeout_seconds * 4):
            for leftover in self.workshop.glob("*"):
                leftover.unlink()
            with self.database.reading() as connection:
                writing = buffer.begun(connection)
            if writing is not None:
                self._finish(writing)
            yield

    def _finish(self, writing: Writing) -> None:
        with self.database.reading() as connection:
            batches = buffer.batches(connection, writing.numbers)
        self.files.settle(self._sorted(batches, writing), writing)

    def _begin(self, now_us: int, *, everything: bool) -> Writing | None:
        with self.database.writing() as connection:
            return buffer.begin(connection, now_us, None if everything else now_us - self.delay_us)

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


def _time(microseconds: int, count: int) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(microseconds, pa.int64()).cast(pa.timestamp("us")), count)
