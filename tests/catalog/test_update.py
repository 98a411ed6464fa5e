"""`update`: features added, time to live, throughput; checked as a whole before the first change."""

from __future__ import annotations

import pytest


def changes(answer):
    return answer.stderr.splitlines()[1:]


def test_features_are_added(orders):
    answer = orders.ok("update orders --add-feature city:String --add-feature price:Fractional,paid:integral")

    assert answer.stderr.splitlines()[0].startswith("in dev:orders: account 000000000000, Region local, as ")
    assert changes(answer) == [
        "changed dev:orders: features city:String, price:Fractional, paid:Integral added; "
        "records have no values of them until they are written again"
    ]
    added = orders.ok("describe orders --output json").json["features"][3:]
    assert [feature["type"] for feature in added] == ["String", "Fractional", "Integral"]


def test_collections_are_added_to_an_in_memory_group(orders):
    orders.ok("create cache --like orders --no-offline --storage-type InMemory")

    orders.ok("update cache --add-feature tags:String:Set --add-feature", "embedding:Fractional:Vector(3)")

    added = orders.ok("describe cache --output json").json["features"][3:]
    assert [feature["type"] for feature in added] == ["String:Set", "Fractional:Vector(3)"]


def test_the_time_to_live_is_set_and_removed(orders):
    assert changes(orders.ok("update orders --ttl 5d")) == [
        "changed dev:orders: time to live 5d; records written before keep theirs"
    ]
    assert orders.ok("describe orders --output json").json["online"]["ttl"] == "5d"
    assert changes(orders.ok("update orders --no-ttl")) == [
        "changed dev:orders: no time to live; records written before keep theirs"
    ]
    assert orders.ok("describe orders --output json").json["online"]["ttl"] is None


def test_several_kinds_of_change_are_made_one_after_another(orders):
    answer = orders.ok("update orders --throughput 100:50 --ttl 1w")

    assert changes(answer) == [
        "changed dev:orders: time to live 1w; records written before keep theirs",
        "changed dev:orders: throughput Provisioned, 100 read and 50 write units",
    ]
    assert changes(orders.ok("update orders --throughput on-demand --storage-type Standard_V2")) == [
        "changed dev:orders: storage type Standard_V2",
        "changed dev:orders: throughput OnDemand",
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("", "nothing to change was given: give --add-feature, --ttl, --no-ttl, --throughput or --storage-type"),
        ("--ttl 1d --no-ttl", "--ttl and --no-ttl contradict each other: give one of them"),
        ("--throughput 5", "--throughput does not take '5': give OnDemand, or read and write units as 100:50"),
        (
            "--add-feature city",
            "'city' is not a feature type: give String, Integral or Fractional, "
            "and if it is a collection :List, :Set or :Vector(n)",
        ),
        (
            "--add-feature items:String",
            "feature group 'orders' cannot be made or changed so: feature 'items' is defined twice",
        ),
        (
            "--ttl 1d --add-feature tags:String:List",
            "feature group 'orders' cannot be made or changed so: collections need an InMemory online store",
        ),
        (
            "--add-feature write_time:String",
            "feature group 'orders' cannot be made or changed so: 'write_time' is reserved by the service",
        ),
    ],
)
def test_what_cannot_be_changed_is_one_sentence_and_nothing_changes(orders, options, sentence):
    before = orders.ok("describe orders --output json").stdout

    answer = orders(f"update orders {options}")

    assert (answer.code, answer.stderr) == (2, f"error: {sentence}\n")
    assert orders.ok("describe orders --output json").stdout == before


def test_a_group_that_is_not_there_is_exit_10(sfs):
    assert sfs("update nope --ttl 1d").code == 10
