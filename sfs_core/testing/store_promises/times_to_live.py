"""Promises about times to live."""

from __future__ import annotations

import pytest

from sfs_core.clock import SetClock
from sfs_core.event_time import EventTime
from sfs_core.model import TtlDuration
from sfs_core.store import GroupChange, Store
from sfs_core.testing.groups import (
    ONE,
    THREE,
    TWO,
    delete,
    expires,
    failed,
    history,
    ids_in,
    latest,
    new_group,
    online,
    put,
    record,
)
from sfs_core.testing.store_promises.base import StorePromises


def at(text: str) -> EventTime:
    """Return the instant of an ISO 8601 text."""
    return EventTime.parse(text, seconds=False)


class TimeToLivePromises(StorePromises):
    """Promises about times to live. The clock stands at noon; event times are of the morning."""

    @pytest.mark.parametrize(
        ("ttl", "expected"),
        [
            ("100000s", "2025-06-02T04:46:40Z"),
            ("700m", "2025-06-01T12:40:00Z"),
            ("24h", "2025-06-02T01:00:00Z"),
            ("1d", "2025-06-02T01:00:00Z"),
            ("2w", "2025-06-15T01:00:00Z"),
        ],
    )
    def test_a_record_expires_its_time_to_live_after_its_event_time(
        self, store: Store, ttl: str, expected: str
    ) -> None:
        """[24] Not after it was put."""
        group = self.make(store, new_group())

        put(store, group, record("1", ONE), ttl=ttl)

        assert expires(store, group, "1") == expected

    def test_a_record_without_a_time_to_live_does_not_expire(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        clock.instant = at("9999-01-01T00:00:00Z")

        assert expires(store, group, "1") is None

    def test_a_record_has_its_groups_time_to_live(self, store: Store) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))

        assert expires(store, group, "1") == "2025-06-02T01:00:00Z"

    def test_a_records_own_time_to_live_goes_before_its_groups(self, store: Store) -> None:
        group = self.make(store, new_group(ttl="1d"))

        put(store, group, record("1", ONE), ttl="2d")

        assert expires(store, group, "1") == "2025-06-03T01:00:00Z"

    def test_an_expired_record_is_hidden_at_the_very_instant(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))

        clock.instant = at("2025-06-02T00:59:59.999Z")
        assert ids_in(store, group) == ["1"]

        clock.instant = at("2025-06-02T01:00:00Z")
        assert online(store, group, "1") == []
        assert ids_in(store, group) == []
        assert ids_in(store, group, soft_deleted=True) == []

    def test_a_record_may_be_born_expired(self, store: Store) -> None:
        """[24] A back-dated record; it lands offline all the same."""
        group = self.make(store, new_group())

        remarks = put(store, group, record("1", ONE), ttl="1h")

        assert remarks == []
        assert online(store, group, "1") == []
        assert latest(store, group) == [record("1", ONE)]

    def test_an_expired_record_is_forgotten_so_that_an_older_put_lives(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", TWO))
        clock.instant = at("2025-06-03T00:00:00Z")

        put(store, group, record("1", ONE, city="again"), ttl="1w")

        assert online(store, group, "1") == [record("1", ONE, city="again")]

    def test_expiry_leaves_no_delete_marker(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))

        clock.instant = at("2025-07-01T00:00:00Z")

        assert online(store, group, "1") == []
        assert latest(store, group) == [record("1", ONE)]
        assert [row["is_deleted"] for row in history(store, group)] == [False]

    @pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
    def test_deleting_an_expired_record_is_like_deleting_what_is_not_there(
        self, store: Store, clock: SetClock, hard: bool
    ) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", TWO))
        clock.instant = at("2025-07-01T00:00:00Z")

        remarks = delete(store, group, "1", at=ONE, hard=hard)
        put(store, group, record("1", ONE), ttl="9w")

        assert failed(remarks) == []
        assert online(store, group, "1") == [record("1", ONE)]

    def test_a_tombstone_does_not_expire(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))
        delete(store, group, "1", at=THREE)
        clock.instant = at("2025-07-01T00:00:00Z")

        put(store, group, record("1", TWO), ttl="9w")

        assert ids_in(store, group, soft_deleted=True) == ["1"]
        assert online(store, group, "1") == []

    def test_a_replaced_record_has_the_new_puts_time_to_live(self, store: Store) -> None:
        group = self.make(store, new_group())
        put(store, group, record("1", ONE), record("2", ONE), ttl="1d")

        put(store, group, record("1", TWO))
        put(store, group, record("2", TWO), ttl="2d")

        assert expires(store, group, "1") is None
        assert expires(store, group, "2") == "2025-06-03T02:00:00Z"

    def test_a_put_that_does_not_count_does_not_change_the_time_to_live(self, store: Store) -> None:
        group = self.make(store, new_group())
        put(store, group, record("1", TWO), ttl="1d")

        put(store, group, record("1", ONE), record("1", TWO), ttl="9d")

        assert expires(store, group, "1") == "2025-06-02T02:00:00Z"

    def test_a_groups_new_time_to_live_is_for_what_is_put_afterwards(self, store: Store) -> None:
        """[24] Not retroactive."""
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))

        group = self.change(store, group, GroupChange(ttl=TtlDuration.parse("2d")))
        put(store, group, record("2", ONE))

        assert group.online is not None
        assert group.online.ttl == TtlDuration.parse("2d")
        assert expires(store, group, "1") == "2025-06-02T01:00:00Z"
        assert expires(store, group, "2") == "2025-06-03T01:00:00Z"

    def test_a_groups_time_to_live_can_be_removed(self, store: Store) -> None:
        """[25]."""
        group = self.fill(store, new_group(ttl="1d"), record("1", ONE))

        group = self.change(store, group, GroupChange(remove_ttl=True))
        put(store, group, record("2", ONE))

        assert group.online is not None
        assert group.online.ttl is None
        assert expires(store, group, "1") == "2025-06-02T01:00:00Z"
        assert expires(store, group, "2") is None

    def test_a_time_to_live_beyond_the_end_of_time_is_no_harm(self, store: Store) -> None:
        group = self.make(store, new_group())

        remarks = put(store, group, record("1", "9999-12-31T00:00:00Z"), ttl="999999w")

        assert remarks == []
        assert online(store, group, "1") == [record("1", "9999-12-31T00:00:00Z")]

    def test_expiry_of_event_times_in_seconds_counts_from_them(self, store: Store) -> None:
        group = self.make(store, new_group(event_time="at:Fractional"))

        put(store, group, record("1", "1748739600"), ttl="1d")

        assert expires(store, group, "1") == "2025-06-02T01:00:00Z"
