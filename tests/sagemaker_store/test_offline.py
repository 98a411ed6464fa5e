"""Reading the offline store by Athena: where results go, what is cleaned up, what is cancelled, what is said."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from sfs_core import BadOption, Batch, EventTimeRange, OfflineQuery, Put, PutRecords, TargetStore, records_from
from sfs_core.testing import FOUR, NOON, ONE, THREE, TWO, filled, history, latest, new_group, put, record
from sfs_plugins.sagemaker_store.athena import NoPlaceForResults, QueryFailed
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.offline import table_of
from sfs_plugins.sagemaker_store.query import NoGlueTable, checked
from sfs_plugins.sandbox.wire import Request, Response
from tests.memory_session import memory_session
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore, Server

ROWS = [record("1", ONE, city="Oslo", items="5"), record("2", TWO, city="Rome")]


@pytest.fixture
def group(store: ServedStore) -> Any:
    return filled(store, new_group("orders"), *ROWS)


def keys(clients: Clients, bucket: str = "results") -> list[str]:
    return [entry["Key"] for entry in clients.get("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def workgroup(clients: Clients, name: str, **configuration: Any) -> str:
    clients.get("athena").create_work_group(Name=name, Configuration=configuration)
    return name


def test_the_latest_records_are_unloaded_and_the_files_removed_again(store: ServedStore, group, asked, clients):
    assert latest(store, group) == ROWS

    (query,) = asked.of("StartQueryExecution")
    assert query["QueryString"].startswith("UNLOAD (SELECT ")
    assert [key for key in keys(clients) if key.endswith(".parquet") or "sagemaker-fs-" in key] == []


def test_the_history_is_read_in_order_from_the_result_that_athena_names(store: ServedStore, group, asked):
    put(store, group, record("1", FOUR, city="d"), record("1", THREE, city="c"))

    rows = history(store, group)

    assert [(row["id"], row["at"]) for row in rows] == [("1", ONE), ("2", TWO), ("1", THREE), ("1", FOUR)]
    assert asked.operations("GetQueryExecution", "GetObject")[-1] == "GetObject"


def test_an_enforced_workgroups_own_location_is_used_whatever_was_asked_for(store: ServedStore, group, clients):
    """[35]."""
    clients.get("s3").create_bucket(Bucket="enforced")
    place = {"OutputLocation": "s3://enforced/here/"}
    store.workgroup = workgroup(clients, "strict", EnforceWorkGroupConfiguration=True, ResultConfiguration=place)

    assert latest(store, group) == ROWS
    assert len(history(store, group)) == 2

    assert keys(clients) == []
    assert [key.rpartition("/")[0] for key in keys(clients, "enforced") if key.endswith(".csv")] != []


def test_without_a_place_for_results_it_is_said_which_setting_gives_one(store: ServedStore, group):
    store.athena_output = None

    with pytest.raises(NoPlaceForResults) as refusal:
        latest(store, group)

    assert str(refusal.value) == (
        "the offline store is read by Athena, and its workgroup 'primary' names no place for results: give "
        "--athena-output S3URI, or set athena_output in the connection's configuration"
    )


def test_the_table_comes_from_describe_and_never_from_the_groups_name(store: ServedStore, group, asked):
    """[29] Two groups whose names contain one another have two tables."""
    filled(store, new_group("orders-17"), record("9", ONE))

    assert latest(store, group) == ROWS

    assert (
        f'"sagemaker_featurestore"."{group.offline.table.table}"' in asked.of("StartQueryExecution")[0]["QueryString"]
    )


def test_a_group_without_a_table_is_said_to_have_none(store: ServedStore):
    from dataclasses import replace

    new = new_group("untold")
    assert new.offline is not None
    untold = filled(store, replace(new, offline=replace(new.offline, disable_glue_table=True)), record("1", ONE))

    with pytest.raises(NoGlueTable, match="feature group 'untold' has no Glue table"):
        latest(store, untold)


def test_a_query_is_cancelled_on_ctrl_c(store: ServedStore, server: Server, group, asked: Asked):
    left = iter(range(1))

    def pressed(request: Request) -> None:
        is_asked = request.headers.get("x-amz-target") == "AmazonAthena.GetQueryExecution"
        if is_asked and next(left, None) is not None:
            os.kill(os.getpid(), signal.SIGINT)

    server.instead = pressed

    with pytest.raises(KeyboardInterrupt):
        latest(store, group)

    assert asked.operations("StartQueryExecution", "StopQueryExecution") == [
        "StartQueryExecution",
        "StopQueryExecution",
    ]


def test_a_query_that_was_started_and_not_answered_is_not_started_twice(store: ServedStore, served: Served, group):
    """The token of a try is the token of every try."""
    served.faults.set({"rules": [{"fault": "drop_after", "operation": "StartQueryExecution", "count": 1}]})

    assert latest(store, group) == ROWS

    assert len(store.clients.get("athena").list_query_executions()["QueryExecutionIds"]) == 1


def test_a_failed_query_is_an_error_and_no_empty_answer(store: ServedStore, group, clients):
    glue = clients.session().client("glue", endpoint_url=clients.endpoint_url, region_name="us-east-1")
    glue.delete_table(DatabaseName="sagemaker_featurestore", Name=group.offline.table.table)

    with pytest.raises(QueryFailed, match="ended FAILED"):
        latest(store, group)


@pytest.mark.parametrize("where", ["1 = 1; DROP TABLE x", "a) OR (1 = 1", "'", "x -- y", "/* */ 1 = 1", "(1 = 1"])
def test_a_condition_is_one_expression(where: str):
    with pytest.raises(BadOption):
        checked(where)


def test_ids_and_names_are_quoted(store: ServedStore):
    quotes = 'it\'s "x"; --'
    group = filled(store, new_group("quoted", "the-city:String"), record(quotes, ONE, **{"the-city": quotes}))
    store.settle(group)

    bounded = OfflineQuery(event_time=EventTimeRange(None, None))

    assert latest(store, group, bounded) == [record(quotes, ONE, **{"the-city": quotes})]
    assert list(store.holds(group, records_from(group.features, [record(quotes, ONE)]), NOON)) == [True]


def test_offline_buffered_versions_are_known_by_the_online_store(store: ServedStore, group):
    """After an interruption: what is not in S3 yet is not written a second time."""
    batch = records_from(group.features, [record("1", ONE), record("1", TWO), record("3", ONE)])

    assert list(store.holds(group, batch, NOON)) == [True, False, False]
    assert history(store, group) != []
    assert list(store.holds(group, batch, NOON)) == [True, False, False]


def test_results_kept_by_the_workgroup_are_read_page_by_page_without_the_header(store: ServedStore, clients):
    """The first page alone has a header row: 2,100 rows are three pages."""
    from sfs_plugins.sagemaker_store import results

    group = filled(store, new_group(), *(record(f"{number:04}", ONE) for number in range(2100)))
    store.settle(group)
    table = table_of(group)
    ran = store.athena.run(f'SELECT id, city FROM "{table.table}" ORDER BY id', table)

    pages = list(results.pages(store.calls, clients.get("athena"), "primary", ran.query))

    assert [page.num_rows for page in pages] == [999, 1000, 101]
    assert [one for page in pages for one in page.column("id").to_pylist()] == [f"{n:04}" for n in range(2100)]
    assert {one for page in pages for one in page.column("city").to_pylist()} == {None}


def test_a_query_that_athena_calls_worth_another_try_is_started_again_in_a_place_of_its_own(
    store: ServedStore, server: Server, group, asked: Asked
):
    left = iter(range(2))
    status = {"State": "FAILED", "StateChangeReason": "resources", "AthenaError": {"Retryable": True}}
    answer = json.dumps({"QueryExecution": {"Status": status}}).encode()

    def exhausted(request: Request) -> Response | None:
        is_asked = request.headers.get("x-amz-target") == "AmazonAthena.GetQueryExecution"
        return Response(200, answer) if is_asked and next(left, None) is not None else None

    server.instead = exhausted

    assert latest(store, group) == ROWS

    places = [query["QueryString"].partition(" TO ")[2] for query in asked.of("StartQueryExecution")]
    assert len(set(places)) == 3


def test_a_result_whose_bytes_end_too_early_is_asked_for_again(store: ServedStore, server: Server, group):
    left = iter(range(2))

    def cut_off(request: Request) -> Response | None:
        is_result = request.method == "GET" and request.path.endswith(".csv")
        if is_result and next(left, None) is not None:
            return Response(200, b'"id","at"', [("content-length", "500")])
        return None

    server.instead = cut_off

    assert [row["id"] for row in history(store, group)] == ["1", "2"]
    assert next(left, None) is None


def test_a_write_that_took_effect_twice_is_twice_offline_and_once_in_what_is_told(
    store: ServedStore, served: Served, group
):
    """[31, 47]."""
    served.faults.set({"rules": [{"fault": "drop_after", "operation": "BatchWriteRecord", "count": 1}]})

    put(store, group, record("3", ONE))

    assert latest(store, group) == [*ROWS, record("3", ONE)]
    assert [row["id"] for row in history(store, group)] == ["1", "3", "3", "2"]


def test_what_is_still_buffered_is_not_told_and_the_store_says_how_late_it_may_be(store: ServedStore, group):
    """[30]."""
    found = [row for batch in store.versions(group, OfflineQuery()) for row in batch.to_pylist()]

    assert found == []
    assert store.offline_lag.total_seconds() == 15 * 60


def test_of_a_batch_in_doubt_for_the_offline_store_alone_the_online_record_says_nothing(
    store: ServedStore, group, tmp_path
):
    """The same version had been put online before: taken for this write's own, it would be missing offline for good."""
    put(store, group, record("9", ONE, city="Oslo"), to=[TargetStore.ONLINE])
    session = memory_session(tmp_path)
    session._opened |= {store.connection: store}
    sink = PutRecords(group, Put((TargetStore.OFFLINE,)))
    again = Batch(0, records_from(group.features, [record("9", ONE, city="Oslo")]), in_doubt=True)

    (fact,) = sink.into(iter([again]), session)

    store.settle(group)
    assert (fact.done, fact.remarks) == (1, ())
    assert record("9", ONE, city="Oslo") in latest(store, group)
