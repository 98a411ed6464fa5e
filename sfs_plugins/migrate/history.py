"""Reading every version of a feature group for a migration, in an order in which replaying them gives the same end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    IS_DELETED,
    TIES_AFTER,
    TIES_BEFORE,
    FeatureGroup,
    Message,
    MigrateRequest,
    MigrateRoute,
    OfflineQuery,
    OfflineRecords,
    OptionsConflict,
    Remark,
    Session,
    Source,
    TargetStore,
    Versions,
    instants,
    say,
)
from sfs_plugins.migrate.strategies import refuse_without

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class HistoryRecords:
    """Every version in the offline store, in event-time order; delete markers become soft deletes."""

    name: ClassVar[str] = "history"

    def route(self, request: MigrateRequest) -> MigrateRoute:
        """Return the route. Raises SourceLacksStore, OptionsConflict."""
        refuse_without(request.source, TargetStore.OFFLINE, self.name, "online")
        if request.ids is not None:
            raise OptionsConflict(first="--ids", second="--what history")
        if request.where is not None:
            # a delete marker has no values to judge by: left out, it would let a deleted record live again
            raise OptionsConflict(first="--where", second="--what history")
        query = OfflineQuery(Versions.HISTORY, event_time=request.event_time)
        versions = TiesTogether(request.source, OfflineRecords(request.source, query))
        return MigrateRoute(versions, (), skip_newer=False, replay=True)


@dataclass(frozen=True, slots=True)
class TiesTogether:
    """A history in batches that never part versions of one record and one event time."""

    group: FeatureGroup
    versions: Source

    def describe(self) -> Message:
        """Return the noun phrase."""
        return self.versions.describe()

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the versions in their order; the last ones of a batch wait until the next shows whether they tie."""
        import pyarrow as pa

        held: list[pa.RecordBatch] = []
        for batch in self.versions.batches(session):
            if batch.num_rows == 0:
                continue
            if held and self._key(batch, 0) != self._key(held[0], 0):
                yield from held_together(held)
                held = []
            last = self._key(batch, batch.num_rows - 1)
            start = batch.num_rows - 1
            while start > 0 and self._key(batch, start - 1) == last:
                start -= 1
            if start:
                yield pa.Table.from_batches([*held, batch.slice(0, start)]).combine_chunks().to_batches()[0]
                held = []
            held.append(batch.slice(start))
        yield from held_together(held)

    def _key(self, batch: pa.RecordBatch, row: int) -> tuple[object, object]:
        identifier, event_time = (
            batch.column(name)[row].as_py() for name in (self.group.record_identifier, self.group.event_time)
        )
        return identifier, self.group.parse_event_time(event_time)


def held_together(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches as one, nothing for none."""
    import pyarrow as pa

    if batches:
        yield pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


@dataclass(frozen=True, slots=True)
class MarkTies:
    """Says beside each version which others of the same record and event time come before it and after it."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("mark versions that tie")

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records with the columns TIES_BEFORE and TIES_AFTER, null where there are none."""
        import pyarrow as pa

        before: list[int | None] = [None] * records.num_rows
        after: list[int | None] = [None] * records.num_rows
        marked = records.column(IS_DELETED)
        for start, end in self._runs(records):
            kinds: Counter[bool] = Counter()
            for row in range(start, end):
                kind = marked[row].as_py()
                before[row], after[row] = kinds[kind] or None, end - 1 - row or None
                kinds[kind] += 1
        records = records.append_column(TIES_BEFORE, pa.array(before, pa.int32()))
        return records.append_column(TIES_AFTER, pa.array(after, pa.int32())), ()

    def _runs(self, records: pa.RecordBatch) -> Iterator[tuple[int, int]]:
        """Yield where each run of versions that tie starts and ends."""
        import pyarrow.compute as pc

        ids = records.column(self.group.record_identifier)
        times = instants(records.column(self.group.event_time), seconds=self.group.event_time_in_seconds)
        ties = None
        for column in (ids, *times):
            same = pc.equal(column.slice(0, len(column) - 1), column.slice(1)) if len(column) else None
            ties = same if ties is None or same is None else pc.and_(ties, same)
        rows: list[int] = pc.indices_nonzero(ties).to_pylist() if ties is not None else []
        start = 0
        for place, row in enumerate(rows):
            if place + 1 == len(rows) or rows[place + 1] != row + 1:
                yield rows[start], row + 2
                start = place + 1
