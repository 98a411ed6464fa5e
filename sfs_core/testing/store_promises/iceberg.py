"""Promises about an offline store that is an Iceberg table: emptied by the day, never by deleting files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sfs_core.clock import SetClock
from sfs_core.errors import BadDefinition, FilesOfATable, Refused
from sfs_core.event_time import NANOS
from sfs_core.facts import DAY, Batch
from sfs_core.model import FeatureDefinition, FeatureGroup, TableFormat
from sfs_core.store import GroupChange, Store
from sfs_core.testing.groups import (
    ONE,
    THREE,
    TWO,
    delete,
    delete_objects,
    history,
    latest,
    new_group,
    objects_in,
    online,
    put,
    record,
)
from sfs_core.testing.store_promises.base import StorePromises
from sfs_core.testing.store_promises.objects import held

NEXT_DAY, NEXT_YEAR = "2025-06-02T00:00:00Z", "2026-06-01T23:59:59.999999999Z"


def days_in(store: Store, group: FeatureGroup) -> dict[str, int]:
    """Return how many versions there are of each event day."""
    store.settle(group)
    store.settle(group)
    rows = [row for batch in store.offline_days(group) for row in batch.to_pylist()]
    found = {row[DAY]: row["records"] for row in rows}
    assert len(found) == len(rows)
    return found


def delete_days(store: Store, group: FeatureGroup, *batches: list[str]) -> None:
    """Delete days, and see that each is accounted for."""
    import pyarrow as pa

    def numbered() -> Iterator[Batch]:
        for number, days in enumerate(batches):
            yield Batch(number, pa.record_batch({DAY: pa.array(days, pa.string())}))

    store.settle(group)
    store.settle(group)
    facts = list(store.delete_days(group, numbered()))
    assert [(fact.done, fact.remarks) for fact in facts] == [(len(days), ()) for days in batches]


class IcebergPromises(StorePromises):
    """Promises about an offline store that is an Iceberg table."""

    table_format = TableFormat.ICEBERG

    def test_the_group_says_what_its_table_is(self, store: Store) -> None:
        group = self.make(store, new_group())

        assert group.offline is not None
        assert group.offline.table_format is TableFormat.ICEBERG
        assert group.offline.table is not None

    def test_versions_are_counted_by_the_day_of_their_event_time(self, store: Store) -> None:
        """In UTC; delete markers count."""
        group = self.fill(store, new_group(), record("1", ONE), record("1", TWO), record("2", NEXT_YEAR))
        delete(store, group, "1", at=THREE)

        assert days_in(store, group) == {"2025-06-01": 3, "2026-06-01": 1}

    def test_an_empty_table_has_no_days(self, store: Store) -> None:
        assert days_in(store, self.make(store, new_group())) == {}

    def test_days_are_deleted_with_every_version_and_marker(self, store: Store) -> None:
        group = self.fill(
            store, new_group(), record("1", ONE), record("2", ONE), record("2", NEXT_DAY), record("3", NEXT_YEAR)
        )
        delete(store, group, "1", at=TWO)

        delete_days(store, group, ["2025-06-01", "2025-06-03"], ["2026-06-01"])

        assert days_in(store, group) == {"2025-06-02": 1}
        assert latest(store, group) == [record("2", NEXT_DAY)]
        assert len(history(store, group)) == 1

    def test_the_online_store_is_left_as_it_is(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        delete_days(store, group, ["2025-06-01"])

        assert online(store, group) == [record("1", ONE)]

    def test_an_emptied_table_takes_new_records(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete_days(store, group, ["2025-06-01"])

        put(store, group, record("2", TWO))

        assert latest(store, group) == [record("2", TWO)]

    def test_compacting_changes_nothing_that_is_told(self, store: Store, clock: SetClock) -> None:
        group = self.make(store, new_group())
        for city in ("a", "b", "c"):
            clock.instant = clock.instant.plus(NANOS)
            put(store, group, record("1", ONE, city=city), record("2", NEXT_DAY, city=city))
            store.settle(group)
        before = latest(store, group), history(store, group)

        store.compact(group)

        assert (latest(store, group), history(store, group)) == before
        assert days_in(store, group) == {"2025-06-01": 3, "2025-06-02": 3}

    def test_an_added_feature_is_absent_from_older_records(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo"))
        store.settle(group)

        wider = self.change(store, group, GroupChange(add_features=(FeatureDefinition.parse("colour:String"),)))
        put(store, wider, record("2", TWO, colour="red"))

        assert latest(store, wider) == [record("1", ONE, city="Oslo"), record("2", TWO, colour="red")]

    def test_a_version_written_since_is_held(self, store: Store) -> None:
        group = self.fill(store, new_group(online=False), record("1", TWO), record("1", TWO))
        store.settle(group)

        assert held(store, group, *[record("1", TWO)] * 3, record("2", TWO)) == [True, True, False, False]

    def test_the_files_of_the_table_are_listed_and_not_deleted_one_by_one(self, store: Store) -> None:
        """[37] That would corrupt it."""
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)
        keys = objects_in(store, group)

        with pytest.raises(FilesOfATable):
            delete_objects(store, group, *keys)

        assert keys
        assert latest(store, group) == [record("1", ONE)]

    def test_the_files_of_a_deleted_group_stay_and_can_be_deleted(self, store: Store) -> None:
        """[38]."""
        group = self.fill(store, new_group(), record("1", ONE))
        self.remove(store, group)
        keys = objects_in(store, group)

        assert keys
        assert delete_objects(store, group, *keys) == []
        assert objects_in(store, group) == []

    def test_a_group_made_anew_is_not_emptied_in_place_of_the_one_described(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        self.remove(store, group)
        again = self.fill(store, new_group(), record("2", ONE))

        with pytest.raises(Refused):
            delete_days(store, group, ["2025-06-01"])

        assert latest(store, again) == [record("2", ONE)]

    def test_a_group_with_an_event_time_in_seconds_has_no_iceberg_table(self, store: Store) -> None:
        """[26]."""
        new = new_group(event_time="at:Fractional")
        assert new.offline is not None

        with pytest.raises(BadDefinition):
            store.create(replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG)))
