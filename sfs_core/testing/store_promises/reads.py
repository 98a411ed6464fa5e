"""Promises about reading the online store: records by id, and the listing of ids."""

from __future__ import annotations

import pytest

from sfs_core.errors import StoreNotEnabled, UnknownFeature
from sfs_core.facts import RECORD_ID
from sfs_core.model import RecordId
from sfs_core.store import Store
from sfs_core.testing.groups import ONE, TWO, delete, ids_in, new_group, online, record
from sfs_core.testing.store_promises.base import StorePromises

IDS = [f"{number:03}" for number in range(250)]


class ReadPromises(StorePromises):
    """Promises about reading the online store."""

    def test_an_id_without_a_record_is_absent_from_the_answer(self, store: Store) -> None:
        """[10, 11]."""
        group = self.fill(store, new_group(), record("1", ONE))

        assert online(store, group, "0", "1", "2") == [record("1", ONE)]

    def test_a_feature_without_a_value_is_absent_from_the_record(self, store: Store) -> None:
        """[9] In a batch that is a null."""
        group = self.fill(store, new_group("orders", "city:String"), record("1", ONE))

        records = store.read(group, [RecordId("1")]).records

        assert records.to_pylist() == [{"id": "1", "at": ONE, "city": None}]

    def test_an_answer_without_records_still_has_its_columns(self, store: Store) -> None:
        group = self.make(store, new_group("orders", "city:String"))

        for ids in ([], [RecordId("1")]):
            found = store.read(group, ids)

            assert found.records.schema.names == ["id", "at", "city"]
            assert (found.records.num_rows, len(found.expires_at)) == (0, 0)

    def test_features_asked_for_come_in_definition_order_and_the_record_identifier_always(self, store: Store) -> None:
        group = self.fill(
            store, new_group("orders", "a:String", "b:String", "c:String"), record("1", ONE, a="1", b="2", c="3")
        )

        records = store.read(group, [RecordId("1")], ["c", "a"]).records

        assert records.schema.names == ["id", "a", "c"]
        assert records.to_pylist() == [{"id": "1", "a": "1", "c": "3"}]

    def test_a_feature_that_the_group_has_not_got_is_refused(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE))

        with pytest.raises(UnknownFeature):
            store.read(group, [RecordId("1")], ["colour"])

    def test_any_number_of_records_is_read_at_once(self, store: Store) -> None:
        group = self.fill(store, new_group("orders", "city:String"), *(record(one, ONE, city=one) for one in IDS))

        assert online(store, group, *IDS) == [record(one, ONE, city=one) for one in IDS]

    def test_every_live_record_id_is_listed(self, store: Store) -> None:
        """[14, 15]."""
        group = self.fill(store, new_group("orders", "city:String"), *(record(one, ONE) for one in IDS))

        batches = list(store.list_record_ids(group))

        assert {str(batch.schema) for batch in batches} == {f"{RECORD_ID}: string"}
        assert ids_in(store, group) == IDS

    def test_an_empty_online_store_lists_nothing(self, store: Store) -> None:
        group = self.make(store, new_group())

        assert ids_in(store, group) == []
        assert ids_in(store, group, soft_deleted=True) == []

    def test_soft_deleted_ids_are_listed_only_when_asked_for(self, store: Store) -> None:
        """[14]."""
        group = self.fill(store, new_group(), *(record(one, ONE) for one in ("kept", "soft", "hard")))

        delete(store, group, "soft", at=TWO)
        delete(store, group, "hard", at=TWO, hard=True)

        assert ids_in(store, group) == ["kept"]
        assert ids_in(store, group, soft_deleted=True) == ["kept", "soft"]

    def test_a_group_without_an_online_store_is_neither_read_nor_listed(self, store: Store) -> None:
        group = self.fill(store, new_group(online=False), record("1", ONE))

        with pytest.raises(StoreNotEnabled):
            store.read(group, [RecordId("1")])
        with pytest.raises(StoreNotEnabled):
            ids_in(store, group)
