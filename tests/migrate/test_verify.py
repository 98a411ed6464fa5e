"""`verify`: two groups, or one group's two stores, compared by what their records mean."""

from __future__ import annotations

import json

import pytest

from sfs_core import EventTime, FeatureDefinition, TargetStore, records_from
from sfs_core.testing import new_group, put
from sfs_plugins.migrate.comparison import Compare, Difference, Expiry, unequal
from sfs_plugins.migrate.sample import Sample, bound, wilson

ONE, TWO = "2025-05-01T00:00:00Z", "2025-05-02T00:00:00Z"


def an_order(record_id: str, at: str = ONE, city: str = "Oslo") -> dict[str, str]:
    return {"id": record_id, "at": at, "city": city}


def two_groups(dev, mine, theirs):
    dev.fill(new_group("old", "city:String", online=False), *mine)
    dev.fill(new_group("new", "city:String"), *theirs)


def test_groups_that_hold_the_same_are_equal_whatever_the_texts(sfs, dev):
    dev.fill(
        new_group("old", "size:Integral", "amount:Fractional", online=False),
        {"id": "1", "at": "2025-05-01T00:00:00Z", "size": "5", "amount": "5"},
    )
    dev.fill(
        new_group("new", "size:Integral", "amount:Fractional"),
        {"id": "1", "at": "2025-05-01T00:00:00.000Z", "size": "+05", "amount": "0.5e1"},
    )

    answer = sfs.ok("verify old new --output json")

    assert answer.json == {
        "source": "dev:old", "target": "dev:new", "store": "OnlineStore", "sample": None,
        "compared": 1, "equal": 1, "missing": 0, "extra": 0, "different value": 0, "different event time": 0,
        "different count": 0, "expired": 0, "newer in target": 0, "bound": None, "examples": [],
    }  # fmt: skip


def test_every_kind_of_difference_is_counted_and_shown(sfs, dev):
    two_groups(
        dev,
        [an_order("same"), an_order("gone"), an_order("value", city="Oslo"), an_order("time", ONE)],
        [an_order("same"), an_order("more"), an_order("value", city="Rome"), an_order("time", TWO)],
    )

    answer = sfs("verify old new --output json")

    assert answer.code == 6
    told = json.loads(answer.stdout)
    kinds = {kind: told[kind] for kind in ("missing", "extra", "different value", "different event time")}
    assert kinds == {"missing": 1, "extra": 1, "different value": 1, "different event time": 1}
    assert (told["compared"], told["equal"]) == (5, 1)
    assert sorted(told["examples"], key=lambda line: line["record_id"]) == [
        {"difference": "missing", "record_id": "gone", "feature": "at", "source": ONE, "target": None},
        {"difference": "extra", "record_id": "more", "feature": None, "source": None, "target": None},
        {"difference": "different event time", "record_id": "time", "feature": "at", "source": ONE, "target": TWO},
        {"difference": "different value", "record_id": "value", "feature": "city", "source": "Oslo", "target": "Rome"},
    ]
    assert answer.stderr == "error: dev:old and dev:new differ, in records: 4\n"


def test_a_table_has_the_counts_and_the_words_are_beside_it(sfs, dev):
    two_groups(dev, [an_order("1"), an_order("2")], [an_order("1")])

    answer = sfs("verify old new")

    assert answer.code == 6
    assert "missing               1" in answer.stdout.splitlines()
    assert answer.stderr.splitlines() == [
        "Compared dev:old with the OnlineStore of dev:new, every record: 2 records, 1 equal",
        "  1 missing",
        "    missing: 2",
        "error: dev:old and dev:new differ, in records: 1",
    ]


def test_an_absent_value_is_not_an_empty_one(sfs, dev):
    two_groups(dev, [{"id": "1", "at": ONE}], [an_order("1", city="")])

    answer = sfs("verify old new --output json")

    assert answer.code == 6
    assert answer.json["examples"][0] == {
        "difference": "different value", "record_id": "1", "feature": "city", "source": None, "target": "",
    }  # fmt: skip


def test_one_group_is_compared_online_against_offline(sfs, dev):
    dev.fill(new_group("orders", "city:String"), an_order("1"), an_order("2"))
    store = dev.open()
    put(store, store.describe("orders"), an_order("2", TWO, "late"), to=[TargetStore.OFFLINE])
    put(store, store.describe("orders"), an_order("3"), to=[TargetStore.ONLINE])
    store.close()

    answer = sfs("verify orders --output json")

    assert answer.code == 6
    assert (answer.json["equal"], answer.json["extra"], answer.json["different event time"]) == (1, 1, 1)
    assert answer.stderr == "error: the offline store of dev:orders and its online store differ, in records: 2\n"


def test_one_group_without_both_stores_cannot_be_compared_with_itself(sfs, dev):
    dev.fill(new_group("old", "city:String", online=False), an_order("1"))

    answer = sfs("verify old")

    assert answer.code == 2
    assert answer.stderr == (
        "error: feature group 'dev:old' has no OnlineStore: `sagemaker-fs describe dev:old` shows its stores\n"
    )


