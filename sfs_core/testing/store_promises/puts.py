"""Promises about putting records: which put counts, what is kept of it, and which record is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfs_core.arrow import records_from
from sfs_core.errors import BadDefinition, MissingFeature, StoreNotEnabled, UnknownFeature
from sfs_core.facts import Batch
from sfs_core.model import FeatureDefinition, StorageType, TargetStore
from sfs_core.rules import Value
from sfs_core.store import Put, Store
from sfs_core.testing.groups import (
    ONE,
    THREE,
    TWO,
    failed,
    history,
    latest,
    new_group,
    online,
    put,
    record,
    typed_rows,
)
from sfs_core.testing.store_promises.base import StorePromises

TEXTS = [
    "",
    " ",
    "Ω é 漢 🙂",
    "a \"b\" 'c' \\ ,;\t",
    "line\nline\r\n",
    "nan",
    "None",
    "0",
    "\x1a\x1b\x1e\x1f\x01",
    "%s {x}",
]
NUMBERS = ["9223372036854775807", "-9223372036854775808", "0", "-0", "+5", "007"]
DECIMALS = [
    "1e3",
    "1E-3",
    "-.5",
    "5.",
    "5",
    "0.1",
    "1.7976931348623157e308",
    "5e-324",
    "123456789012345678901234567890",
]
BAD_RECORDS: dict[str, tuple[dict[str, Value], str]] = {
    "without a record id": ({"at": ONE}, "MissingFeature"),
    "with an empty record id": (record("", ONE), "MissingFeature"),
    "without an event time": ({"id": "x"}, "MissingFeature"),
    "with an event time that is a date": (record("x", "2025-06-01"), "BadEventTime"),
    "with an event time with an offset": (record("x", "2025-06-01T00:00:00+00:00"), "BadEventTime"),
    "with an event time without a zone": (record("x", "2025-06-01T00:00:00"), "BadEventTime"),
    "with an event time of ten decimals": (record("x", "2025-06-01T00:00:00.0000000000Z"), "BadEventTime"),
    "with a 30th of February": (record("x", "2025-02-30T00:00:00Z"), "BadEventTime"),
    "with seconds for an event time": (record("x", "1748736000"), "BadEventTime"),
    "with 5.0 for a whole number": (record("x", ONE, items="5.0"), "BadValue"),
    "with a whole number of 65 bits": (record("x", ONE, items="9223372036854775808"), "BadValue"),
    "with nothing for a whole number": (record("x", ONE, items=""), "BadValue"),
    "with nan for a decimal": (record("x", ONE, amount="nan"), "BadValue"),
    "with an infinite decimal": (record("x", ONE, amount="1e999"), "BadValue"),
    "with blanks around a number": (record("x", ONE, amount=" 1 "), "BadValue"),
    "with a record id over 2 KB": (record("x" * 2049, ONE), "BadRecord"),
    "of more than 350 KB": (record("x", ONE, city="x" * 358_400), "BadRecord"),
}


class PutPromises(StorePromises):
    """Promises about putting records."""

    def test_a_record_that_was_put_is_read(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo", items="5", amount="1.5"))

        assert online(store, group, "1") == [record("1", ONE, city="Oslo", items="5", amount="1.5")]

    def test_a_later_put_replaces_the_whole_record(self, store: Store) -> None:
        """[8] Features left out are gone; nothing is merged."""
        group = self.fill(store, new_group(), record("1", ONE, city="Oslo", items="5"))

        put(store, group, record("1", TWO, amount="1.5"))

        assert online(store, group, "1") == [record("1", TWO, amount="1.5")]

    def test_an_older_put_is_acknowledged_and_does_not_show_online(self, store: Store) -> None:
        """[3] It is a historic record: offline only."""
        group = self.fill(store, new_group(), record("1", TWO, city="new"))

        remarks = put(store, group, record("1", ONE, city="old"))

        assert remarks == []
        assert online(store, group, "1") == [record("1", TWO, city="new")]
        assert [row["city"] for row in history(store, group)] == ["old", "new"]

    def test_a_put_of_the_same_event_time_does_not_show_online(self, store: Store) -> None:
        """[1] A tie is historic."""
        group = self.fill(store, new_group(), record("1", ONE, city="first"))

        remarks = put(store, group, record("1", ONE, city="second"))

        assert remarks == []
        assert online(store, group, "1") == [record("1", ONE, city="first")]
        assert sorted(str(row["city"]) for row in history(store, group)) == ["first", "second"]

    def test_two_texts_of_one_instant_are_a_tie(self, store: Store) -> None:
        """[23]."""
        group = self.fill(store, new_group(), record("1", "2025-06-01T01:00:00Z", city="first"))

        put(store, group, record("1", "2025-06-01T01:00:00.000Z", city="second"))

        assert online(store, group, "1") == [record("1", "2025-06-01T01:00:00Z", city="first")]

    def test_event_times_of_mixed_widths_compare_as_instants(self, store: Store) -> None:
        """[23] As texts, `.` sorts before `Z`."""
        group = self.fill(store, new_group(), record("1", "2025-06-01T01:00:00Z"))

        put(store, group, record("1", "2025-06-01T01:00:00.5Z"))
        put(store, group, record("1", "2025-06-01T01:00:00.49Z"))

        assert online(store, group, "1") == [record("1", "2025-06-01T01:00:00.5Z")]

    def test_a_nanosecond_later_is_later(self, store: Store) -> None:
        group = self.fill(store, new_group(), record("1", "2025-06-01T01:00:00.000000001Z", city="first"))

        put(store, group, record("1", "2025-06-01T01:00:00.000000002Z", city="second"))
        put(store, group, record("1", "2025-06-01T01:00:00.000000001Z", city="third"))

        assert [row["city"] for row in online(store, group, "1")] == ["second"]

    def test_event_times_in_seconds_compare_as_numbers(self, store: Store) -> None:
        """[22, 23] `1000000000` is later than `999999999`, `1e9` is the same, and `1000000000.5` is later still."""
        group = self.fill(store, new_group(event_time="at:Fractional"), record("1", "999999999", city="first"))

        put(store, group, record("1", "1000000000", city="second"), record("1", "1e9", city="third"))
        assert online(store, group, "1") == [record("1", "1000000000", city="second")]

        put(store, group, record("1", "1000000000.5", city="fourth"))
        assert online(store, group, "1") == [record("1", "1000000000.5", city="fourth")]

    @pytest.mark.parametrize("at", ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z", "9999-12-31T23:59:59.999999999Z"])
    def test_every_event_time_from_year_0_to_year_9999_is_kept(self, store: Store, at: str) -> None:
        group = self.fill(store, new_group(), record("1", at))

        assert online(store, group, "1") == [record("1", at)]
        assert typed_rows(group, latest(store, group)) == typed_rows(group, [record("1", at)])

    def test_records_of_one_id_in_one_batch_are_applied_in_order(self, store: Store) -> None:
        group = self.make(store, new_group())

        put(
            store,
            group,
            record("1", TWO, city="a"),
            record("2", ONE, city="b"),
            record("1", ONE, city="c"),
            record("1", TWO, city="d"),
            record("1", THREE, city="e"),
            record("1", THREE, city="f"),
        )

        assert [row["city"] for row in online(store, group, "1", "2")] == ["e", "b"]
        assert sorted(str(row["city"]) for row in history(store, group)) == ["a", "b", "c", "d", "e", "f"]

    def test_a_record_id_is_the_text_it_is(self, store: Store) -> None:
        group = self.fill(store, new_group(), *(record(text, ONE) for text in TEXTS if text))

        assert [row["id"] for row in online(store, group)] == sorted(text for text in TEXTS if text)

    def test_texts_come_back_as_they_were_put(self, store: Store) -> None:
        """[43] from both stores, an empty text too: it is a value, not an absence [9]."""
        records = [record(str(number), ONE, city=text) for number, text in enumerate(TEXTS)]

        group = self.fill(store, new_group(), *records)

        assert online(store, group) == records
        assert latest(store, group) == records

    def test_numbers_come_back_online_as_they_were_spelt(self, store: Store) -> None:
        """[42, 43] Offline they are numbers, and equal."""
        records = [record(f"i{number}", ONE, items=text) for number, text in enumerate(NUMBERS)]
        records += [record(f"d{number}", ONE, amount=text) for number, text in enumerate(DECIMALS)]

        group = self.fill(store, new_group(), *records)

        by_id = sorted(records, key=lambda row: row["id"])
        assert online(store, group) == by_id
        assert typed_rows(group, latest(store, group)) == typed_rows(group, by_id)

    def test_record_ids_may_be_whole_numbers(self, store: Store) -> None:
        group = self.fill(store, new_group(record_identifier="id:Integral"), record("42", ONE), record("7", ONE))

        assert failed(put(store, group, record("x", ONE))) == [(0, "BadValue")]
        assert [row["id"] for row in online(store, group)] == ["42", "7"]
        assert [row["id"] for row in latest(store, group)] == ["42", "7"]

    @pytest.mark.parametrize(("bad", "code"), BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
    def test_a_record_that_breaks_a_rule_fails_alone(self, store: Store, bad: dict[str, Value], code: str) -> None:
        """[12] The others of its batch are done."""
        group = self.make(store, new_group())

        remarks = put(store, group, record("1", ONE), bad, record("2", ONE))

        assert failed(remarks) == [(1, code)]
        assert online(store, group, "1", "2", "x") == [record("1", ONE), record("2", ONE)]
        assert [row["id"] for row in latest(store, group)] == ["1", "2"]

    def test_a_column_that_is_no_feature_is_refused_before_anything_is_written(self, store: Store) -> None:
        group = self.make(store, new_group("orders", "city:String"))
        wrong = records_from((*group.features, FeatureDefinition.parse("colour:String")), [record("1", ONE)])

        with pytest.raises(UnknownFeature):
            list(store.put(group, [Batch(0, wrong)], Put()))

        assert online(store, group, "1") == []

    def test_a_batch_without_the_record_identifiers_column_is_refused(self, store: Store) -> None:
        group = self.make(store, new_group())
        wrong = records_from(group.features, [record("1", ONE)]).select(["at", "city"])

        with pytest.raises(MissingFeature):
            list(store.put(group, [Batch(0, wrong)], Put()))

    def test_a_batch_may_lack_columns_and_order_them_as_it_likes(self, store: Store) -> None:
        group = self.make(store, new_group())
        records = records_from(group.features, [record("1", ONE, city="Oslo")]).select(["city", "at", "id"])

        facts = list(store.put(group, [Batch(0, records)], Put()))

        assert [(fact.done, fact.remarks) for fact in facts] == [(1, ())]
        assert online(store, group, "1") == [record("1", ONE, city="Oslo")]
        assert latest(store, group) == [record("1", ONE, city="Oslo")]

    def test_a_put_into_one_store_leaves_the_other_alone(self, store: Store) -> None:
        group = self.make(store, new_group())

        put(store, group, record("1", ONE), to=[TargetStore.ONLINE])
        put(store, group, record("2", ONE), to=[TargetStore.OFFLINE])

        assert online(store, group, "1", "2") == [record("1", ONE)]
        assert latest(store, group) == [record("2", ONE)]

    @pytest.mark.parametrize("target", list(TargetStore))
    def test_a_put_into_a_store_that_is_not_enabled_is_refused(self, store: Store, target: TargetStore) -> None:
        is_online = target is TargetStore.OFFLINE
        group = self.make(store, new_group(online=is_online, offline=not is_online))

        with pytest.raises(StoreNotEnabled):
            put(store, group, record("1", ONE), to=[target])

    def test_a_time_to_live_without_an_online_store_is_refused(self, store: Store) -> None:
        """[26]."""
        group = self.make(store, new_group(online=False))

        with pytest.raises(BadDefinition):
            put(store, group, record("1", ONE), ttl="1d")

        assert latest(store, group) == []

    def test_there_is_one_fact_for_each_batch_and_batches_may_be_of_any_size(self, store: Store) -> None:
        """The limits of a call (25, 100) are the store's own affair."""
        group = self.make(store, new_group("orders", "city:String"))
        sizes = [0, 1, 260, 26]
        batches = [
            Batch(number, records_from(group.features, [record(f"{number}-{row}", ONE) for row in range(size)]))
            for number, size in enumerate(sizes)
        ]

        facts = list(store.put(group, batches, Put()))

        assert sorted((fact.batch.number, fact.done) for fact in facts) == list(enumerate(sizes))
        assert len(online(store, group)) == sum(sizes)
        assert len(latest(store, group)) == sum(sizes)

    def test_no_batches_are_no_facts(self, store: Store) -> None:
        group = self.make(store, new_group())

        assert list(store.put(group, [], Put())) == []

    def test_batches_are_taken_as_they_are_needed(self, store: Store) -> None:
        """A sink is a stream: it answers before its input has ended."""
        group = self.make(store, new_group())

        def endless() -> Iterator[Batch]:
            number = 0
            while True:
                yield Batch(number, records_from(group.features, [record(str(number), ONE)]))
                number += 1

        facts = store.put(group, endless(), Put(max_workers=2))

        assert next(facts).done == 1

    def test_in_memory_groups_keep_lists_sets_and_vectors(self, store: Store) -> None:
        """[26]."""
        features = ("names:String:List", "sizes:Integral:Set", "place:Fractional:Vector(2)")
        group = self.make(store, new_group("orders", *features, storage_type=StorageType.IN_MEMORY))
        full = record("1", ONE, names=["b", "a", "b", ""], sizes=["2", "1"], place=["1.5", "-1e3"])
        empty = record("2", ONE, names=[], sizes=[])

        remarks = put(store, group, full, empty)

        assert remarks == []
        assert online(store, group) == [full, empty]

    @pytest.mark.parametrize(
        "bad",
        [{"place": ["1"]}, {"place": ["1", "x"]}, {"sizes": ["1", "1"]}, {"sizes": ["1.5"]}],
        ids=["a short vector", "a text in a vector", "a set with a value twice", "a decimal in a set of whole numbers"],
    )
    def test_a_collection_that_breaks_a_rule_fails_its_record(self, store: Store, bad: dict[str, Value]) -> None:
        features = ("sizes:Integral:Set", "place:Fractional:Vector(2)")
        group = self.make(store, new_group("orders", *features, storage_type=StorageType.IN_MEMORY))

        remarks = put(store, group, record("1", ONE, **bad), record("2", ONE))

        assert failed(remarks) == [(0, "BadValue")]
        assert online(store, group) == [record("2", ONE)]

    @pytest.mark.parametrize("storage_type", list(StorageType))
    def test_event_times_rule_in_every_kind_of_online_store(self, store: Store, storage_type: StorageType) -> None:
        group = self.fill(store, new_group(storage_type=storage_type), record("1", TWO), record("1", ONE))

        assert online(store, group) == [record("1", TWO)]
