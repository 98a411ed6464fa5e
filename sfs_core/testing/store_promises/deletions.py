"""Promises about deleting records, softly and hard."""

from __future__ import annotations

import pytest

from sfs_core.errors import StoreNotEnabled
from sfs_core.model import StorageType, TargetStore
from sfs_core.store import Store
from sfs_core.testing.groups import (
    FOUR,
    ONE,
    THREE,
    TWO,
    delete,
    delete_each,
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

BOTH_MODES = pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])


class DeletePromises(StorePromises):
    """Promises about deleting records."""

    @BOTH_MODES
    def test_a_deleted_record_is_not_read_any_more(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE), record("2", ONE))

        remarks = delete(store, group, "1", at=TWO, hard=hard)

        assert remarks == []
        assert online(store, group, "1", "2") == [record("2", ONE)]
        assert ids_in(store, group) == ["2"]

    @BOTH_MODES
    def test_a_deletion_appends_a_marker_offline_and_the_older_versions_stay(self, store: Store, hard: bool) -> None:
        """The marker has the record id, the deletion's event time, and nothing else."""
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo", items="5"))

        delete(store, group, "1", at=TWO, hard=hard)

        assert latest(store, group) == []
        rows = history(store, group)
        assert [row["is_deleted"] for row in rows] == [False, True]
        assert {name: rows[1].get(name) for name in ("id", "at", "city", "items")} == {
            "id": "1",
            "at": TWO,
            "city": None,
            "items": None,
        }

    def test_after_a_soft_delete_older_puts_do_not_show(self, store: Store) -> None:
        """[7] The tombstone guards; a tie is not later either."""
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=THREE)

        put(store, group, record("1", TWO), record("1", THREE))

        assert online(store, group, "1") == []

    def test_after_a_soft_delete_a_later_put_lives(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=TWO)

        put(store, group, record("1", THREE, city="back"))

        assert online(store, group, "1") == [record("1", THREE, city="back")]
        assert latest(store, group) == [record("1", THREE, city="back")]

    def test_after_a_hard_delete_an_older_put_lives_again(self, store: Store) -> None:
        """[7] Nothing remembers what was there."""
        group = self.fill(store, new_group(), record("1", TWO))
        delete(store, group, "1", at=THREE, hard=True)

        put(store, group, record("1", ONE, city="replayed"))

        assert online(store, group, "1") == [record("1", ONE, city="replayed")]

    @pytest.mark.parametrize("at", [ONE, TWO], ids=["older", "the same"])
    def test_a_soft_delete_that_is_not_later_keeps_the_record_and_leaves_its_marker(
        self, store: Store, at: str
    ) -> None:
        """[4]."""
        group = self.fill(store, new_group(), record("1", TWO))

        remarks = delete(store, group, "1", at=at)

        assert remarks == []
        assert online(store, group, "1") == [record("1", TWO)]
        assert sorted((str(row["at"]), bool(row["is_deleted"])) for row in history(store, group)) == sorted(
            [(TWO, False), (at, True)]
        )

    @pytest.mark.parametrize("at", [ONE, TWO], ids=["older", "the same"])
    def test_a_hard_delete_that_is_not_later_fails_and_leaves_no_marker(self, store: Store, at: str) -> None:
        """[5]."""
        group = self.fill(store, new_group(), record("1", TWO))

        remarks = delete(store, group, "1", at=at, hard=True)

        assert failed(remarks) == [(0, "EventTimeNotLater")]
        assert online(store, group, "1") == [record("1", TWO)]
        assert [row["is_deleted"] for row in history(store, group)] == [False]

    def test_a_record_of_the_future_is_deleted_by_a_later_future(self, store: Store) -> None:
        """[6] The wall clock does not matter, only the stored event time."""
        group = self.fill(store, new_group(), record("1", "2099-01-01T00:00:00Z"))

        refused = delete(store, group, "1", at="2025-06-01T12:00:00Z", hard=True)
        done = delete(store, group, "1", at="2099-01-01T00:00:00.000000001Z", hard=True)

        assert failed(refused) == [(0, "EventTimeNotLater")]
        assert done == []
        assert online(store, group, "1") == []

    @BOTH_MODES
    def test_deleting_what_is_not_there_is_done_and_leaves_a_marker(self, store: Store, hard: bool) -> None:
        group = self.make(store, new_group())

        remarks = delete(store, group, "1", at=ONE, hard=hard)

        assert remarks == []
        assert [(row["id"], row["is_deleted"]) for row in history(store, group)] == [("1", True)]

    @BOTH_MODES
    def test_deleting_what_is_not_there_leaves_nothing_online(self, store: Store, hard: bool) -> None:
        group = self.make(store, new_group())
        delete(store, group, "1", at=TWO, hard=hard)

        put(store, group, record("1", ONE))

        assert online(store, group, "1") == [record("1", ONE)]

    def test_a_later_soft_delete_moves_the_tombstone(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=TWO)

        delete(store, group, "1", at=FOUR)
        put(store, group, record("1", THREE))

        assert online(store, group, "1") == []

    def test_an_earlier_soft_delete_does_not_move_the_tombstone_back(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=FOUR)

        delete(store, group, "1", at=TWO)
        put(store, group, record("1", THREE))

        assert online(store, group, "1") == []

    def test_a_later_hard_delete_removes_a_tombstone(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=TWO)

        remarks = delete(store, group, "1", at=THREE, hard=True)

        assert remarks == []
        assert ids_in(store, group, soft_deleted=True) == []

    def test_a_hard_delete_that_is_not_later_than_the_tombstone_fails(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))
        delete(store, group, "1", at=TWO)

        remarks = delete(store, group, "1", at=TWO, hard=True)

        assert failed(remarks) == [(0, "EventTimeNotLater")]
        assert ids_in(store, group, soft_deleted=True) == ["1"]

    @BOTH_MODES
    def test_a_deletion_in_the_online_store_alone_leaves_no_marker(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        delete(store, group, "1", at=TWO, hard=hard, to=[TargetStore.ONLINE])

        assert online(store, group, "1") == []
        assert latest(store, group) == [record("1", ONE)]

    @BOTH_MODES
    def test_a_deletion_in_the_offline_store_alone_is_only_a_marker(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        delete(store, group, "1", at=TWO, hard=hard, to=[TargetStore.OFFLINE])

        assert online(store, group, "1") == [record("1", ONE)]
        assert latest(store, group) == []

    @BOTH_MODES
    def test_an_offline_only_group_gets_a_marker(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(online=False), record("1", TWO))

        remarks = delete(store, group, "1", at=THREE, hard=hard)

        assert remarks == []
        assert latest(store, group) == []

    def test_a_deletion_in_a_store_that_is_not_enabled_is_refused(self, store: Store) -> None:
        group = self.fill(store, new_group(offline=False), record("1", ONE))

        with pytest.raises(StoreNotEnabled):
            delete(store, group, "1", at=TWO, to=[TargetStore.OFFLINE])

        assert online(store, group, "1") == [record("1", ONE)]

    @BOTH_MODES
    def test_each_deletion_of_a_batch_has_its_own_event_time(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE), record("2", THREE), record("3", ONE))

        remarks = delete_each(store, group, [("1", TWO), ("2", TWO), ("3", FOUR)], hard=hard)

        assert failed(remarks) == ([(1, "EventTimeNotLater")] if hard else [])
        assert online(store, group) == [record("2", THREE)]

    @BOTH_MODES
    def test_deletions_of_one_id_in_one_batch_are_applied_in_order(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        remarks = delete_each(store, group, [("1", ONE), ("1", THREE), ("1", TWO)], hard=hard)

        assert failed(remarks) == ([(0, "EventTimeNotLater")] if hard else [])
        assert ids_in(store, group, soft_deleted=True) == ([] if hard else ["1"])
        assert [row["at"] for row in history(store, group) if row["is_deleted"]] == (
            [TWO, THREE] if hard else [ONE, TWO, THREE]
        )

    @BOTH_MODES
    def test_a_deletion_that_breaks_a_rule_fails_alone(self, store: Store, hard: bool) -> None:
        group = self.fill(store, new_group(), record("1", ONE), record("2", ONE))
        deletions = [("1", "yesterday"), (None, TWO), ("", TWO), ("1", None), ("2", TWO), ("1", "2025-06-01")]

        remarks = delete_each(store, group, deletions, hard=hard)

        assert failed(remarks) == [
            (0, "BadEventTime"),
            (1, "MissingFeature"),
            (2, "MissingFeature"),
            (3, "MissingFeature"),
            (5, "BadEventTime"),
        ]
        assert online(store, group) == [record("1", ONE)]

    def test_event_times_in_seconds_rule_deletions_too(self, store: Store) -> None:
        group = self.fill(store, new_group(event_time="at:Fractional"), record("1", "1000000000"))

        assert failed(delete(store, group, "1", at="999999999.5", hard=True)) == [(0, "EventTimeNotLater")]
        assert failed(delete(store, group, "1", at="1e9", hard=True)) == [(0, "EventTimeNotLater")]
        assert failed(delete(store, group, "1", at="1000000000.25", hard=True)) == []
        assert online(store, group, "1") == []

    @pytest.mark.parametrize("storage_type", list(StorageType))
    def test_records_are_deleted_in_every_kind_of_online_store(self, store: Store, storage_type: StorageType) -> None:
        group = self.fill(store, new_group(storage_type=storage_type), *(record(one, ONE) for one in "abc"))

        delete(store, group, "a", at=TWO)
        delete(store, group, "b", at=TWO, hard=True)

        assert ids_in(store, group) == ["c"]
        assert ids_in(store, group, soft_deleted=True) == ["a", "c"]
