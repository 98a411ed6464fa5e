"""The state machine finds stores that are nearly right: it is a test only if it can fail."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pytest

from sfs_core import (
    Batch,
    Delete,
    EventTime,
    Fact,
    FeatureGroup,
    NewFeatureGroup,
    OfflineQuery,
    OnlineRecords,
    RecordId,
    TtlDuration,
    Value,
    Versions,
)
from sfs_core.testing import MemoryStore
from sfs_core.testing.machine import operations
from sfs_core.testing.online_model import Item, OnlineModel


class TiesCount(OnlineModel):
    """A put of the same event time replaces the record."""

    def put(
        self,
        record_id: str,
        record: Mapping[str, Value],
        event_time: EventTime,
        ttl: TtlDuration | None,
        now: EventTime,
    ) -> bool:
        there = self.item(record_id, now)
        if there is not None and event_time == there.event_time:
            del self.items[record_id]
        return super().put(record_id, record, event_time, ttl, now)


class PutsMerge(OnlineModel):
    """A put keeps the features it does not name."""

    def put(
        self,
        record_id: str,
        record: Mapping[str, Value],
        event_time: EventTime,
        ttl: TtlDuration | None,
        now: EventTime,
    ) -> bool:
        there = self.live(record_id, now)
        return super().put(record_id, {**((there and there.record) or {}), **record}, event_time, ttl, now)


class TimesToLiveCountFromNow(OnlineModel):
    """A record expires its time to live after it was put."""

    def put(
        self,
        record_id: str,
        record: Mapping[str, Value],
        event_time: EventTime,
        ttl: TtlDuration | None,
        now: EventTime,
    ) -> bool:
        applied = super().put(record_id, record, event_time, None, now)
        if applied and ttl is not None:
            self.items[record_id] = Item(event_time, dict(record), now.plus(ttl.nanoseconds), now)
        return applied


class StaleSoftDeletesHide(OnlineModel):
    """A soft delete hides the record whatever its event time."""

    def soft_delete(self, record_id: str, event_time: EventTime, now: EventTime) -> None:
        there = self.item(record_id, now)
        super().soft_delete(record_id, max(event_time, there.event_time.plus(1)) if there else event_time, now)


class SoftDeletesForget(OnlineModel):
    """A soft delete leaves no tombstone."""

    def soft_delete(self, record_id: str, event_time: EventTime, now: EventTime) -> None:
        self.hard_delete(record_id, event_time, now)


class AbsentIdsLeaveTombstones(OnlineModel):
    """A soft delete of what is not there keeps its event time."""

    def soft_delete(self, record_id: str, event_time: EventTime, now: EventTime) -> None:
        if self.item(record_id, now) is None:
            self.put(record_id, {}, event_time.plus(-1), None, now)
        super().soft_delete(record_id, event_time, now)


class ExpiredRecordsAreRemembered(OnlineModel):
    """An expired record still stands in the way of older puts."""

    def put(
        self,
        record_id: str,
        record: Mapping[str, Value],
        event_time: EventTime,
        ttl: TtlDuration | None,
        now: EventTime,
    ) -> bool:
        there = self.items.get(record_id)
        if there is not None and event_time <= there.event_time:
            return False
        return super().put(record_id, record, event_time, ttl, now)


ONLINE = [
    TiesCount,
    PutsMerge,
    TimesToLiveCountFromNow,
    StaleSoftDeletesHide,
    SoftDeletesForget,
    AbsentIdsLeaveTombstones,
    ExpiredRecordsAreRemembered,
]


@pytest.mark.parametrize("wrong", ONLINE)
def test_an_online_store_with_one_wrong_rule_is_found_out(wrong: type[OnlineModel]) -> None:
    class WrongStore(MemoryStore):
        def create(self, new: NewFeatureGroup) -> None:
            super().create(new)
            self.state.catalogue.models[new.name].online = wrong()

    with pytest.raises(AssertionError):
        operations(lambda clock: WrongStore(clock=clock), examples=60, shrink=False)


class DropsMarkersFirst(MemoryStore):
    """Delete markers are dropped before versions are ranked, so that deleted records come back."""

    def versions(self, group: FeatureGroup, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
        if query.versions is Versions.HISTORY:
            yield from super().versions(group, query)
            return
        with self.state.lock:
            rows = self.state.objects.rows
            kept = {key: [version for version in versions if not version.is_deleted] for key, versions in rows.items()}
            self.state.objects.rows = kept
            try:
                yield from list(super().versions(group, query))
            finally:
                self.state.objects.rows = rows


class LosesARowNowAndThen(MemoryStore):
    """Now and then a row does not reach the offline store."""

    def delete_records(self, group: FeatureGroup, batches: Iterator[Batch], how: Delete) -> Iterator[Fact]:  # type: ignore[override]
        yield from super().delete_records(group, batches, how)
        for versions in self.state.objects.rows.values():
            if len(versions) > 5 and self.state.objects.written % 7 == 0:
                versions.pop()
                return


class TellsARecordTwice(MemoryStore):
    """One of the records read comes twice."""

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        found = super().read(group, ids, features)
        again = pa.concat_batches([found.records, found.records.slice(0, 1)])
        return OnlineRecords(again, pa.concat_arrays([found.expires_at, found.expires_at.slice(0, 1)]))


@pytest.mark.parametrize("wrong", [DropsMarkersFirst, LosesARowNowAndThen, TellsARecordTwice])
def test_a_store_that_tells_something_wrong_is_found_out(wrong: type[MemoryStore]) -> None:
    with pytest.raises(AssertionError):
        operations(lambda clock: wrong(clock=clock), examples=60, shrink=False)


def test_the_model_agrees_with_itself_and_the_operations_are_counted() -> None:
    done = operations(lambda clock: MemoryStore(clock=clock), examples=10)

    assert done > 1000
