"""Faults on purpose: every kind strikes as told, is logged, and the same seed strikes the same requests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectionError

from tests.sandbox.conftest import boto, definition, offline, record, running, seen

RUNTIME = "sagemaker-featurestore-runtime"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A sandbox of this module's own: faults strike everybody."""
    with running(tmp_path_factory.mktemp("faulty")) as sandbox:
        boto(sandbox, "s3").create_bucket(Bucket="faulty")
        boto(sandbox, "sagemaker").create_feature_group(**definition("faulty", **offline("faulty")))
        yield sandbox


@pytest.fixture
def runtime(faulty) -> Iterator[object]:
    yield boto(faulty, RUNTIME)
    faulty.control("DELETE", "/faults")


def strike(sandbox, *rules, seed=7):
    """Put rules in force; return how many lines the log has so far."""
    return len(sandbox.control("PUT", "/faults", {"seed": seed, "rules": list(rules)})["log"])


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def put(record_id, **values):
    return {"FeatureGroupName": "faulty", "Record": record(record_id, **values)}


def test_a_throttle_strikes_by_rate_and_the_seed_says_which(faulty, runtime):
    def struck():
        found = []
        strike(faulty, {"fault": "throttle", "operation": "PutRecord", "rate": 0.4})
        for number in range(20):
            try:
                runtime.put_record(**put("throttled"))
            except ClientError as error:
                assert error.response["Error"] == {"Message": "Rate exceeded", "Code": "ThrottlingException"}
                found.append(number)
        return found

    first = struck()

    assert 3 <= len(first) <= 15
    assert struck() == first


def test_a_throttle_by_the_second_lets_so_many_pass(faulty, runtime):
    strike(faulty, {"fault": "throttle", "operation": "GetRecord", "per_second": 2})
    codes = []
    for _ in range(10):
        try:
            seen(runtime, "faulty", "x")
            codes.append("fine")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    assert codes[:2] == ["fine", "fine"]
    assert codes.count("ThrottlingException") >= 6


def test_an_error_is_before_the_write_or_after_it(faulty, runtime):
    strike(faulty, {"fault": "error", "operation": "PutRecord", "status": 503, "count": 1})
    before = refused(runtime.put_record, **put("before"))
    strike(faulty, {"fault": "error_after", "operation": "PutRecord", "count": 1})
    after = refused(runtime.put_record, **put("after"))

    assert (before, after) == (("ServiceUnavailable", 503), ("InternalFailure", 500))
    assert seen(runtime, "faulty", "before") is None
    assert seen(runtime, "faulty", "after") is not None


def test_a_slow_answer_comes_late_and_right(faulty, runtime):
    strike(faulty, {"fault": "slow", "operation": "PutRecord", "seconds": 0.3, "count": 1})

    began = time.monotonic()
    runtime.put_record(**put("slow"))
    first = time.monotonic() - began
    runtime.put_record(**put("slow-no-more"))

    assert first >= 0.3
    assert time.monotonic() - began - first < 0.3
    assert seen(runtime, "faulty", "slow") is not None


def test_a_throttle_by_the_second_of_everything_is_one_allowance_and_fills_up_again(faulty, runtime):
    """As an account's limit is; a rule of one operation is that operation's own."""
    strike(faulty, {"fault": "throttle", "service": RUNTIME, "per_second": 2})

    def passes(record_id):
        try:
            return seen(runtime, "faulty", record_id) is None
        except ClientError:
            return False

    runtime.put_record(**put("allowed"))
    assert passes("nobody")
    assert refused(runtime.put_record, **put("too-much")) == ("ThrottlingException", 400)
    assert not passes("nobody")
    time.sleep(0.6)
    assert passes("nobody")


def test_a_connection_is_cut_before_the_write_or_after_it(faulty, runtime):
    for fault, record_id in (("drop_before", "cut-before"), ("drop_after", "cut-after")):
        strike(faulty, {"fault": fault, "operation": "PutRecord", "count": 1})
        with pytest.raises((ConnectionClosedError, ConnectionError)):
            runtime.put_record(**put(record_id))

    assert seen(runtime, "faulty", "cut-before") is None
    assert seen(runtime, "faulty", "cut-after") is not None


