"""More ways in which other tools go wrong on a feature store: in how calls are cut, spread, tried again and told.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sfs_core import BadDefinition, FeatureGroupNotFound, RecordId, StoreUnavailable
from sfs_core.testing import (
    ONE,
    THREE,
    TWO,
    delete,
    delete_objects,
    failed,
    filled,
    ids_in,
    new_group,
    online,
    put,
    record,
)
from sfs_plugins.sagemaker_store.creating import TRIES
from sfs_plugins.sandbox.wire import Request, Response
from tests.conftest import Sfs
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore, Server
from tests.sagemaker_store.test_known_ways_to_be_wrong import is_put, refused


def id_of(entry: dict[str, Any]) -> Any:
    return next(value["ValueAsString"] for value in entry["Record"] if value["FeatureName"] == "id")


def times() -> Iterator[str]:
    """Event times a minute apart."""
    return (f"2025-06-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(24 * 60))


# one id of many records


class HotId:
    """Takes a record of one id at every third call only, as a store that is asked for more than an id's share."""

    def __init__(self, hot: str) -> None:
        self.hot, self.asked = hot, 0
        self.calls: list[list[str]] = []
        self.taken: list[str] = []

    def __call__(self, request: Request) -> Response | None:
        if request.path != "/BatchWriteRecord":
            return None
        entries = json.loads(request.body)["Entries"]
        self.calls.append([id_of(entry) for entry in entries])
        hot = [entry for entry in entries if id_of(entry) == self.hot]
        self.asked += len(hot)
        if not hot or self.asked % 3 == 0:
            self.taken += [value["ValueAsString"] for entry in hot for value in entry["Record"][2:]]
            return None
        errors = [
            {"Entry": entry, "ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"} for entry in hot
        ]
        others = [entry for entry in entries if id_of(entry) != self.hot]
        return Response(200, json.dumps({"Errors": errors, "UnprocessedEntries": others}).encode())


def test_the_records_of_a_hot_id_are_spread_over_calls_and_written_in_order(store: ServedStore, server: Server):
    """[41] An id has its own limit: its records go one a call, among others, and none is lost or overtaken."""
    group = filled(store, new_group("orders"))
    when = times()
    hot = [record("hot", next(when), items=str(number)) for number in range(12)]
    cold = [record(f"{number:03}", next(when)) for number in range(36)]
    server.instead = limit = HotId("hot")

    remarks = put(store, group, *hot, *cold)

    assert remarks == []
    assert all(len(set(ids)) == len(ids) for ids in limit.calls), "no id twice in a call"
    assert [len(ids) for ids in limit.calls if "000" in ids] == [25] * 3, "the rest of a call waits with its hot id"
    assert online(store, group, "hot") == hot[-1:]
    assert limit.taken == [str(number) for number in range(12)]


def test_records_of_many_ids_that_come_id_by_id_fill_calls_all_the_same(store: ServedStore, asked: Asked):
    """[41] A history sorted by id: 4 versions each of 50 ids are 8 calls of 25, and none of them names an id twice."""
    group = filled(store, new_group("orders"))
    when = list(times())
    records = [record(f"{number:03}", when[version]) for number in range(50) for version in range(4)]

    remarks = put(store, group, *records)

    assert remarks == []
    calls = [[id_of(entry) for entry in call["Entries"]] for call in asked.of("BatchWriteRecord")]
    assert [(len(ids), len(set(ids))) for ids in calls] == [(25, 25)] * 8
    assert {row["at"] for row in online(store, group)} == {when[3]}


# what is to be tried again, and what is not


