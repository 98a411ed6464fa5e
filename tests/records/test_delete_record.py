"""`delete-record`: soft by default, hard if asked; a record that stays is said to stay, and is not exit 0."""

from __future__ import annotations

import pytest

from sfs_core.testing import MemoryPlugin

MARKED = "a delete marker was added to the offline store all the same"


@pytest.fixture
def filled(orders):
    orders.ok("put orders id=1 at=2025-05-02T00:00:00Z")
    orders.ok("put seconds id=1 at=1746144000.5")
    return orders


def said(answer):
    lines = answer.stderr.splitlines()
    assert "account 000000000000, Region local, as " in lines[0]
    return lines[1:]


def stays(group, held, given):
    return (
        f"error: record '1' of 'dev:{group}' was not deleted: its event time {held} is not earlier than {given}; "
        "leave --event-time out to delete it as it is now"
    )


def test_a_soft_deleted_record_is_hidden_and_remembered(filled):
    answer = filled.ok("delete-record orders 1")

    assert said(answer) == []
    assert filled("get orders 1").code == 10
    filled.ok("put orders id=1 at=2025-05-31T00:00:00Z")
    assert filled("get orders 1").code == 10


def test_a_hard_deleted_record_is_forgotten(filled):
    filled.ok("delete-record orders 1 --hard")

    assert filled("get orders 1").code == 10
    filled.ok("put orders id=1 at=2025-05-01T00:00:00Z")
    assert filled.ok("get orders 1").code == 0


@pytest.mark.parametrize("mode", ["", "--hard"])
@pytest.mark.parametrize(("group", "future"), [("orders", "2030-01-01T00:00:00Z"), ("seconds", "1893456000.25")])
def test_a_record_of_the_future_goes_too_when_no_event_time_is_given(filled, mode, group, future):
    filled.ok(f"put {group} id=1 at={future}")

    assert said(filled.ok(f"delete-record {group} 1 {mode}")) == []
    assert filled(f"get {group} 1").code == 10


@pytest.mark.parametrize("given", ["2025-05-01T00:00:00Z", "2025-05-02T00:00:00Z"])
def test_a_soft_delete_that_is_not_later_leaves_the_record(filled, given):
    answer = filled(f"delete-record orders 1 --event-time {given}")

    assert answer.code == 3
    assert said(answer) == [MARKED, stays("orders", "2025-05-02T00:00:00Z", given)]
    assert filled.ok("get orders 1").code == 0


def test_a_hard_delete_that_is_not_later_leaves_the_record(filled):
    answer = filled("delete-record seconds 1 --hard --event-time 1746144000.5")

    assert answer.code == 3
    assert said(answer) == [stays("seconds", "2025-05-02T00:00:00.500Z", "2025-05-02T00:00:00.500Z")]
    assert filled.ok("get seconds 1").code == 0


@pytest.mark.parametrize("given", ["now", "2025-05-02T00:00:00.000000001Z", "2025-05-02T03:00:00+02:00", "1748736000"])
def test_a_later_event_time_deletes(filled, given):
    filled.ok(f"delete-record orders 1 --event-time {given}")

    assert filled("get orders 1").code == 10


def test_a_record_that_is_not_there_is_said_and_done(filled):
    assert said(filled.ok("delete-record orders 2")) == ["there was no record '2' online"]


def test_the_offline_store_alone_gets_a_delete_marker(filled):
    assert said(filled.ok("delete-record orders 1 --to offline")) == []
    assert filled.ok("get orders 1").code == 0


def test_an_offline_only_group_gets_a_delete_marker(filled):
    filled.ok("create archive --like orders --no-online")

    assert said(filled.ok("delete-record archive 1")) == []


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        ("delete-record nope 1", 10, "no feature group 'nope' in {store}: `sagemaker-fs list` shows them"),
        (
            "delete-record orders ''",
            2,
            "a record needs 'id', the record identifier of feature group 'orders': give it a value",
        ),
        (
            "delete-record orders 1 --event-time 2025-06-01T00:00:00",
            2,
            "'2025-06-01T00:00:00' is not an event time: give its zone too, as Z or +02:00 at its end, or --assume-utc",
        ),
        (
            "delete-record seconds 1 --to offline",
            2,
            "feature group 'dev:seconds' has no OfflineStore: `sagemaker-fs describe dev:seconds` shows its stores",
        ),
    ],
)
def test_what_cannot_be_deleted_is_one_sentence(filled, line, code, sentence):
    answer = filled(line)

    assert (answer.code, answer.stderr) == (code, f"error: {sentence.format(store=filled.store)}\n")
    assert filled.ok("get orders 1").code == 0


def test_a_protected_connection_is_not_changed_without_unprotect(filled):
    filled.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{filled.store}"\nprotected = true\n'
    )

    assert filled("delete-record orders 1").code == 4
    assert filled.ok("get orders 1").code == 0
    filled.ok("delete-record orders 1 --unprotect")
    assert filled("get orders 1").code == 10


def test_the_reference_model_answers_alike(filled):
    filled.plugins.append(("memory", MemoryPlugin()))
    filled.configure('default = "dev"\n[connections.dev]\nstore = "memory"\n')
    filled.ok("create orders --schema orders.yaml")
    filled.ok("put orders id=1 at=2025-05-02T00:00:00Z")

    for mode in ("", "--hard"):
        answer = filled(f"delete-record orders 1 --event-time 2025-05-01T00:00:00Z {mode}")
        assert answer.code == 3
        assert answer.stderr.splitlines()[-1] == stays("orders", "2025-05-02T00:00:00Z", "2025-05-01T00:00:00Z")
    filled.ok("delete-record orders 1 --hard")
    assert filled("get orders 1").code == 10
