"""Ways in which other tools go wrong on a feature store, each as a scenario on AWS's wire.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md. Those that are a promise of every store are
tests of `StoreContract`, which the SageMaker store keeps in `tests/contracts`; those about calls are in `test_calls`
and `test_known_ways_to_be_wrong_in_calls`, about Athena in `test_offline`, about profiles and Regions in
`test_connections`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sfs_core import (
    FeatureGroupName,
    GroupChange,
    RecordId,
    SetClock,
    StorageType,
    TargetStore,
    Throughput,
    ThroughputMode,
)
from sfs_core.testing import (
    ONE,
    TWO,
    delete,
    failed,
    filled,
    history,
    ids_in,
    latest,
    new_group,
    objects_in,
    online,
    put,
    record,
)
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.definitions import group_from
from sfs_plugins.sagemaker_store.errors import NotOwnGroup
from sfs_plugins.sagemaker_store.objects import RootNotOwn, own_root
from sfs_plugins.sandbox.wire import Request, Response
from tests.conftest import Sfs
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import Served, ServedStore, Server


def refused(code: str, message: str, status: int = 400) -> Response:
    """An error of the runtime, as it comes over the wire."""
    headers = [("content-type", "application/json"), ("x-amzn-ErrorType", code)]
    return Response(status, json.dumps({"Message": message}).encode(), headers)


def is_put(request: Request) -> bool:
    return request.method == "PUT" and request.path.startswith("/FeatureGroup/")


def keys_in(clients: Clients, bucket: str) -> list[str]:
    return [entry["Key"] for entry in clients.get("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


# deleting what is somebody else's


def test_only_what_lies_under_the_groups_own_root_is_deleted(aws: Sfs, store: ServedStore, clients: Clients):
    """Not the configured URI, which siblings, other tools and the bucket's root share [28, 37]."""
    mine, sibling = (filled(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
    store.settle(mine)
    foreign = ["readme.txt", "tests/notes.txt", "tests/fg-1/data.parquet", "tests/fg-1-backup/data.parquet"]
    for key in foreign:
        clients.get("s3").put_object(Bucket="feature-store", Key=key, Body=b"x")

    aws.ok("clear fg-1 --offline-only --force --settle 0")

    assert objects_in(store, mine) == []
    assert latest(store, sibling) == [record("1", ONE)]
    assert set(foreign) <= set(keys_in(clients, "feature-store"))


@pytest.mark.parametrize(
    "root",
    [
        "s3://feature-store/data",
        "s3://feature-store/tests/data",
        "s3://other/123456789012/sagemaker/us-east-1/offline-store/fg-1-1748779200/data",
        "s3://feature-store/tests/../offline-store/fg-1-1748779200/data",
        "s3://feature-store/tests/offline-store/fg-17-1748779200/data",
        "s3://feature-store/tests/offline-store/fg-1/data",
    ],
    ids=["the bucket", "the shared URI", "another bucket", "climbing", "a sibling", "no time of creation"],
)
def test_a_root_that_is_not_the_groups_alone_is_never_touched(store: ServedStore, root: str):
    group = filled(store, new_group("fg-1"), record("1", ONE))
    assert group.offline is not None

    with pytest.raises(RootNotOwn):
        own_root(replace(group, offline=replace(group.offline, resolved_uri=root)))


def test_a_configured_uri_may_end_in_a_slash(store: ServedStore):
    """[28]."""
    group = filled(store, new_group("orders", s3_uri="s3://feature-store/tests/"), record("1", ONE))
    store.settle(group)

    assert len(objects_in(store, group)) == 1


def test_a_bucket_of_another_account_is_refused(store: ServedStore, asked: Asked):
    """Every S3 call says whose bucket it means."""
    group = filled(store, new_group(), record("1", ONE))
    latest(store, group)
    list(store.offline_objects(group))

    of_s3 = [given for operation, given in asked.all if "Bucket" in given and operation != "CreateBucket"]

    assert len(of_s3) > 4
    assert {given.get("ExpectedBucketOwner") for given in of_s3} == {"123456789012"}


def test_errors_of_single_keys_inside_an_answer_of_200_are_failures(aws: Sfs, store: ServedStore, served: Served):
    """[39]."""
    group = filled(store, new_group("orders"), *(record(str(n), f"2025-06-01T0{n}:00:00Z") for n in range(5)))
    store.settle(group)
    served.faults.set({"rules": [{"fault": "entry_error", "operation": "DeleteObjects", "count": 2}]})

    keys = objects_in(store, group)
    from sfs_core.testing import delete_objects

    assert delete_objects(store, group, *keys) == []
    assert objects_in(store, group) == []


def test_keys_that_cannot_be_deleted_end_a_clear_with_a_failure(store: ServedStore, served: Served):
    """[39]."""
    group = filled(store, new_group("orders"), record("1", ONE), record("2", TWO))
    store.settle(group)
    keys = objects_in(store, group)
    served.faults.set({"rules": [{"fault": "entry_error", "operation": "DeleteObjects"}]})
    from sfs_core.testing import delete_objects

    remarks = delete_objects(store, group, *keys)

    assert failed(remarks) == [(0, "StoreUnavailable"), (1, "StoreUnavailable")]
    assert objects_in(store, group) == keys


def test_after_failed_listing_of_ids_the_offline_store_is_left_alone(aws: Sfs, store: ServedStore, served: Served):
    group = filled(store, new_group("orders"), record("1", ONE))
    store.settle(group)
    served.faults.set({"rules": [{"fault": "denied", "operation": "ListRecords"}]})

    answer = aws("clear orders --force --settle 0")

    assert answer.code == 11
    assert "ask for the permission sagemaker:ListRecords" in answer.stderr
    assert len(objects_in(store, group)) == 1


def test_a_record_that_could_not_be_deleted_stops_a_clear_before_the_offline_store(
    aws: Sfs, store: ServedStore, served: Served
):
    group = filled(store, new_group("orders"), record("1", ONE))
    store.settle(group)
    served.faults.set({"rules": [{"fault": "denied", "operation": "DeleteRecord"}]})

    answer = aws("clear orders --force --settle 0")

    assert answer.code == 11
    assert online(store, group, "1") == [record("1", ONE)]
    assert len(objects_in(store, group)) == 1


# deleting records


def test_every_deletion_names_its_event_time_its_stores_and_its_mode(aws: Sfs, store: ServedStore, server: Server):
    """Nothing is left to defaults: a marker in the emptied offline store would hide a migration [7]."""
    group = filled(store, new_group("orders"), record("1", ONE), record("2", "2099-01-01T00:00:00Z"))
    seen: list[dict[str, list[str]]] = []

    def note(request: Request) -> None:
        if request.method == "DELETE":
            seen.append(request.parameters)

    server.instead = note

    aws.ok("clear orders --online-only --force")

    assert online(store, group, "1", "2") == []
    assert {tuple(one["TargetStores"]) for one in seen} == {("OnlineStore",)}
    assert {tuple(one["DeletionMode"]) for one in seen} == {("HardDelete",)}
    times = {one["RecordIdentifierValueAsString"][0]: one["EventTime"][0] for one in seen}
    assert times == {"1": "2025-06-01T01:00:00.000000001Z", "2": "2099-01-01T00:00:00.000000001Z"}


def test_a_clear_takes_tombstones_away_too(aws: Sfs, store: ServedStore):
    """[15] They are not in the default listing, and would hide what a migration brings."""
    group = filled(store, new_group("orders"), record("1", ONE), record("2", ONE))
    delete(store, group, "1", at=TWO)

    aws.ok("clear orders --online-only --force")

    assert ids_in(store, group, soft_deleted=True) == []


# writing


def test_a_group_that_was_just_made_may_not_be_found_for_a_moment(store: ServedStore, server: Server):
    """[50] `PutRecord` says it as a validation error [20]."""
    group = filled(store, new_group("orders"))
    left = iter(range(3))
    text = "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name orders"

    def too_new(request: Request) -> Response | None:
        if is_put(request) and next(left, None) is not None:
            return refused("ValidationError", text)
        if request.path == "/BatchWriteRecord":
            return refused("ResourceNotFound", text, 404)
        return None

    server.instead = too_new

    remarks = put(store, group, record("1", ONE))

    assert remarks == []
    assert len(store.paused) == 3
    assert online(store, group, "1") == [record("1", ONE)]


def test_where_the_service_does_not_know_batches_records_are_put_one_by_one(store: ServedStore, server: Server):
    group = filled(store, new_group("orders"))
    batches: list[Request] = []

    def older(request: Request) -> Response | None:
        if request.path == "/BatchWriteRecord":
            batches.append(request)
            return refused("UnknownOperationException", "", 404)
        return None

    server.instead = older

    remarks = put(store, group, *(record(f"{number:02}", ONE) for number in range(60)))

    assert remarks == []
    assert len(batches) == 1
    assert len(ids_in(store, group)) == 60


def test_a_call_that_is_refused_whole_fails_only_the_record_it_is_refused_for(store: ServedStore, server: Server):
    group = filled(store, new_group("orders"))

    def picky(request: Request) -> Response | None:
        has_bad = b'"ValueAsString": "07"' in request.body
        return refused("ValidationError", "no sevens") if has_bad else None

    server.instead = picky

    remarks = put(store, group, *(record(f"{number:02}", ONE) for number in range(25)))

    assert failed(remarks) == [(7, "BadRequest")]
    assert len(ids_in(store, group)) == 24


def test_partial_failures_end_a_command_with_exit_code_3(aws: Sfs, store: ServedStore, server: Server):
    """[12] An answer of 200 is no success."""
    group = filled(store, new_group("orders"))

    def picky(request: Request) -> Response | None:
        if request.path != "/BatchWriteRecord" or len(request.body) < 1000:
            return None
        entries = json.loads(request.body)["Entries"]
        errors = [{"Entry": entry, "ErrorCode": "ValidationError", "ErrorMessage": "not today"} for entry in entries]
        return Response(200, json.dumps({"Errors": errors[:25], "UnprocessedEntries": []}).encode())

    server.instead = picky
    file = aws.file("orders.csv", "id,at\n" + "".join(f"{n},{ONE}\n" for n in range(27)))

    answer = aws(f"bulk-put orders {file} --force --on-error skip")

    assert answer.code == 3
    assert "2 done, 25 failed" in answer.stderr
    assert len(ids_in(store, group)) == 2


def test_whole_numbers_with_gaps_stay_whole(aws: Sfs, store: ServedStore):
    """[42] What pandas made a column of doubles of."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    group = filled(store, new_group("orders"))
    table = pa.table({"id": ["1", "2"], "at": [ONE, ONE], "items": pa.array([5.0, None], pa.float64())})
    pq.write_table(table, aws.folder / "orders.parquet")

    aws.ok(f"bulk-put orders {aws.folder / 'orders.parquet'} --force")

    assert online(store, group) == [record("1", ONE, items="5"), record("2", ONE)]


def test_all_columns_of_an_offline_file_are_not_the_features_of_a_group(aws: Sfs, store: ServedStore):
    """[33] `SELECT *` gives system columns and partitions too, which no group can take."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    group = filled(store, new_group("orders"))
    more = ("write_time", "api_invocation_time", "is_deleted", "year", "month", "day", "hour")
    table = pa.table({"id": ["1"], "at": [ONE], **{name: ["1"] for name in more}})
    pq.write_table(table, aws.folder / "all.parquet")

    answer = aws(f"bulk-put orders {aws.folder / 'all.parquet'} --force")

    assert answer.code == 2
    assert answer.stderr == (
        "error: feature group 'aws:orders' has no feature 'year': `sagemaker-fs describe aws:orders` shows them all\n"
    )
    assert ids_in(store, group) == []


def test_nothing_is_written_as_a_text_that_says_nothing(aws: Sfs, store: ServedStore, server: Server):
    """[9] An absent value is left out, and does not become null, "None", "nan" or an empty text."""
    group = filled(store, new_group("orders"))
    file = aws.file("orders.jsonl", f'{{"id": "1", "at": "{ONE}", "city": null, "items": null, "amount": null}}\n')
    sent: list[Any] = []

    def note(request: Request) -> None:
        if request.path == "/BatchWriteRecord":
            sent.extend(entry["Record"] for entry in json.loads(request.body)["Entries"])

    server.instead = note

    aws.ok(f"bulk-put orders {file} --force")

    assert sent == [[{"FeatureName": "id", "ValueAsString": "1"}, {"FeatureName": "at", "ValueAsString": ONE}]]
    assert online(store, group) == [record("1", ONE)]
    assert latest(store, group) == [record("1", ONE)]


def test_collections_are_kept(aws: Sfs, store: ServedStore):
    group = filled(
        store,
        new_group("tags", "names:String:List", "place:Fractional:Vector(2)", storage_type=StorageType.IN_MEMORY),
    )
    file = aws.file("tags.jsonl", f'{{"id": "1", "at": "{ONE}", "names": ["b", "a", "b"], "place": [1.5, 2.0]}}\n')

    aws.ok(f"bulk-put tags {file} --force")
    exported = aws.ok("export tags - --what online --format jsonl").stdout

    assert online(store, group) == [record("1", ONE, names=["b", "a", "b"], place=["1.5", "2.0"])]
    assert json.loads(exported) == {"id": "1", "at": ONE, "names": ["b", "a", "b"], "place": [1.5, 2.0]}


# migrating


def migrated(aws: Sfs, served: Served, what: str) -> None:
    served.settle()
    aws.ok(f"migrate old new --create-target --what {what} --force --verify full")


def test_a_migration_does_not_bring_deleted_records_back(aws: Sfs, store: ServedStore, served: Served):
    """[32]."""
    old = filled(store, new_group("old", online=False), record("1", ONE), record("2", ONE))
    delete(store, old, "1", at=TWO)

    migrated(aws, served, "latest")

    assert ids_in(store, store.describe("new")) == ["2"]


def test_the_newest_version_is_found_by_instant(aws: Sfs, store: ServedStore, served: Served, clock: SetClock):
    """[23, 31] As a text `00Z` is above `00.500Z`; which was put last matters to versions of one instant only."""
    half, whole = "2025-06-01T01:00:00.500Z", "2025-06-01T01:00:00Z"
    old = filled(store, new_group("old", online=False))
    put(store, old, record("1", half, city="later"), record("2", whole, city="put first"))
    clock.instant = clock.instant.plus(1_000_000_000)
    put(store, old, record("1", whole, city="earlier"), record("2", whole, city="put last"))

    migrated(aws, served, "latest")

    assert [row["city"] for row in online(store, store.describe("new"))] == ["later", "put last"]


def test_a_history_is_replayed_in_order_and_its_newest_version_shows(aws: Sfs, store: ServedStore, served: Served):
    """[23] All within an hour and two files, so that neither partitions nor files put them in order."""
    one, two, three, four = (f"2025-06-01T01:00:0{text}Z" for text in ("0", "0.5", "1", "1.25"))
    old = filled(store, new_group("old", online=False), record("1", three, city="c"))
    store.settle(old)
    put(store, old, record("1", one, city="a"), record("1", two, city="b"), record("2", one, city="x"))
    delete(store, old, "2", at=four)

    migrated(aws, served, "history")

    new = store.describe("new")
    assert online(store, new) == [record("1", three, city="c")]
    rows = [(row["id"], row["at"], row.get("city"), row["is_deleted"]) for row in history(store, new)]
    assert rows == [
        ("1", one, "a", False),
        ("2", one, "x", False),
        ("1", two, "b", False),
        ("1", three, "c", False),
        ("2", four, None, True),
    ]


# groups


def test_a_group_that_another_account_shares_is_asked_for_by_its_arn(store: ServedStore, server: Server):
    """[17, 49] The name alone would be a group of one's own."""
    own = filled(store, new_group("orders"), record("1", ONE))
    paths: list[str] = []

    def note(request: Request) -> None:
        paths.append(request.path + request.body.decode())

    server.instead = note

    shared = store.describe(own.arn)
    online(store, shared, "1")
    put(store, shared, record("2", ONE))
    delete(store, shared, "2", at=TWO, to=[TargetStore.ONLINE])

    runtime = [path for path in paths if path.startswith(("/FeatureGroup", "/Batch"))]
    assert len(runtime) == 3
    assert all("feature-group" in path for path in runtime)


def test_a_group_that_another_account_shares_is_never_deleted_by_its_name(store: ServedStore):
    """[38, 49] DeleteFeatureGroup takes a name only: it would be the group of that name of one's own."""
    filled(store, new_group("orders"))

    with pytest.raises(NotOwnGroup):
        store.delete("arn:aws:sagemaker:us-east-1:999900009999:feature-group/orders")

    assert store.describe("orders").name == "orders"


def test_a_description_without_tokens_or_with_keys_unheard_of_is_read(store: ServedStore):
    """[45, 48] An online structure that is there may still be off."""
    described: dict[str, Any] = {
        "FeatureGroupArn": "arn:aws:sagemaker:us-east-1:123456789012:feature-group/orders",
        "FeatureGroupName": "orders",
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": [{"FeatureName": name, "FeatureType": "String"} for name in ("id", "at")],
        "OnlineStoreConfig": {"SecurityConfig": {}, "EnableOnlineStore": False},
        "OnlineStoreReplicas": [],
    }

    group = group_from("aws", described)

    assert group.stores == ()
    assert group.name == FeatureGroupName("orders")


def test_throughput_is_spelt_as_the_wire_has_it(store: ServedStore, asked: Asked):
    """[44]."""
    group = filled(store, new_group("orders"))

    store.update(group.name, GroupChange(throughput=Throughput(ThroughputMode.PROVISIONED, 5, 6)))

    (sent,) = asked.of("UpdateFeatureGroup")
    assert sent["ThroughputConfig"] == {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 5,
        "ProvisionedWriteCapacityUnits": 6,
    }


def test_a_time_to_live_is_taken_away_by_an_empty_structure(store: ServedStore, asked: Asked):
    """[25] boto3 refuses nulls."""
    group = filled(store, new_group("orders", ttl="1d"))

    store.update(group.name, GroupChange(remove_ttl=True))

    assert asked.of("UpdateFeatureGroup")[0]["OnlineStoreConfig"] == {"TtlDuration": {}}


def test_more_ids_than_a_call_takes_are_read_in_several(store: ServedStore, asked: Asked):
    """[21] botocore does not look at maxima; the service refuses the whole call."""
    group = filled(store, new_group("orders"))

    store.read(group, [RecordId(str(number)) for number in range(250)])

    sizes = [len(call["Identifiers"][0]["RecordIdentifiersValueAsString"]) for call in asked.of("BatchGetRecord")]
    assert sizes == [100, 100, 50]