def test_whatever_a_throttle_or_a_passing_fault_is_called_the_call_is_sent_again(store: ServedStore, server: Server):
    """[20] The runtime's model has no code for a throttle, and a fault may come without a body."""
    group = filled(store, new_group("orders"), record("1", ONE))
    answers = iter(
        [
            refused("ThrottlingException", "Rate exceeded"),
            refused("ProvisionedThroughputExceededException", "The level of configured throughput was exceeded"),
            refused("TooManyRequestsException", "", 429),
            Response(429, b""),
            Response(503, b""),
            refused("ServiceUnavailable", "", 503),
            refused("InternalFailure", "Internal server error. Please try again later.", 500),
        ]
    )
    server.instead = lambda request: next(answers, None) if request.path == "/BatchGetRecord" else None

    assert online(store, group, "1") == [record("1", ONE)]

    assert (len(store.paused), store.throttles) == (7, 4)


def entries_in_error(code: str, text: str = "") -> Any:
    """Return what answers every BatchWriteRecord of more than one entry: the first is written by nobody."""

    def answer(request: Request) -> Response | None:
        entries = json.loads(request.body)["Entries"] if request.path == "/BatchWriteRecord" else []
        if len(entries) < 2:
            return None
        errors = [{"Entry": entries[0], "ErrorCode": code, "ErrorMessage": text}]
        return Response(200, json.dumps({"Errors": errors, "UnprocessedEntries": entries[1:]}).encode())

    return answer


def test_an_entry_that_is_not_permitted_is_put_by_itself(store: ServedStore, server: Server, asked: Asked):
    """[12, 13] Permissions are looked at group by group inside a batch; PutRecord's may be there all the same."""
    group = filled(store, new_group("orders"))
    server.instead = entries_in_error("AccessForbidden", "not authorized to perform: sagemaker:BatchWriteRecord")

    remarks = put(store, group, record("1", ONE), record("2", ONE), record("3", ONE))

    assert remarks == []
    assert ids_in(store, group) == ["1", "2", "3"]
    assert asked.operations("BatchWriteRecord", "PutRecord") == [
        "BatchWriteRecord", "PutRecord", "BatchWriteRecord", "PutRecord", "BatchWriteRecord",
    ]  # fmt: skip


def test_an_answer_that_names_an_entry_nobody_sent_is_not_believed(store: ServedStore, server: Server):
    """[12] Nothing of it is taken for written."""
    group = filled(store, new_group("orders"))
    alien = {"Entry": {"FeatureGroupName": "orders", "Record": [{"FeatureName": "id", "ValueAsString": "9"}]}}
    told = {"Errors": [{**alien, "ErrorCode": "ValidationError", "ErrorMessage": ""}], "UnprocessedEntries": []}
    answer = Response(200, json.dumps(told).encode())
    server.instead = lambda request: answer if request.path == "/BatchWriteRecord" else None

    with pytest.raises(StoreUnavailable, match="names an entry that was not sent"):
        put(store, group, record("1", ONE))


@pytest.mark.parametrize("code", ["ValidationError", "ValidationException"])
def test_a_hard_delete_whose_time_is_refused_is_told_apart_by_either_code(
    store: ServedStore, server: Server, code: str
):
    """[5, 20] The model says the one, the documentation the other."""
    group = filled(store, new_group("orders"), record("1", ONE))
    refusal = refused(code, "The EventTime of the delete request is not later than the EventTime of the record.")
    server.instead = lambda request: refusal if request.method == "DELETE" else None

    assert failed(delete(store, group, "1", at=TWO, hard=True)) == [(0, "EventTimeNotLater")]


def test_a_missing_group_is_one_error_however_it_is_worded(store: ServedStore, asked: Asked):
    """[20] A ResourceNotFound of the control plane (400) and of the runtime (404), or a ValidationError with a text."""
    group = filled(store, new_group("orders"))
    store.delete("orders")

    for call in (
        lambda: store.describe("orders"),
        lambda: list(store.list_record_ids(group)),
        lambda: store.read(group, [RecordId("1")]),
        lambda: put(store, group, record("1", ONE)),
        lambda: delete(store, group, "1", at=TWO),
    ):
        with pytest.raises(FeatureGroupNotFound):
            call()

    assert store.paused == []


# listings, deletions, groups


