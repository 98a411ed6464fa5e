"""Promises about a group's offline objects, and about telling what has been written."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from sfs_core.arrow import records_from
from sfs_core.clock import SetClock
from sfs_core.errors import NotAnIcebergTable, Refused, SfsError
from sfs_core.event_time import NANOS
from sfs_core.facts import DAY, Batch
from sfs_core.model import IS_DELETED, FeatureGroup, TargetStore
from sfs_core.store import Store
from sfs_core.testing.groups import (
    NOON,
    ONE,
    THREE,
    TWO,
    Record,
    delete,
    delete_objects,
    delete_versions,
    history,
    latest,
    new_group,
    objects_in,
    put,
    record,
)
from sfs_core.testing.store_promises.base import StorePromises


def root_of(group: FeatureGroup) -> str:
    """Return the prefix of a group's own objects."""
    assert group.offline is not None
    assert group.offline.root is not None
    return group.offline.root


def rooted_at(group: FeatureGroup, resolved_uri: str) -> FeatureGroup:
    """Return a description of the group with another resolved URI, as a mistake might make it."""
    assert group.offline is not None
    return replace(group, offline=replace(group.offline, resolved_uri=resolved_uri))


def held(store: Store, group: FeatureGroup, *records: Record, deleted: bool | None = None) -> list[bool]:
    """Ask whether versions have been written since noon."""
    import pyarrow as pa

    batch = records_from(group.features, records)
    if deleted is not None:
        batch = batch.append_column(IS_DELETED, pa.array([deleted] * len(records)))
    return list(store.holds(group, batch, NOON))


def _day() -> Batch:
    import pyarrow as pa

    return Batch(0, pa.record_batch({DAY: pa.array([ONE[:10]])}))


