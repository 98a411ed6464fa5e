"""Promises about feature groups: made, described, listed, changed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sfs_core.clock import SetClock
from sfs_core.errors import BadDefinition, FeatureGroupNotFound, GroupExists
from sfs_core.event_time import NANOS
from sfs_core.model import (
    DeletionMode,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    GroupStatus,
    NewFeatureGroup,
    OnlineStore,
    RecordId,
    StorageType,
    TtlDuration,
)
from sfs_core.store import Delete, GroupChange, GroupQuery, OfflineQuery, Put, Store
from sfs_core.testing.groups import (
    ONE,
    TWO,
    delete_each,
    history,
    ids_in,
    latest,
    new_group,
    objects_in,
    online,
    put,
    record,
)
from sfs_core.testing.store_promises.base import StorePromises

NAME = FeatureDefinition.parse("name:String")
ASKED_OF_A_GROUP: dict[str, Callable[[Store, FeatureGroup], object]] = {
    "describe": lambda store, group: store.describe(group.name),
    "tags": lambda store, group: store.tags(group.name),
    "update": lambda store, group: store.update(group.name, GroupChange(add_features=(NAME,))),
    "delete": lambda store, group: store.delete(group.name),
    "read": lambda store, group: store.read(group, [RecordId("1")]),
    "list": lambda store, group: ids_in(store, group),
    "put": lambda store, group: put(store, group, record("1", ONE)),
    "delete_records": lambda store, group: delete_each(store, group, [("1", ONE)]),
    "versions": lambda store, group: list(store.versions(group, OfflineQuery())),
}
REFUSED_DEFINITIONS: dict[str, NewFeatureGroup] = {
    "without any store": new_group(online=False, offline=False),
    "with a name that ends in a hyphen": new_group("orders-"),
    "with a name of 65 characters": new_group("o" * 65),
    "with a reserved feature name": new_group("orders", "Write_Time:String"),
    "with a feature defined twice": new_group("orders", "name:String", "name:Integral"),
    "with an Integral event time": new_group(event_time="at:Integral"),
    "with a Fractional record identifier": new_group(record_identifier="id:Fractional"),
    "with a record identifier that is no feature": replace(new_group(), record_identifier="nobody"),
    "with collections outside InMemory": new_group("orders", "tags:String:List"),
    "with a vector of texts": new_group("orders", "v:String:Vector(3)", storage_type=StorageType.IN_MEMORY),
    "with two vectors": new_group(
        "orders", "v:Fractional:Vector(3)", "w:Fractional:Vector(3)", storage_type=StorageType.IN_MEMORY
    ),
    "InMemory and offline": replace(new_group(), online=OnlineStore(StorageType.IN_MEMORY)),
}


class FeatureGroupPromises(StorePromises):
    """Promises about feature groups."""

    def test_a_store_says_who_speaks_and_where_it_looks(self, store: Store) -> None:
        identity = store.identity()

        assert all([identity.account, identity.region, identity.principal, store.place(), store.name])

    def test_a_store_that_nobody_slowed_down_counts_no_throttles(self, store: Store) -> None:
        self.fill(store, new_group(), record("1", ONE))

        assert store.throttles == 0

    def test_a_fresh_store_has_no_groups(self, store: Store) -> None:
        assert list(store.groups(GroupQuery())) == []

    def test_a_group_is_described_as_it_was_asked_for(self, store: Store) -> None:
        new = new_group("orders", "city:String", "items:Integral", "amount:Fractional", ttl="30d")

        group = self.make(store, replace(new, description="what was ordered"))

        assert group.name == "orders"
        assert group.status is GroupStatus.CREATED
        assert (group.record_identifier, group.event_time) == ("id", "at")
        assert [f"{feature.name}:{feature.type_text}" for feature in group.features] == [
            "id:String",
            "at:String",
            "city:String",
            "items:Integral",
            "amount:Fractional",
        ]
        assert group.online == OnlineStore(StorageType.STANDARD, TtlDuration.parse("30d"))
        assert group.description == "what was ordered"

    def test_a_group_has_the_stores_it_was_made_with(self, store: Store) -> None:
        both, online_only, offline_only = (
            self.make(store, new_group("both")),
            self.make(store, new_group("online-only", offline=False)),
            self.make(store, new_group("offline-only", online=False)),
        )

        assert [len(group.stores) for group in (both, online_only, offline_only)] == [2, 1, 1]
        assert online_only.offline is None
        assert offline_only.online is None

    def test_a_group_is_described_by_its_arn_too(self, store: Store) -> None:
        group = self.make(store, new_group())

        assert store.describe(group.arn).name == group.name

    def test_a_groups_offline_root_is_its_own(self, store: Store, clock: SetClock) -> None:
        """[28] The configured URI may be shared; the resolved one holds the name and the second of creation."""
        group = self.make(store, new_group("orders"))

        assert group.offline is not None
        assert group.offline.s3_uri == self.offline_uri
        assert group.offline.resolved_uri is not None
        assert group.offline.resolved_uri.startswith(f"{self.offline_uri}/")
        assert group.offline.resolved_uri.endswith(f"/offline-store/orders-{clock.now().nanoseconds // NANOS}/data")

    def test_tags_are_kept(self, store: Store) -> None:
        group = self.make(store, new_group(tags=(("team", "sales"), ("stage", "test"))))

        assert dict(store.tags(group.name)) == {"team": "sales", "stage": "test"}

    def test_a_name_that_is_taken_is_refused_and_the_first_group_stays(self, store: Store) -> None:
        self.make(store, new_group("orders", "city:String"))

        with pytest.raises(GroupExists):
            store.create(new_group("orders", "other:String"))

        assert [feature.name for feature in store.describe("orders").features] == ["id", "at", "city"]

    @pytest.mark.parametrize("new", REFUSED_DEFINITIONS.values(), ids=REFUSED_DEFINITIONS.keys())
    def test_a_definition_that_the_service_refuses_is_refused(self, store: Store, new: NewFeatureGroup) -> None:
        """[26] and the API's own limits; nothing is made."""
        with pytest.raises(BadDefinition):
            store.create(new)

        assert list(store.groups(GroupQuery())) == []

    @pytest.mark.parametrize("asked", ASKED_OF_A_GROUP.values(), ids=ASKED_OF_A_GROUP.keys())
    def test_a_group_that_is_not_there_is_said_not_to_be(
        self, store: Store, asked: Callable[[Store, FeatureGroup], object]
    ) -> None:
        group = replace(self.make(store, new_group("orders")), name=FeatureGroupName("nobody"))

        with pytest.raises(FeatureGroupNotFound):
            asked(store, group)

    def test_all_groups_are_listed_by_name_offline_only_ones_too(self, store: Store) -> None:
        for new in (new_group("b"), new_group("c", online=False), new_group("a", offline=False)):
            self.make(store, new)

        assert list(store.groups(GroupQuery())) == ["a", "b", "c"]
        assert list(store.groups(GroupQuery(descending=True))) == ["c", "b", "a"]

    def test_groups_are_listed_by_what_their_name_contains(self, store: Store) -> None:
        for name in ("orders", "old-orders", "people"):
            self.make(store, new_group(name, offline=False))

        assert list(store.groups(GroupQuery(name_contains="order"))) == ["old-orders", "orders"]

    def test_groups_are_listed_by_when_they_were_made(self, store: Store, clock: SetClock) -> None:
        start = clock.now()
        for hour, name in enumerate(["c", "a", "b"]):
            clock.instant = start.plus(hour * 3600 * NANOS)
            self.make(store, new_group(name, offline=False))
        between = GroupQuery(created_after=start.plus(1800 * NANOS), created_before=start.plus(5400 * NANOS))

        assert list(store.groups(GroupQuery(sort_by="CreationTime"))) == ["c", "a", "b"]
        assert list(store.groups(between)) == ["a"]

    def test_groups_are_listed_by_status(self, store: Store) -> None:
        self.make(store, new_group("orders"))
        self.make(store, new_group("people", offline=False))

        assert list(store.groups(GroupQuery(status=GroupStatus.CREATED))) == ["orders", "people"]
        assert list(store.groups(GroupQuery(status=GroupStatus.DELETING))) == []
        assert list(store.groups(GroupQuery(offline_status="Active"))) == ["orders"]

    def test_a_feature_can_be_added_and_older_records_lack_it(self, store: Store) -> None:
        """[40] What was put before has no value for it, in either store, until it is written again."""
        group = self.fill(store, new_group("orders", "city:String"), record("1", ONE, city="Oslo"))

        group = self.change(store, group, GroupChange(add_features=(NAME,)))
        put(store, group, record("2", ONE, city="Rome", name="Ann"))

        assert [feature.name for feature in group.features] == ["id", "at", "city", "name"]
        rows = [record("1", ONE, city="Oslo"), record("2", ONE, city="Rome", name="Ann")]
        assert online(store, group) == rows
        assert latest(store, group) == rows

    def test_the_update_status_is_absent_before_the_first_update(self, store: Store) -> None:
        """[40]."""
        group = self.make(store, new_group())

        changed = self.change(store, group, GroupChange(add_features=(NAME,)))

        assert group.last_update_status is None
        assert changed.last_update_status == "Successful"

    @pytest.mark.parametrize(
        "change",
        [
            GroupChange(),
            GroupChange(add_features=(NAME,), ttl=TtlDuration.parse("1d")),
            GroupChange(add_features=(NAME, NAME)),
            GroupChange(add_features=(FeatureDefinition.parse("city:String"),)),
            GroupChange(add_features=(FeatureDefinition.parse("is_deleted:String"),)),
            GroupChange(add_features=(FeatureDefinition.parse("tags:String:List"),)),
            GroupChange(storage_type="InMemory"),
        ],
        ids=["nothing", "two kinds", "a feature twice", "one there already", "a reserved one", "a list", "a tier"],
    )
    def test_a_change_that_the_service_refuses_is_refused(self, store: Store, change: GroupChange) -> None:
        """[40] One kind of change a call."""
        group = self.make(store, new_group())

        with pytest.raises(BadDefinition):
            store.update(group.name, change)

        assert store.describe(group.name).features == group.features

    def test_standard_becomes_standard_v2_and_its_records_stay(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        group = self.change(store, group, GroupChange(storage_type="Standard_V2"))

        assert group.online == OnlineStore(StorageType.STANDARD_V2)
        assert online(store, group) == [record("1", ONE)]

    def test_a_deleted_group_is_gone_and_its_offline_objects_stay(self, store: Store) -> None:
        """[38]."""
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)
        objects = objects_in(store, group)

        self.remove(store, group)

        assert list(store.groups(GroupQuery())) == []
        assert len(objects) == 1
        assert objects_in(store, group) == objects

    def test_a_name_used_again_shares_nothing_with_its_first_group(self, store: Store, clock: SetClock) -> None:
        """[38] Neither online records nor tombstones nor offline objects are adopted."""
        old = self.fill(store, new_group(), record("1", TWO), record("2", ONE))
        delete_each(store, old, [("2", TWO)])
        store.settle(old)
        self.remove(store, old)
        clock.instant = clock.instant.plus(NANOS)

        new = self.fill(store, new_group(), record("2", ONE))

        assert online(store, new, "1", "2") == [record("2", ONE)]
        assert [row["id"] for row in history(store, new)] == ["2"]
        assert old.offline is not None
        assert new.offline is not None
        assert old.offline.root != new.offline.root

    def test_deletion_modes_and_put_options_have_the_services_defaults(self) -> None:
        assert Delete().mode is DeletionMode.SOFT
        assert (Put().targets, Put().ttl) == (None, None)