def test_a_listing_may_repeat_itself_be_longer_than_asked_for_and_have_empty_pages(
    aws: Sfs, store: ServedStore, server: Server
):
    """[14] Each record comes once, and each is deleted once."""
    group = filled(store, new_group("orders"), *(record(f"{number:03}", ONE) for number in range(3)))
    ids = [f"{number:03}" for number in range(3)]
    pages: list[list[str]] = []

    def repeating(request: Request) -> Response | None:
        if not request.path.endswith("/ListRecords") or not pages:
            return None
        page = {"RecordIdentifiers": pages.pop(0)} | ({"NextToken": str(len(pages))} if pages else {})
        return Response(200, json.dumps(page).encode())

    server.instead = repeating

    pages += [ids[:2] * 60, [], ids[1:], []]
    exported = aws.ok("export orders - --what online --format jsonl").stdout
    pages += [ids[:2] * 60, [], ids[1:], []]
    got = aws.ok("bulk-get orders --ids online").stdout
    pages += [ids[:2] * 60, [], ids[1:], []]
    cleared = aws.ok("clear orders --online-only --force").stderr

    for told in (exported, got):
        assert sorted(json.loads(line)["id"] for line in told.splitlines()) == ids
    assert "3 done" in cleared
    assert ids_in(store, group, soft_deleted=True) == []


def test_what_is_put_while_a_group_is_cleared_goes_too(aws: Sfs, store: ServedStore, server: Server):
    """[15] It is listed again until nothing is left."""
    group = filled(store, new_group("orders"), record("1", ONE))
    late = iter([record("2", ONE), record("3", ONE)])

    def writer(request: Request) -> None:
        if request.method == "DELETE" and (one := next(late, None)) is not None:
            store.served.put(group, one)

    server.instead = writer

    aws.ok("clear orders --online-only --force")

    assert next(late, None) is None
    assert ids_in(store, group, soft_deleted=True) == []


def test_more_keys_than_a_call_takes_are_deleted_in_several(store: ServedStore, asked: Asked):
    """[39] A thousand is the most; deleting what is not there is done."""
    group = filled(store, new_group("orders"))
    assert group.offline is not None

    remarks = delete_objects(store, group, *(f"{group.offline.root}data/{number}.parquet" for number in range(1001)))

    assert remarks == []
    assert [len(call["Delete"]["Objects"]) for call in asked.of("DeleteObjects")] == [1000, 1]


def test_a_role_that_was_just_made_is_waited_for_and_one_that_never_comes_is_refused(
    store: ServedStore, server: Server, asked: Asked
):
    """[50] IAM takes half a minute to tell everybody."""
    left = iter(range(2))
    unknown = json.dumps(
        {
            "__type": "ValidationException",
            "Message": "The execution role ARN is invalid. Please ensure that the role exists",
        }
    )

    def too_new(request: Request) -> Response | None:
        is_create = request.headers.get("x-amz-target") == "SageMaker.CreateFeatureGroup"
        return Response(400, unknown.encode()) if is_create and next(left, None) is not None else None

    server.instead = too_new

    store.create(new_group("orders"))

    assert store.describe("orders").name == "orders"
    assert len(store.paused) == 2
    left = iter(range(1000))
    with pytest.raises(BadDefinition, match="execution role ARN is invalid"):
        store.create(new_group("others"))
    assert len(asked.of("CreateFeatureGroup")) == 3 + TRIES


def test_what_the_target_has_newer_is_left_and_counted(aws: Sfs, store: ServedStore, served: Served):
    """[1, 3] The service acknowledges a stale put and a tie, and shows neither."""
    filled(store, new_group("old", online=False), *(record(one, TWO, city="old") for one in ("1", "2", "3")))
    new = filled(store, new_group("new"), record("1", THREE, city="newer"), record("2", TWO, city="old"))
    served.settle()

    answer = aws.ok("migrate old new --force")

    for told in ("1 done", "1 skipped (NewerInTarget)", "1 skipped (SameInTarget)", "1 newer in the target"):
        assert told in answer.stderr
    assert [row["city"] for row in online(store, new)] == ["newer", "old", "old"]