def test_groups_without_an_online_store_are_compared_offline(sfs, dev):
    dev.fill(new_group("old", "city:String", online=False), an_order("1", ONE), an_order("1", TWO), an_order("2"))
    dev.fill(new_group("new", "city:String", online=False), an_order("1", TWO), an_order("3"))

    answer = sfs("verify old new --output json")

    assert answer.code == 6
    told = answer.json
    assert (told["store"], told["equal"], told["missing"], told["extra"]) == ("OfflineStore", 1, 1, 1)


def test_records_whose_time_is_over_are_expected_to_be_gone(sfs, dev):
    dev.fill(new_group("orders", "city:String", ttl="10d"), an_order("1"), an_order("2", "2025-05-30T00:00:00Z"))

    answer = sfs.ok("verify orders --output json")

    assert (answer.json["compared"], answer.json["equal"], answer.json["expired"]) == (2, 1, 1)


def test_a_time_to_live_of_each_record_can_be_told(sfs, dev):
    two_groups(dev, [an_order("1")], [])

    assert sfs("verify old new").code == 6
    assert sfs("verify old new --ttl 10d").code == 0


def test_features_are_mapped_as_they_were_for_the_migration(sfs, dev):
    dev.fill(new_group("old", "city:String", "size:Integral", online=False), {**an_order("1"), "size": "1"})
    dev.fill(new_group("new", "town:String"), {"id": "1", "at": ONE, "town": "Oslo"})

    assert sfs("verify old new").code == 2
    assert sfs("verify old new --map city=town --drop size").code == 0


def test_a_sample_finds_missing_and_extra_records_and_states_its_bound(sfs, dev):
    ids = [str(number) for number in range(2000)]
    two_groups(dev, map(an_order, ids), map(an_order, [*ids[1000:], *(f"x{number}" for number in range(1000))]))

    answer = sfs("verify old new --sample 20% --output json")

    told = answer.json
    assert answer.code == 6
    assert told["sample"] == "20%"
    assert all(140 < told[kind] < 260 for kind in ("missing", "extra", "equal"))
    assert told["compared"] == told["missing"] + told["extra"] + told["equal"]
    assert told["bound"].startswith("with 95 % confidence ")


def test_a_group_is_not_compared_with_itself_as_another(sfs, dev):
    dev.fill(new_group("orders", "city:String"), an_order("1"))

    assert sfs("verify orders dev:ORDERS").code == 4


@pytest.mark.parametrize("given", ["5", "0%", "101%", "-1%", "x%", "nan%"])
def test_a_sample_is_a_share(sfs, dev, given):
    two_groups(dev, [], [])

    answer = sfs("verify old new", f"--sample={given}")

    assert answer.code == 2
    assert answer.stderr == f"error: --sample does not take '{given}': give a share over 0% and up to 100%, as 1%\n"


# bounds and meanings


def test_the_bounds_of_a_sample_are_the_known_ones():
    low, high = wilson(100, 10)

    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    assert str(bound(1000, 0)) == "with 95 % confidence fewer than 0.3 % of all records differ"
    assert str(bound(100, 10)) == "with 95 % confidence 5.5 % to 17 % of all records differ"
    assert str(bound(0, 0)) == "no record was in the sample, which says nothing"


def test_a_sample_is_the_same_records_wherever_they_are_met():
    features = [FeatureDefinition.parse("id:String")]
    records = records_from(features, [{"id": str(number)} for number in range(10_000)])

    chosen = Sample(0.1).of(records, "id")
    turned = Sample(0.1).of(records.slice(5000), "id")

    assert 900 < chosen.num_rows < 1100
    assert set(turned.column(0).to_pylist()) == {one for one in chosen.column(0).to_pylist() if int(one) >= 5000}


@pytest.mark.parametrize(
    ("kind", "mine", "theirs", "is_equal"),
    [
        ("Fractional", "5", "5.0", True),
        ("Fractional", "1e2", "100", True),
        ("Fractional", "0.1", "0.10000000000000001", True),
        ("Fractional", "0.1", "0.2", False),
        ("Integral", "-0", "0", True),
        ("Integral", "9007199254740993", "9007199254740992", False),
        ("String", "5", "5.0", False),
        ("String", "", None, False),
        ("String:List", ["a", "b"], ["b", "a"], False),
        ("String:Set", ["a", "b"], ["b", "a"], True),
        ("Fractional:Vector(2)", ["1", "2"], ["1.0", "2.0"], True),
    ],
)
def test_values_are_compared_by_what_they_mean(kind, mine, theirs, is_equal):
    feature = FeatureDefinition.parse(f"f:{kind}")
    columns = [
        records_from([feature], [{"f": value} if value is not None else {}]).column(0) for value in (mine, theirs)
    ]

    assert unequal(feature, *columns) == ([] if is_equal else [0])


def test_what_the_target_has_newer_is_no_difference_where_that_is_expected(dev):
    group = dev.fill(new_group("orders", "city:String"))
    mine, theirs = (records_from(group.features, [an_order("1", at)]) for at in (ONE, TWO))
    expiry = Expiry(None, EventTime(0))

    strict, lenient = Compare(group, expiry, newer_is_fine=False), Compare(group, expiry, newer_is_fine=True)
    strict.batch(mine, theirs)
    lenient.batch(mine, theirs)
    lenient.batch(theirs, mine)

    assert strict.tally.differences == {Difference.EVENT_TIME: 1}
    assert (lenient.tally.newer, lenient.tally.differences) == (1, {Difference.EVENT_TIME: 1})
