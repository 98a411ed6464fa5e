"""`put`: a record is checked before it is written, and looked up afterwards, since a store does not tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from sfs_core import AccessDenied, FeatureGroup, OnlineRecords, RecordId
from sfs_core.testing import MemoryState, MemoryStore
from tests.parts import plugin

SHARED = MemoryState()


def record(sfs, group="orders", record_id="1"):
    return sfs.ok(f"get {group} {record_id} --output json").json


def said(answer):
    lines = answer.stderr.splitlines()
    assert "account 000000000000, Region local, as " in lines[0]
    return lines[1:]


# what is written


def test_values_are_given_by_name(orders):
    answer = orders.ok("put orders id=1 at=2025-05-01T00:00:00Z items=5 price=1.5", "city=a=b")

    assert said(answer) == []
    assert answer.stdout == ""
    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z", "items": 5, "price": 1.5, "city": "a=b"}


def test_json_numbers_are_taken_as_they_are_written(orders):
    given = '{"id": 1, "at": "2025-05-01T00:00:00Z", "items": 9223372036854775807, "price": 0.10, "city": null}'

    orders.ok("put orders --record", given)

    assert orders.ok("get orders 1 --output csv").stdout.splitlines()[3:] == ["items,9223372036854775807", "price,0.10"]


def test_booleans_are_texts(orders):
    orders.ok("put orders --event-time now --record", '{"id": "1", "city": true}')

    assert record(orders)["city"] == "true"


def test_collections_are_json_lists(orders):
    orders.ok("put cache --event-time now --record", '{"id": "1", "tags": ["a", 5], "embedding": [1, 2e3]}')

    assert record(orders, "cache")["tags"] == ["a", "5"]
    assert record(orders, "cache")["embedding"] == [1.0, 2000.0]


def test_a_record_replaces_the_whole_record(orders):
    orders.ok("put orders id=1 at=2025-05-01T00:00:00Z items=5")

    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z city=Oslo")

    assert record(orders) == {"id": "1", "at": "2025-05-02T00:00:00Z", "city": "Oslo"}


@pytest.mark.parametrize(
    ("group", "options", "stored"),
    [
        ("orders", "--event-time now", "2025-06-01T00:00:00Z"),
        ("orders", "--event-time 2025-05-01T02:00:00.5+02:00", "2025-05-01T00:00:00.500Z"),
        ("orders", "--event-time 1748736000.25", "2025-06-01T00:00:00.250Z"),
        ("orders", "--event-time 2025-05-01T00:00:00 --assume-utc", "2025-05-01T00:00:00Z"),
        ("orders", "at=2025-05-01T02:00:00-0330", "2025-05-01T05:30:00Z"),
        ("orders", "at=2025-05-01T00:00:00.000Z", "2025-05-01T00:00:00.000Z"),
        ("seconds", "--event-time now", 1748736000),
        ("seconds", "--event-time 2025-06-01T00:00:00Z", 1748736000),
        ("seconds", "at=1748736000.5", 1748736000.5),
    ],
)
def test_event_times_are_brought_to_what_the_group_stores(orders, group, options, stored):
    orders.ok(f"put {group} id=1 {options}")

    assert record(orders, group)["at"] == stored


def test_the_time_to_live_counts_from_the_event_time(orders):
    orders.ok("put orders id=1 at=2025-05-31T00:00:00Z --ttl 2d")

    assert orders.ok("get orders 1").stderr == "expires at 2025-06-02T00:00:00Z\n"


def test_to_one_store_only(orders):
    orders.ok("put orders id=1 --event-time now --to offline")
    orders.ok("put orders id=2 --event-time now --to online")

    assert orders("get orders 1").code == 10
    assert orders.ok("get orders 2").code == 0


# what does not show


def test_an_older_record_is_not_applied_online_and_that_is_said(orders):
    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z items=2")

    answer = orders.ok("put orders id=1 at=2025-05-01T00:00:00Z items=1")

    assert said(answer) == [
        "warning: not applied online: the record there has event time 2025-05-02T00:00:00Z, "
        "and 2025-05-01T00:00:00Z is not later; it is offline alone"
    ]
    assert record(orders)["items"] == 2


def test_a_record_of_the_same_instant_is_not_applied_either(orders):
    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z items=2 --to online")

    answer = orders.ok("put orders id=1 at=2025-05-02T00:00:00.000Z items=1 --to online")

    assert said(answer) == [
        "warning: not applied: the record in the online store has event time 2025-05-02T00:00:00Z, "
        "and 2025-05-02T00:00:00Z is not later"
    ]
    assert record(orders)["items"] == 2


def test_a_record_deleted_later_does_not_come_back(orders):
    orders.ok("put orders id=1 at=2025-05-01T00:00:00Z")
    orders.ok("delete-record orders 1 --event-time 2025-05-03T00:00:00Z")

    answer = orders.ok("put orders id=1 at=2025-05-02T00:00:00Z")

    assert said(answer) == [
        "warning: it does not show online: a record of this id was deleted at or after its event time "
        "2025-05-02T00:00:00Z"
    ]


def test_a_record_born_expired_does_not_show(orders):
    answer = orders.ok("put orders id=1 at=2025-05-01T00:00:00Z --ttl 1d")

    assert said(answer) == [
        "warning: it expired before it was put: its time to live, 1d, counts from its event time 2025-05-01T00:00:00Z"
    ]


def test_an_older_record_for_the_offline_store_alone_is_no_surprise(orders):
    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z")

    assert said(orders.ok("put orders id=1 at=2025-05-01T00:00:00Z --to offline")) == []


# what is refused


WHOLE = "a whole number from -9223372036854775808 to 9223372036854775807"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("", "no record was given: give name=value for each feature, or --record JSON"),
        ("id", "'id' is not a record: give name=value, or the whole record with --record JSON"),
        ("id=1 id=2", "'id=2' is not a record: id is given twice"),
        ("id=1", "a record needs 'at', the event time of feature group 'orders': give it a value"),
        (
            "id= --event-time now",
            "a record needs 'id', the record identifier of feature group 'orders': give it a value",
        ),
        (
            "id=1 town=Oslo",
            "feature group 'dev:orders' has no feature 'town': `sagemaker-fs describe dev:orders` shows them all",
        ),
        ("id=1 items=5.0 --event-time now", f"feature 'items' is Integral, and '5.0' is not: give {WHOLE}"),
        ("id=1 items= --event-time now", f"feature 'items' is Integral, and '' is not: give {WHOLE}"),
        (
            "id=1 price=NaN --event-time now",
            "feature 'price' is Fractional, and 'NaN' is not: "
            "give a decimal or scientific number within double precision",
        ),
        (
            "id=1 at=2025-05-01T00:00:00",
            "'2025-05-01T00:00:00' is not an event time: give its zone too, as Z or +02:00 at its end, or --assume-utc",
        ),
        (
            "id=1 --event-time tomorrow",
            "'tomorrow' is not an event time: give ISO 8601 in UTC, as 2025-06-01T00:00:00Z, with up to 9 decimals",
        ),
        (
            "id=1 at=1748736000",
            "'1748736000' is not an event time: give ISO 8601 in UTC, as 2025-06-01T00:00:00Z, with up to 9 decimals",
        ),
        ("id=1 at=5 --event-time now", "--event-time and at=5 contradict each other: give one of them"),
        ("id=1 --record {}", "name=value and --record contradict each other: give one of them"),
        ("id=1 --event-time now --to both", "--to does not take 'both': give online, offline or online,offline"),
    ],
)
def test_what_cannot_be_put_is_one_sentence_and_nothing_is_written(orders, values, sentence):
    answer = orders(f"put orders {values}")

    assert (answer.code, answer.stdout, answer.stderr) == (2, "", f"error: {sentence}\n")
    assert orders("get orders 1").code == 10


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("[1]", '--record is not a record: give an object of names and values, as {"id": "1"}'),
        ('{"id": ', "--record is not a record: Expecting value: line 1 column 8 (char 7)"),
        ('{"id": 1, "id": 2}', "--record is not a record: 'id' is given twice"),
        ('{"price": NaN}', "--record is not a record: NaN is no value of a feature; leave it out"),
        (
            '{"id": {"a": 1}}',
            "feature 'id' is String, and {'a': '1'} is not: give a text, a number or a list of them",
        ),
        ('{"id": "1", "items": true}', f"feature 'items' is Integral, and 'true' is not: give {WHOLE}"),
        ('{"id": ["1"]}', "feature 'id' is String, and ['1'] is not: give one value, not a list"),
        (
            '{"id": "1", "items": 9223372036854775808}',
            f"feature 'items' is Integral, and '9223372036854775808' is not: give {WHOLE}",
        ),
    ],
)
def test_a_json_record_that_is_none_is_one_sentence(orders, given, sentence):
    answer = orders("put orders --event-time now --record", given)

    assert (answer.code, answer.stdout, answer.stderr) == (2, "", f"error: {sentence}\n")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("tags=a,b", """feature 'tags' is String:List, and 'a,b' is not: give a JSON list, as ["a", "b"]"""),
        ('tags="a"', "feature 'tags' is String:List, and 'a' is not: give a list of values"),
        ("embedding=[1]", "feature 'embedding' is Fractional:Vector(2), and ['1'] is not: give 2 values"),
        ("tags=[null]", "feature 'tags' is String:List, and None is not: give a text, a number or a list of them"),
    ],
)
def test_a_collection_that_is_none_is_one_sentence(orders, value, sentence):
    answer = orders("put cache id=1 --event-time now", value)

    assert (answer.code, answer.stderr) == (2, f"error: {sentence}\n")


def test_a_store_that_the_group_has_not_is_refused(orders):
    orders.ok("create archive --like orders --no-online")

    to_offline = orders("put cache id=1 --event-time now --to online,offline")
    with_ttl = orders("put archive id=1 --event-time now --ttl 1d")

    assert (to_offline.code, to_offline.stderr) == (
        2,
        "error: feature group 'dev:cache' has no OfflineStore: `sagemaker-fs describe dev:cache` shows its stores\n",
    )
    assert (with_ttl.code, with_ttl.stderr) == (
        2,
        "error: feature group 'archive' cannot be made or changed so: a time to live needs an online store\n",
    )


def test_a_group_that_is_not_there_is_exit_10(orders):
    assert orders("put nope id=1 --event-time now").code == 10


def test_who_may_not_read_may_still_put(orders):
    orders.plugins.append(("unreadable", plugin(sfs_stores=[UnreadableStore])))
    orders.configure('default = "dev"\n[connections.dev]\nstore = "memory"\n')
    orders.ok("create orders --schema orders.yaml")

    answer = orders.ok("put orders id=1 --event-time now")

    assert answer.stderr.splitlines()[1:] == [
        "whether it shows online cannot be seen: writer may not GetRecord on orders: ask for the permission GetRecord"
    ]


@dataclass
class UnreadableStore(MemoryStore):
    """A store that lets this principal write only."""

    state: MemoryState = field(default_factory=lambda: SHARED, repr=False)

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        raise AccessDenied(principal="writer", action="GetRecord", resource=group.name)


def test_logs_for_machines_carry_both_times(orders):
    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z")

    answer = orders.ok("put orders id=1 at=2025-05-01T00:00:00Z --log-format json")

    entry = json.loads(answer.stderr.splitlines()[-1])
    assert entry["level"] == "warning"
    assert entry["fields"] == {"held": "2025-05-02T00:00:00Z", "put_at": "2025-05-01T00:00:00Z"}
