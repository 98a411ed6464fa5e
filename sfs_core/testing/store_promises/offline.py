"""Promises about what the offline store tells: the latest records, the history, and queries on them."""

from __future__ import annotations

import pytest

from sfs_core.clock import SetClock
from sfs_core.errors import BadOption, StoreNotEnabled, UnknownFeature
from sfs_core.event_time import EventTime
from sfs_core.facts import RECORD_ID
from sfs_core.model import FeatureGroup
from sfs_core.store import EventTimeRange, OfflineQuery, Store, Versions
from sfs_core.testing.groups import (
    FOUR,
    NOON,
    ONE,
    THREE,
    TWO,
    delete,
    history,
    latest,
    new_group,
    put,
    record,
    typed_rows,
)
from sfs_core.testing.store_promises.base import StorePromises

SECOND = 1_000_000_000


def at(text: str) -> EventTime:
    """Return the instant of an ISO 8601 text."""
    return EventTime.parse(text, seconds=False)


def asked(store: Store, group: FeatureGroup, **query: object) -> list[object]:
    """Return the cities of the latest records that a query gives, by id."""
    return [row["city"] for row in latest(store, group, OfflineQuery(**query))]  # type: ignore[arg-type]


class OfflinePromises(StorePromises):
    """Promises about what the offline store tells."""

    def test_the_latest_record_of_an_id_is_that_of_the_latest_event_time(self, store: Store) -> None:
        """In whichever order they were put."""
        group = self.fill(
            store, new_group(), record("1", THREE, city="new"), record("1", ONE, city="old"), record("2", ONE)
        )

        assert latest(store, group) == [record("1", THREE, city="new"), record("2", ONE)]

    def test_event_times_are_ranked_as_instants(self, store: Store) -> None:
        """[23] As a text, `01:00:00Z` is greater than `01:00:00.5Z`."""
        group = self.fill(
            store,
            new_group(),
            record("1", "2025-06-01T01:00:00.5Z", city="later"),
            record("1", "2025-06-01T01:00:00Z", city="earlier"),
        )

        assert latest(store, group) == [record("1", "2025-06-01T01:00:00.5Z", city="later")]

    def test_event_times_in_seconds_are_ranked_as_numbers(self, store: Store) -> None:
        group = self.fill(
            store,
            new_group(event_time="at:Fractional"),
            record("1", "1000000000", city="later"),
            record("1", "999999999.5", city="earlier"),
        )

        rows = [record("1", "999999999.5", city="earlier"), record("1", "1000000000", city="later")]
        assert typed_rows(group, latest(store, group)) == typed_rows(group, rows[1:])
        told = typed_rows(group, history(store, group), without=["api_invocation_time", "write_time", "is_deleted"])
        assert told == typed_rows(group, rows)

    def test_of_one_event_time_the_version_put_last_is_the_latest(self, store: Store, clock: SetClock) -> None:
        """[31] Online it is the one put first; offline duplicates are ranked by api_invocation_time."""
        group = self.fill(store, new_group(), record("1", ONE, city="first"))
        clock.instant = clock.instant.plus(SECOND)

        put(store, group, record("1", ONE, city="second"))

        assert latest(store, group) == [record("1", ONE, city="second")]
        assert [row["city"] for row in history(store, group)] == ["first", "second"]

    def test_delete_markers_are_dropped_after_ranking(self, store: Store) -> None:
        """[32] Else a deleted record would come back as it was before."""
        group = self.fill(store, new_group(), record("1", ONE), record("2", ONE))

        delete(store, group, "1", at=TWO)

        assert latest(store, group) == [record("2", ONE)]

    def test_a_marker_older_than_the_record_hides_nothing(self, store: Store) -> None:
        """[4]."""
        group = self.fill(store, new_group(), record("1", TWO))

        delete(store, group, "1", at=ONE)

        assert latest(store, group) == [record("1", TWO)]

    def test_the_history_has_every_version_in_order_of_event_time(self, store: Store) -> None:
        group = self.fill(store, new_group("orders", "city:String"))
        put(store, group, record("2", THREE, city="c"), record("1", ONE, city="a"))
        put(store, group, record("1", TWO, city="b"))
        delete(store, group, "1", at=FOUR)

        told = [(row["id"], row["at"], row.get("city"), row["is_deleted"]) for row in history(store, group)]

        assert told == [
            ("1", ONE, "a", False),
            ("1", TWO, "b", False),
            ("2", THREE, "c", False),
            ("1", FOUR, None, True),
        ]

    def test_versions_of_one_record_and_event_time_are_neighbours_in_the_history(
        self, store: Store, clock: SetClock
    ) -> None:
        """In the order put, so that the last of them is the newest."""
        group = self.make(store, new_group())
        for city in ("a", "b", "c"):
            clock.instant = clock.instant.plus(SECOND)
            put(store, group, record("2", ONE, city=city), record("1", ONE, city=city))

        told = [(row["id"], row["city"]) for row in history(store, group)]

        assert told == [("1", "a"), ("1", "b"), ("1", "c"), ("2", "a"), ("2", "b"), ("2", "c")]

    def test_the_history_tells_when_each_version_was_put_and_written(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)
        clock.instant = NOON.plus(60 * SECOND)
        put(store, group, record("1", TWO))

        rows = typed_rows(group, history(store, group))

        invoked, written = ([row[name] for row in rows] for name in ("api_invocation_time", "write_time"))
        assert invoked == [NOON, NOON.plus(60 * SECOND)]
        assert all(NOON <= time <= NOON.plus(60 * SECOND) for time in written if isinstance(time, EventTime))
        assert len(written) == 2

    def test_the_history_has_the_system_columns_and_the_latest_records_have_not(self, store: Store) -> None:
        """[33]."""
        group = self.fill(store, new_group("orders", "city:String"), record("1", ONE))
        store.settle(group)

        (of_latest,) = {tuple(batch.schema.names) for batch in store.versions(group, OfflineQuery())}
        (of_history,) = {tuple(batch.schema.names) for batch in store.versions(group, OfflineQuery(Versions.HISTORY))}

        assert of_latest == ("id", "at", "city")
        assert of_history[:3] == ("id", "at", "city")
        assert sorted(of_history[3:]) == ["api_invocation_time", "is_deleted", "write_time"]

    def test_an_empty_offline_store_tells_nothing(self, store: Store) -> None:
        group = self.make(store, new_group())

        assert latest(store, group) == []
        assert history(store, group) == []

    def test_a_group_without_an_offline_store_is_refused(self, store: Store) -> None:
        group = self.fill(store, new_group(offline=False), record("1", ONE))

        with pytest.raises(StoreNotEnabled):
            list(store.versions(group, OfflineQuery()))
        with pytest.raises(StoreNotEnabled):
            list(store.offline_objects(group))

    def test_event_times_are_bounded_before_versions_are_ranked(self, store: Store) -> None:
        """From the first instant on, before the second."""
        cities = [record("1", time, city=city) for time, city in ((ONE, "a"), (TWO, "b"), (THREE, "c"))]
        group = self.fill(store, new_group(), *cities)

        assert asked(store, group, event_time=EventTimeRange(None, at(THREE))) == ["b"]
        assert asked(store, group, event_time=EventTimeRange(at(TWO), at(THREE))) == ["b"]
        assert asked(store, group, event_time=EventTimeRange(at(THREE), None)) == ["c"]
        assert asked(store, group, event_time=EventTimeRange(at(FOUR), None)) == []
        between = OfflineQuery(Versions.HISTORY, event_time=EventTimeRange(at(ONE), at(THREE)))
        assert [row["city"] for row in history(store, group, between)] == ["a", "b"]

    def test_event_times_in_seconds_are_bounded_too(self, store: Store) -> None:
        group = self.fill(
            store,
            new_group(event_time="at:Fractional"),
            record("1", "1748739600", city="a"),
            record("1", "1748743200.5", city="b"),
        )

        assert asked(store, group, event_time=EventTimeRange(None, at(TWO))) == ["a"]
        assert asked(store, group, event_time=EventTimeRange(at(TWO), None)) == ["b"]

    def test_time_travel_shows_what_was_written_by_then(self, store: Store, clock: SetClock) -> None:
        """A version written later is not seen, even a marker, whatever its event time."""
        group = self.fill(store, new_group(), record("1", ONE, city="a"), record("2", TWO, city="b"))
        store.settle(group)
        clock.instant = NOON.plus(60 * SECOND)
        put(store, group, record("1", THREE, city="c"))
        delete(store, group, "2", at=FOUR)
        store.settle(group)

        assert asked(store, group, written_by=NOON) == ["a", "b"]
        assert asked(store, group, written_by=NOON.plus(60 * SECOND)) == ["c"]
        assert asked(store, group, written_by=NOON.plus(-1_000_000)) == []

    def test_a_condition_is_put_to_what_is_left_after_ranking(self, store: Store) -> None:
        group = self.fill(
            store,
            new_group(),
            record("1", ONE, city="Oslo", items="5"),
            record("1", TWO, city="Rome", items="5"),
            record("2", ONE, city="Oslo", items="15"),
            record("3", ONE, city="Bonn", amount="1.5"),
        )

        assert asked(store, group, where="city = 'Oslo'") == ["Oslo"]
        assert asked(store, group, where="items > 9 OR amount < 2") == ["Oslo", "Bonn"]
        assert asked(store, group, where="amount IS NULL AND \"id\" <> '2'") == ["Rome"]

    @pytest.mark.parametrize("where", ["nobody = 1", "city = ", "1 = 1; SELECT 1", "city = 'a') OR (1 = 1 --"])
    def test_a_condition_that_is_none_is_refused(self, store: Store, where: str) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo"))

        with pytest.raises(BadOption):
            latest(store, group, OfflineQuery(where=where))

    def test_no_more_than_the_limit_is_told(self, store: Store) -> None:
        group = self.fill(store, new_group(), *(record(str(number), ONE, city="x") for number in range(5)))

        assert len(latest(store, group, OfflineQuery(limit=2))) == 2
        assert len(latest(store, group, OfflineQuery(limit=9))) == 5
        assert len(history(store, group, OfflineQuery(Versions.HISTORY, limit=3))) == 3

    def test_only_the_features_asked_for_are_told(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo", items="5"))

        assert latest(store, group, OfflineQuery(features=("id", "items"))) == [{"id": "1", "items": "5"}]

    def test_a_feature_that_the_group_has_not_got_is_refused(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        with pytest.raises(UnknownFeature):
            latest(store, group, OfflineQuery(features=("id", "colour")))

    def test_a_record_put_twice_is_there_twice(self, store: Store) -> None:
        """[31] The offline store does not remove duplicates."""
        group = self.fill(store, new_group(), record("1", ONE), record("1", ONE))

        assert len(history(store, group)) == 2
        assert latest(store, group) == [record("1", ONE)]


def offline_ids(store: Store, group: FeatureGroup, event_time: EventTimeRange | None = None) -> list[str]:
    """Return the record ids that the offline store gives, as often as it gives them, sorted."""
    store.settle(group)
    batches = store.offline_record_ids(group, event_time)
    return sorted(one for batch in batches for one in batch.column(RECORD_ID).to_pylist())


class OfflineIdPromises(StorePromises):
    """Promises about the record ids of the offline store."""

    def test_each_id_comes_once_and_those_of_deleted_records_too(self, store: Store) -> None:
        """A delete marker alone is enough: its id may be a tombstone, or live online again."""
        group = self.fill(store, new_group(), record("1", ONE), record("1", TWO), record("2", ONE), record("3", ONE))
        delete(store, group, "2", "never put", at=THREE)

        assert offline_ids(store, group) == ["1", "2", "3", "never put"]

    def test_ids_are_those_with_a_version_in_the_range_of_event_times(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE), record("2", TWO), record("3", THREE), record("1", TWO))

        assert offline_ids(store, group, EventTimeRange(at(TWO), at(THREE))) == ["1", "2"]
        assert offline_ids(store, group, EventTimeRange(at(THREE), None)) == ["3"]

    def test_integral_ids_are_given_in_the_services_text(self, store: Store) -> None:
        group = self.make(store, new_group(record_identifier="id:Integral"))
        put(store, group, record("9223372036854775807", ONE), record("-5", ONE))

        assert offline_ids(store, group) == ["-5", "9223372036854775807"]

    def test_an_offline_store_that_holds_nothing_gives_no_ids(self, store: Store) -> None:
        assert offline_ids(store, self.make(store, new_group())) == []

    def test_offline_ids_of_a_group_without_an_offline_store_are_refused(self, store: Store) -> None:
        group = self.make(store, new_group(offline=False))

        with pytest.raises(StoreNotEnabled):
            list(store.offline_record_ids(group))