class ObjectPromises(StorePromises):
    """Promises about a group's offline objects."""

    def test_objects_lie_under_the_groups_root_by_the_hour_of_event_time(self, store: Store) -> None:
        """[27] In UTC, zero-padded, and not by when they were put."""
        group = self.fill(
            store,
            new_group(),
            record("1", ONE),
            record("2", "1969-12-31T23:59:59Z"),
            record("3", "0800-02-03T04:05:06Z"),
        )
        store.settle(group)

        keys = objects_in(store, group)

        assert [key.removeprefix(root_of(group)).rpartition("/")[0] for key in keys] == [
            "data/year=0800/month=02/day=03/hour=04",
            "data/year=1969/month=12/day=31/hour=23",
            "data/year=2025/month=06/day=01/hour=01",
        ]
        assert all(key.endswith(".parquet") for key in keys)

    def test_objects_have_a_size(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)

        sizes = [size for batch in store.offline_objects(group) for size in batch.column("size").to_pylist()]

        assert len(sizes) == 1
        assert sizes[0] > 0

    def test_a_group_without_offline_records_has_no_objects(self, store: Store) -> None:
        group = self.make(store, new_group())
        put(store, group, record("1", ONE), to=[TargetStore.ONLINE])
        store.settle(group)

        assert objects_in(store, group) == []

    def test_with_its_objects_an_offline_store_is_emptied(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE), record("2", TWO))
        store.settle(group)

        remarks = delete_objects(store, group, *objects_in(store, group))

        assert remarks == []
        assert objects_in(store, group) == []
        assert history(store, group) == []

    def test_an_emptied_offline_store_takes_new_records(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)
        delete_objects(store, group, *objects_in(store, group))

        put(store, group, record("2", ONE))

        assert latest(store, group) == [record("2", ONE)]

    def test_deleting_an_object_that_is_not_there_is_done(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        store.settle(group)
        (key,) = objects_in(store, group)

        delete_objects(store, group, key)

        assert delete_objects(store, group, key) == []

    def test_a_sibling_whose_name_begins_alike_is_left_alone(self, store: Store) -> None:
        """`fg-1` and `fg-17`, with one S3 URI and in one second: prefixes are texts, roots end in `/`."""
        short, long = (self.fill(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
        for group in (short, long):
            store.settle(group)

        delete_objects(store, short, *objects_in(store, short))

        assert latest(store, short) == []
        assert latest(store, long) == [record("1", ONE)]

    def test_an_object_outside_the_groups_root_is_refused_and_the_others_are_deleted(self, store: Store) -> None:
        mine, other = (self.fill(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
        for group in (mine, other):
            store.settle(group)
        keys = [
            *objects_in(store, other),
            *objects_in(store, mine),
            root_of(mine).removesuffix("/"),
            "s3://elsewhere/x",
        ]

        remarks = delete_objects(store, mine, *keys)

        assert [remark.row for remark in remarks] == [0, 2, 3]
        assert latest(store, mine) == []
        assert latest(store, other) == [record("1", ONE)]

    def test_a_key_that_climbs_out_of_the_root_deletes_nothing(self, store: Store) -> None:
        mine, other = (self.fill(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
        for group in (mine, other):
            store.settle(group)
        (key,) = objects_in(store, other)
        climbing = f"{root_of(mine)}data/../../{key.removeprefix(root_of(other).rpartition('/fg-17')[0] + '/')}"

        delete_objects(store, mine, climbing)

        assert latest(store, other) == [record("1", ONE)]
        assert latest(store, mine) == [record("1", ONE)]

    @pytest.mark.parametrize(
        "case", ["the bucket", "the shared URI", "another group's root", "the folder of all groups"]
    )
    def test_a_root_that_is_not_the_groups_alone_is_refused(self, store: Store, case: str) -> None:
        group = self.fill(store, new_group("fg-1"), record("1", ONE))
        other = self.fill(store, new_group("fg-17"), record("1", ONE))
        store.settle(other)
        wrong = {
            "the bucket": "/".join(self.offline_uri.split("/")[:3]) + "/",
            "the shared URI": self.offline_uri,
            "another group's root": root_of(other),
            "the folder of all groups": root_of(group).rstrip("/").rpartition("/")[0],
        }[case]
        mistaken = rooted_at(group, wrong)

        with pytest.raises(Refused):
            objects_in(store, mistaken)
        with pytest.raises(Refused):
            delete_objects(store, mistaken, *objects_in(store, other))

        assert latest(store, other) == [record("1", ONE)]

    def test_an_object_is_read_as_a_file_that_can_be_sought_in(self, store: Store) -> None:
        import pyarrow.parquet as pq

        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "2", at=ONE)
        store.settle(group)

        found = []
        for key in objects_in(store, group):
            with store.open_object(group, key) as file:
                file.seek(-4, io.SEEK_END)
                assert file.read() == b"PAR1"
                found += pq.read_table(file, columns=["id"]).column("id").to_pylist()

        assert sorted(found) == ["1", "2"]

    def test_an_object_outside_the_groups_root_is_not_read(self, store: Store) -> None:
        mine, other = (self.fill(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
        store.settle(other)
        (key,) = objects_in(store, other)

        for outside in (key, root_of(mine), f"{root_of(mine)}../{key.rpartition('/')[2]}"):
            with pytest.raises(SfsError):
                store.open_object(mine, outside)

    def test_an_object_that_is_not_there_is_an_error(self, store: Store) -> None:
        group = self.make(store, new_group())

        with pytest.raises(SfsError):
            store.open_object(group, f"{root_of(group)}data/missing.parquet")

    def test_with_all_its_versions_an_offline_store_is_emptied(self, store: Store) -> None:
        group, other = (self.fill(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
        for one in (group, other):
            store.settle(one)

        remarks = delete_versions(store, group)

        assert remarks == []
        assert [batch for batch in store.object_versions(group) if batch.num_rows] == []
        assert objects_in(store, group) == []
        assert latest(store, other) == [record("1", ONE)]

    def test_versions_of_a_root_that_is_not_the_groups_alone_are_refused(self, store: Store) -> None:
        group = self.fill(store, new_group("fg-1"), record("1", ONE))
        mistaken = rooted_at(group, self.offline_uri)

        with pytest.raises(Refused):
            list(store.object_versions(mistaken))

    def test_the_table_of_a_group_is_dropped_once_and_then_it_is_gone(self, store: Store) -> None:
        """Also after the group was deleted, which leaves the table behind [38]."""
        group = self.fill(store, new_group(), record("1", ONE))
        store.delete(group.name)

        store.drop_table(group)
        store.drop_table(group)

    def test_a_table_is_not_dropped_by_a_root_that_is_not_the_groups(self, store: Store) -> None:
        group = self.make(store, new_group("fg-1"))

        with pytest.raises(Refused):
            store.drop_table(rooted_at(group, self.offline_uri))

    def test_only_an_iceberg_table_is_emptied_by_the_day(self, store: Store) -> None:
        """[36]."""
        group = self.fill(store, new_group(), record("1", ONE))

        for ask in (lambda: list(store.offline_days(group)), lambda: list(store.delete_days(group, [_day()]))):
            with pytest.raises(NotAnIcebergTable):
                ask()
        with pytest.raises(NotAnIcebergTable):
            store.compact(group)

        assert latest(store, group) == [record("1", ONE)]

    def test_settling_twice_writes_nothing_twice(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        store.settle(group)
        store.settle(group)

        assert len(history(store, group)) == 1

    def test_a_version_written_since_is_held_and_another_is_not(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", TWO, city="Oslo"))
        store.settle(group)

        assert held(store, group, record("1", TWO), record("1", ONE), record("2", TWO)) == [True, False, False]

    @pytest.mark.parametrize("has_online", [True, False], ids=["online", "offline"])
    def test_a_version_is_known_by_the_instant_however_it_is_spelt(self, store: Store, has_online: bool) -> None:
        """[23]."""
        new = new_group(online=has_online, offline=not has_online)
        group = self.fill(store, new, record("1", "2025-06-01T02:00:00Z"), record("2", "2025-06-01T02:00:00.5Z"))
        store.settle(group)
        asked = [record("1", "2025-06-01T02:00:00.000Z"), record("2", "2025-06-01T02:00:00.50Z")]

        assert held(store, group, *asked) == [True, True]

    def test_a_version_written_before_is_not_held(self, store: Store, clock: SetClock) -> None:
        clock.instant = NOON.plus(-NANOS)
        group = self.fill(store, new_group(), record("1", ONE), record("2", ONE))
        store.settle(group)
        clock.instant = NOON

        put(store, group, record("2", TWO))
        store.settle(group)

        assert held(store, group, record("1", ONE), record("2", ONE), record("2", TWO)) == [False, False, True]

    def test_a_version_asked_for_several_times_is_held_as_often_as_it_was_written(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="a"), record("1", ONE, city="b"))
        store.settle(group)

        assert held(store, group, *[record("1", ONE)] * 3) == [True, True, False]

    def test_an_online_only_group_holds_what_it_reads(self, store: Store) -> None:
        group = self.fill(store, new_group(offline=False), record("1", ONE))

        assert held(store, group, record("1", ONE), record("1", TWO)) == [True, False]

    def test_a_delete_marker_is_held_as_such(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=THREE)
        store.settle(group)

        assert held(store, group, record("1", ONE), record("1", THREE), deleted=False) == [True, False]
        assert held(store, group, record("1", THREE), record("1", TWO), deleted=True) == [True, False]