class Late:
    """Answers Describe with `shown` so many times once an operation was asked for, as the service does meanwhile."""

    def __init__(self, operation: str, times: int, **shown: Any) -> None:
        self.operation, self.left, self.shown, self.is_asked = operation, times, shown, False

    def __call__(self, request: Request) -> Response | None:
        target = request.headers.get("x-amz-target", "")
        self.is_asked |= target == f"SageMaker.{self.operation}"
        if target != "SageMaker.DescribeFeatureGroup" or not self.is_asked or not self.left:
            return None
        self.left -= 1
        names = ("id", "at")
        described = {
            "FeatureGroupArn": "arn:aws:sagemaker:us-east-1:123456789012:feature-group/orders",
            "FeatureGroupName": "orders",
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [{"FeatureName": name, "FeatureType": "String"} for name in names],
            **self.shown,
        }
        return Response(200, json.dumps(described).encode())


def test_a_deletion_is_over_when_the_group_is_not_found(aws: Sfs, store: ServedStore, server: Server):
    """[38] Until then it is there, and Deleting."""
    group = filled(store, new_group("orders"))
    assert group.created_at is not None
    made = float(group.created_at.unix_seconds())
    server.instead = late = Late("DeleteFeatureGroup", 2, FeatureGroupStatus="Deleting", CreationTime=made)

    aws.ok("delete orders --force")

    assert late.left == 0


def test_a_change_is_over_when_its_status_says_so(aws: Sfs, store: ServedStore, server: Server):
    """[40] The answer to the change itself says nothing; and a failure is told."""
    filled(store, new_group("orders"))
    server.instead = late = Late("UpdateFeatureGroup", 2, LastUpdateStatus={"Status": "InProgress"})

    aws.ok("update orders --ttl 1d")

    assert late.left == 0
    why = {"Status": "Failed", "FailureReason": "no capacity"}
    server.instead = Late("UpdateFeatureGroup", 1, LastUpdateStatus=why)
    answer = aws("update orders --ttl 2d")
    assert (answer.code != 0, "no capacity" in answer.stderr) == (True, True)


PARTLY = {
    "bulk-put": "bulk-put orders {ids} --force --on-error skip",
    "bulk-delete": "bulk-delete orders {ids} --force",
    "a clear of the online store": "clear orders --online-only --force",
    "a clear of the offline store": "clear orders --offline-only --force --settle 0",
    "a migration": "migrate orders new --create-target --what online --force --on-error skip --verify none",
    "a deletion with its data": "delete orders --with-offline-data --force",
}


@pytest.mark.parametrize("line", PARTLY.values(), ids=PARTLY.keys())
def test_what_is_done_in_part_is_never_a_success(
    aws: Sfs, store: ServedStore, served: Served, server: Server, line: str
):
    """[12, 39] One record is refused, by an error of its own, or the objects are, inside an answer of 200."""
    filled(store, new_group("orders"), record("1", ONE), record("2", TWO))
    served.settle()
    file = aws.file("ids.csv", f"id,at\n1,{THREE}\n2,{THREE}\n")

    def picky(request: Request) -> Response | None:
        if request.method == "DELETE" and request.parameters.get("RecordIdentifierValueAsString") == ["2"]:
            return refused("ValidationError", "no twos")
        if (is_put(request) or request.path == "/BatchWriteRecord") and b'"ValueAsString": "2"' in request.body:
            return refused("ValidationError", "no twos")
        if request.method == "POST" and request.query == "delete":
            keys = re.findall(r"<Key>(.*?)</Key>", request.body.decode())
            errors = "".join(f"<Error><Key>{key}</Key><Code>AccessDenied</Code></Error>" for key in keys)
            return Response(200, f"<DeleteResult>{errors}</DeleteResult>".encode())
        return None

    server.instead = picky

    assert aws(line.format(ids=file)).code == 3
