"""Promises about changing single features of a live record (API UpdateRecord)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sfs_core.clock import SetClock
from sfs_core.errors import BadEventTime, BadRequest, BadValue, RecordNotFound, StoreNotEnabled, UnknownFeature
from sfs_core.event_time import EventTime
from sfs_core.model import FeatureGroup, RecordId, StorageType, TargetStore, TtlDuration
from sfs_core.rules import Value
from sfs_core.store import Put, Store
from sfs_core.testing.groups import (
    ONE,
    THREE,
    TWO,
    delete,
    expires,
    history,
    latest,
    new_group,
    online,
    put,
    record,
)
from sfs_core.testing.store_promises.base import StorePromises

V2 = StorageType.STANDARD_V2
EVERY_STORE = Put()


def update(
    store: Store,
    group: FeatureGroup,
    record_id: str,
    /,
    how: Put = EVERY_STORE,
    **features: str | list[str],
) -> None:
    """Change features of a record."""
    store.update_record(group, RecordId(record_id), features, how)


class UpdatePromises(StorePromises):
    """Promises about changing single features of a live record."""

    @pytest.mark.parametrize("storage_type", [V2, StorageType.IN_MEMORY])
    def test_an_update_changes_the_features_named_and_no_other(self, store: Store, storage_type: StorageType) -> None:
        """[2] Without an event time the stored one is kept."""
        group = self.fill(store, new_group(storage_type=storage_type), record("1", TWO, city="Oslo", items="5"))

        update(store, group, "1", items="6", amount="1.5")

        assert online(store, group, "1") == [record("1", TWO, city="Oslo", items="6", amount="1.5")]

    def test_an_in_memory_record_can_have_a_list_changed(self, store: Store) -> None:
        new = new_group("orders", "names:String:List", storage_type=StorageType.IN_MEMORY)
        group = self.fill(store, new, record("1", ONE, names=["a"]))

        update(store, group, "1", names=["b", "c"])

        assert online(store, group, "1") == [record("1", ONE, names=["b", "c"])]

    @pytest.mark.parametrize("at", [TWO, THREE], ids=["the same", "a later one"])
    def test_an_update_of_the_same_or_a_later_event_time_applies(self, store: Store, at: str) -> None:
        """[2] Unlike a put, of which a tie does not count."""
        group = self.fill(store, new_group(storage_type=V2), record("1", TWO, city="Oslo", items="5"))

        update(store, group, "1", at=at, city="Rome")

        assert online(store, group, "1") == [record("1", at, city="Rome", items="5")]

    def test_an_update_of_an_older_event_time_is_refused(self, store: Store) -> None:
        """[2]."""
        group = self.fill(store, new_group(storage_type=V2), record("1", TWO, city="Oslo"))

        with pytest.raises(BadRequest):
            update(store, group, "1", at=ONE, city="Rome")

        assert online(store, group, "1") == [record("1", TWO, city="Oslo")]
        assert len(history(store, group)) == 1

    def test_a_standard_online_store_does_not_update(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo"))

        with pytest.raises(BadRequest):
            update(store, group, "1", city="Rome")

        assert online(store, group, "1") == [record("1", ONE, city="Oslo")]

    def test_an_offline_only_group_does_not_update(self, store: Store) -> None:
        group = self.fill(store, new_group(online=False), record("1", ONE, city="Oslo"))

        with pytest.raises((StoreNotEnabled, BadRequest)):
            update(store, group, "1", city="Rome")

    def test_what_is_absent_deleted_or_expired_cannot_be_updated(self, store: Store, clock: SetClock) -> None:
        group = self.fill(store, new_group(storage_type=V2, ttl="1d"), record("deleted", ONE), record("expired", ONE))
        delete(store, group, "deleted", at=TWO)
        clock.instant = EventTime.parse("2025-06-03T00:00:00Z", seconds=False)

        for record_id in ("absent", "deleted", "expired"):
            with pytest.raises(RecordNotFound):
                update(store, group, record_id, city="Rome")

    @pytest.mark.parametrize(
        ("features", "error"),
        [
            ({"items": "5.0"}, BadValue),
            ({"colour": "red"}, UnknownFeature),
            ({"at": "yesterday"}, BadEventTime),
            ({"id": "2"}, BadRequest),
            ({}, BadRequest),
        ],
        ids=["a bad value", "no feature", "a bad event time", "another record id", "nothing"],
    )
    def test_an_update_that_breaks_a_rule_is_refused(
        self, store: Store, features: Mapping[str, Value], error: type[Exception]
    ) -> None:
        group = self.fill(store, new_group(storage_type=V2), record("1", ONE, city="Oslo"))

        with pytest.raises(error):
            store.update_record(group, RecordId("1"), features, Put())

        assert online(store, group) == [record("1", ONE, city="Oslo")]

    def test_more_than_100_features_at_a_time_are_refused(self, store: Store) -> None:
        names = [f"f{number}" for number in range(101)]
        group = self.fill(store, new_group("wide", *(f"{n}:String" for n in names), storage_type=V2), record("1", ONE))

        with pytest.raises(BadRequest):
            store.update_record(group, RecordId("1"), dict.fromkeys(names, "x"), Put())

        store.update_record(group, RecordId("1"), dict.fromkeys(names[:100], "x"), Put())
        assert online(store, group) == [record("1", ONE, **dict.fromkeys(names[:100], "x"))]

    def test_an_update_without_a_time_to_live_keeps_the_records_own(self, store: Store) -> None:
        group = self.make(store, new_group(storage_type=V2))
        put(store, group, record("1", ONE), ttl="1d")

        update(store, group, "1", city="Rome")

        assert expires(store, group, "1") == "2025-06-02T01:00:00Z"

    def test_an_update_with_a_time_to_live_needs_an_event_time(self, store: Store) -> None:
        group = self.fill(store, new_group(storage_type=V2), record("1", ONE))
        how = Put(ttl=TtlDuration.parse("2d"))

        with pytest.raises(BadRequest):
            update(store, group, "1", how, city="Rome")

        update(store, group, "1", how, city="Rome", at=TWO)
        assert expires(store, group, "1") == "2025-06-03T02:00:00Z"

    def test_an_update_appends_the_whole_record_offline(self, store: Store, clock: SetClock) -> None:
        """So that the latest row is the record."""
        group = self.fill(store, new_group(storage_type=V2), record("1", ONE, city="Oslo", items="5"))
        clock.instant = clock.instant.plus(1_000_000)

        update(store, group, "1", city="Rome")

        assert latest(store, group) == [record("1", ONE, city="Rome", items="5")]
        assert [row["city"] for row in history(store, group)] == ["Oslo", "Rome"]

    def test_an_update_in_the_online_store_alone_leaves_the_offline_store_as_it_was(self, store: Store) -> None:
        group = self.fill(store, new_group(storage_type=V2), record("1", ONE, city="Oslo"))

        update(store, group, "1", Put((TargetStore.ONLINE,)), city="Rome")

        assert online(store, group, "1") == [record("1", ONE, city="Rome")]
        assert latest(store, group) == [record("1", ONE, city="Oslo")]
