"""`get`: one record, typed for machines, as stored for people."""

from __future__ import annotations

import pytest


@pytest.fixture
def filled(orders):
    orders.ok("put orders id=1 at=2025-05-31T00:00:00.000Z items=9223372036854775807 price=0.10", "city=Oslo <b>")
    return orders


def test_a_person_sees_the_texts_that_are_stored(filled):
    answer = filled.ok("get orders 1")

    assert answer.stdout == (
        "name    value\n"
        "id      1\n"
        "at      2025-05-31T00:00:00.000Z\n"
        "items   9223372036854775807\n"
        "price   0.10\n"
        "city    Oslo <b>\n"
    )
    assert answer.stderr == ""


def test_a_machine_sees_typed_values(filled):
    answer = filled.ok("get orders 1 --output jsonl")

    assert answer.stdout == (
        '{"id": "1", "at": "2025-05-31T00:00:00.000Z", "items": 9223372036854775807, "price": 0.1, '
        '"city": "Oslo <b>"}\n'
    )


def test_absent_features_are_left_out(orders):
    orders.ok("put orders id=1 --event-time now city=")

    assert orders.ok("get orders 1 --output json").json == {"id": "1", "at": "2025-06-01T00:00:00Z", "city": ""}


def test_collections_are_lists(orders):
    orders.ok("put cache id=1 --event-time now", 'tags=["a", "b"]', "embedding=[1, 2.5]")

    answer = orders.ok("get cache 1 --features tags,embedding --output json").json

    assert answer == {"tags": ["a", "b"], "embedding": [1.0, 2.5]}


def test_only_the_features_asked_for_in_that_order(filled):
    assert filled.ok("get orders 1 --features city,items --output csv").stdout == (
        "name,value\ncity,Oslo <b>\nitems,9223372036854775807\n"
    )


def test_an_event_time_that_a_double_cannot_hold_stays_text(orders):
    orders.ok("put seconds id=1 at=1748736000.123456789")
    orders.ok("put seconds id=2 at=1748736000.25")

    assert orders.ok("get seconds 1 --output json").json["at"] == "1748736000.123456789"
    assert orders.ok("get seconds 2 --output json").json["at"] == 1748736000.25


def test_what_get_answers_put_takes(orders):
    orders.ok("put seconds id=1 at=1748736000.123456789 items=5 price=1e-7", "city=a=b")
    stored = orders.ok("get seconds 1").stdout
    answer = orders.ok("get seconds 1 --output json").stdout
    orders.ok("delete-record seconds 1 --hard")

    orders.ok("put seconds --record -", stdin=answer)

    assert orders.ok("get seconds 1").stdout == stored.replace("1e-7", "1e-07")


def test_when_it_expires_is_said_aside(orders):
    orders.ok("put orders id=1 --event-time now --ttl 30d")

    assert orders.ok("get orders 1").stderr == "expires at 2025-07-01T00:00:00Z\n"


def test_no_record_is_exit_10(orders):
    answer = orders("get orders 1 --output json")

    assert (answer.code, answer.stdout) == (10, "")
    assert answer.stderr == "error: no record '1' in the online store of 'dev:orders'\n"


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (
            "get nope 1",
            10,
            "no feature group 'nope' in {store}: `sagemaker-fs list` shows them",
        ),
        (
            "get orders 1 --features city,town",
            2,
            "feature group 'dev:orders' has no feature 'town': `sagemaker-fs describe dev:orders` shows them all",
        ),
        (
            "get archive 1",
            2,
            "feature group 'dev:archive' has no OnlineStore: `sagemaker-fs describe dev:archive` shows its stores",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(orders, line, code, sentence):
    orders.ok("create archive --like orders --no-online")

    answer = orders(line)

    assert (answer.code, answer.stdout) == (code, "")
    assert answer.stderr == f"error: {sentence.format(store=orders.store)}\n"