def test_a_batch_has_entries_unprocessed_and_in_error_and_writes_the_others(faulty, runtime):
    logged = strike(
        faulty,
        {"fault": "unprocessed", "operation": "BatchWriteRecord", "rate": 0.3},
        {"fault": "entry_error", "operation": "BatchWriteRecord", "rate": 0.3},
    )
    entries = [put(f"batch-{number}") for number in range(25)]

    answer = runtime.batch_write_record(Entries=entries)
    log = faulty.control("GET", "/faults")["log"][logged:]

    unprocessed = answer["UnprocessedEntries"]
    errors = [error["Entry"] for error in answer["Errors"]]
    assert unprocessed
    assert errors
    assert {error["ErrorCode"] for error in answer["Errors"]} == {"ThrottlingException"}
    for entry in entries:
        was_written = seen(runtime, "faulty", entry["Record"][0]["ValueAsString"]) is not None
        assert was_written is (entry not in unprocessed and entry not in errors)
    assert {line["fault"] for line in log} == {"unprocessed", "entry_error"}
    assert all(line["what"].endswith(" of faulty") for line in log)


def test_a_batch_read_has_unprocessed_identifiers(faulty, runtime):
    strike(faulty, {"fault": "unprocessed", "operation": "BatchGetRecord", "count": 1})
    identifiers = [{"FeatureGroupName": "faulty", "RecordIdentifiersValueAsString": ["a", "b"]}]

    first = runtime.batch_get_record(Identifiers=identifiers)
    second = runtime.batch_get_record(Identifiers=first["UnprocessedIdentifiers"])

    assert first["UnprocessedIdentifiers"] == identifiers
    assert second["UnprocessedIdentifiers"] == []


def test_a_page_is_empty_though_more_follows(faulty, runtime):
    runtime.put_record(**put("listed"))
    strike(faulty, {"fault": "empty_page", "operation": "ListRecords", "count": 2})

    pages = list(runtime.get_paginator("list_records").paginate(FeatureGroupName="faulty"))

    assert [page["RecordIdentifiers"] for page in pages[:2]] == [[], []]
    assert "listed" in [one for page in pages for one in page["RecordIdentifiers"]]


def test_credentials_expire_and_actions_are_denied_in_each_services_words(faulty, runtime):
    s3, sagemaker, athena = boto(faulty, "s3"), boto(faulty, "sagemaker"), boto(faulty, "athena")
    strike(faulty, {"fault": "expired"})
    expired = [
        refused(runtime.put_record, **put("x")),
        refused(s3.list_buckets),
        refused(sagemaker.list_feature_groups),
    ]
    strike(faulty, {"fault": "denied"})
    denied = [
        refused(runtime.put_record, **put("x")),
        refused(s3.list_buckets),
        refused(sagemaker.list_feature_groups),
    ]
    strike(faulty, {"fault": "throttle"})
    throttled = [refused(s3.list_buckets), refused(athena.list_work_groups)]

    assert expired == [("ExpiredTokenException", 403), ("ExpiredToken", 400), ("ExpiredTokenException", 403)]
    assert denied == [("AccessDeniedException", 403), ("AccessDenied", 403), ("AccessDeniedException", 400)]
    assert throttled == [("SlowDown", 503), ("TooManyRequestsException", 400)]


def test_some_keys_of_many_are_not_deleted(faulty, runtime):
    s3 = boto(faulty, "s3")
    names = [f"delete/{number}" for number in range(20)]
    for name in names:
        s3.put_object(Bucket="faulty", Key=name, Body=b"")
    strike(faulty, {"fault": "entry_error", "service": "s3", "operation": "DeleteObjects", "rate": 0.5})

    answer = s3.delete_objects(Bucket="faulty", Delete={"Objects": [{"Key": name} for name in names]})

    failed = sorted(error["Key"] for error in answer["Errors"])
    left = sorted(one["Key"] for one in s3.list_objects_v2(Bucket="faulty", Prefix="delete/")["Contents"])
    assert failed
    assert failed == left


def test_offline_writes_are_late_and_then_there(faulty, runtime):
    s3 = boto(faulty, "s3")
    faulty.settle()
    before = s3.list_objects_v2(Bucket="faulty", Prefix="fs/").get("KeyCount")
    strike(faulty, {"fault": "late_offline", "operation": "PutRecord", "seconds": 600, "count": 1})

    runtime.put_record(**put("late", time="2031-01-01T00:00:00Z"))
    held = s3.list_objects_v2(Bucket="faulty", Prefix="fs/").get("KeyCount")
    faulty.settle()

    assert held == before
    assert s3.list_objects_v2(Bucket="faulty", Prefix="fs/")["KeyCount"] == before + 1


def test_rules_that_are_not_understood_are_refused(faulty):
    from urllib.error import HTTPError

    with pytest.raises(HTTPError, match="400"):
        strike(faulty, {"fault": "flood"})
