"""One feature group, written by each client in turn and looked at by every one: their views must be equal."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from sfs_core import OfflineQuery, RecordId, SystemClock, Versions
from sfs_core.testing import put
from sfs_plugins.sagemaker_store.store import SageMakerStore
from tests.sandbox.clients.conftest import FEATURES, LARGEST, SMALLEST, answered, environment, pairs
from tests.sandbox.conftest import ROLE

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
NAME, BUCKET = "seen-by-all", "seen-by-all"
RUNTIME = "sagemaker-featurestore-runtime"
TEXT = 'a "quoted" word, a comma,\na second line, naïve 漢字 😀'
WRITTEN: dict[str, dict[str, str]] = {
    "cli": {
        "id": "cli", "time": "2025-06-01T00:00:00Z", "count": str(LARGEST), "price": "1e-7", "note": "by the CLI",
    },
    "boto3": {"id": "boto3", "time": "2025-06-01T00:00:00.123456789Z", "count": str(SMALLEST), "note": TEXT},
    "store": {"id": "store", "time": "2025-06-02T23:59:59Z", "price": "0.1"},
    "core": {"id": "core", "time": "2025-06-03T00:00:00Z", "note": "sagemaker-core"},
}  # fmt: skip
"""What each client writes."""


@pytest.fixture(scope="module")
def store(sandbox):
    """Our own store, through its own boto3."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        store = SageMakerStore("seen", SystemClock(), athena_output=f"s3://{BUCKET}/results/")
        yield store
        store.close()


@pytest.fixture(scope="module")
def seen_by_core(sandbox, aws, core, s3, runtime, store):
    """The group, made and written to by all; returns what sagemaker-core, the last to write, sees of it."""
    s3.create_bucket(Bucket=BUCKET)
    definition = {
        "FeatureGroupName": NAME, "RecordIdentifierFeatureName": "id", "EventTimeFeatureName": "time",
        "FeatureDefinitions": [{"FeatureName": one, "FeatureType": kind} for one, kind in FEATURES.items()],
        "OnlineStoreConfig": {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Weeks", "Value": 5200}},
        "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/fs"}}, "RoleArn": ROLE,
        "Description": "seen by all",
    }  # fmt: skip
    aws("sagemaker", "create-feature-group", "--cli-input-json", json.dumps(definition))
    aws(RUNTIME, "put-record", "--feature-group-name", NAME, "--record", json.dumps(pairs(WRITTEN["cli"])))
    runtime.put_record(FeatureGroupName=NAME, Record=pairs(WRITTEN["boto3"]))
    assert put(store, store.describe(NAME), WRITTEN["store"]) == []
    seen = core("view", NAME)
    sandbox.settle()
    return seen


@pytest.fixture(scope="module")
def wr(sandbox, tmp_path_factory):
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(sandbox, tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", boto3.Session())
        import awswrangler

        yield awswrangler


def as_boto3(content: Any) -> Any:
    """Return a sagemaker-core answer with boto3's names of members."""
    if isinstance(content, dict):
        return {"".join(part.title() for part in name.split("_")): as_boto3(value) for name, value in content.items()}
    return [as_boto3(item) for item in content] if isinstance(content, list) else content


def plain(told: Any) -> Any:
    """Return an answer with its times as numbers (the CLI leaves them so), without what is about the answer itself."""
    if isinstance(told, dict):
        return {name: _instant(name, value) for name, value in told.items() if name != "ResponseMetadata"}
    return [plain(item) for item in told] if isinstance(told, list) else told


def _instant(name: str, value: Any) -> Any:
    if not name.endswith("Time"):
        return plain(value)
    if isinstance(value, (int, float)):
        return value
    return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).timestamp()


def test_every_client_sees_the_same_definition(sagemaker, aws, store, seen_by_core):
    by_boto3 = plain(sagemaker.describe_feature_group(FeatureGroupName=NAME))
    by_cli = plain(aws("sagemaker", "describe-feature-group", "--feature-group-name", NAME))
    by_core = plain(as_boto3(seen_by_core["group"]))
    ours = store.describe(NAME)

    assert by_cli == by_boto3
    assert by_core == by_boto3
    assert (ours.name, ours.arn, ours.record_identifier, ours.event_time) == tuple(
        by_boto3[f"FeatureGroup{one}"] if one in ("Name", "Arn") else by_boto3[one]
        for one in ("Name", "Arn", "RecordIdentifierFeatureName", "EventTimeFeatureName")
    )
    assert [(one.name, one.type.value) for one in ours.features] == [
        (one["FeatureName"], one["FeatureType"]) for one in by_boto3["FeatureDefinitions"]
    ]
    assert ours.offline is not None
    assert ours.online is not None
    assert ours.online.ttl is not None
    assert (ours.online.ttl.unit.value, ours.online.ttl.value) == ("Weeks", 5200)
    config = by_boto3["OfflineStoreConfig"]
    assert ours.offline.resolved_uri == config["S3StorageConfig"]["ResolvedOutputS3Uri"]
    assert ours.offline.table is not None
    assert ours.offline.table.table == config["DataCatalogConfig"]["TableName"]
    assert (ours.description, ours.role_arn, ours.status.value) == ("seen by all", ROLE, "Created")
    assert ours.created_at is not None
    # a wire of doubles tells milliseconds
    assert ours.created_at.nanoseconds == round(by_boto3["CreationTime"] * 1000) * 1_000_000


def test_every_client_sees_the_same_online_records(runtime, aws, store, seen_by_core):
    def values(told, name="FeatureName", value="ValueAsString"):
        return {one[name]: one[value] for one in told}

    wanted = [{"FeatureGroupName": NAME, "RecordIdentifiersValueAsString": list(WRITTEN)}]
    batch = aws(RUNTIME, "batch-get-record", "--identifiers", json.dumps(wanted))
    by_cli = {one["RecordIdentifierValueAsString"]: values(one["Record"]) for one in batch["Records"]}
    by_boto3 = {
        one: values(runtime.get_record(FeatureGroupName=NAME, RecordIdentifierValueAsString=one)["Record"])
        for one in WRITTEN
    }
    by_core = {
        one: values(told["record"], "feature_name", "value_as_string") for one, told in seen_by_core["records"].items()
    }
    found = store.read(store.describe(NAME), [RecordId(one) for one in WRITTEN])
    ours = {line["id"]: {name: value for name, value in line.items() if value is not None}
            for line in found.records.to_pylist()}  # fmt: skip

    assert by_boto3 == WRITTEN
    assert (by_cli, by_core, ours) == (WRITTEN, WRITTEN, WRITTEN)


def test_every_client_sees_the_same_offline_records(athena, aws, wr, store, seen_by_core):
    table = store.describe(NAME).offline.table
    query = f'SELECT {", ".join(FEATURES)}, is_deleted, year, month, day, hour FROM "{table.table}" ORDER BY id'
    query = query.replace("count", '"count"').replace("time", '"time"')
    database = {"QueryExecutionContext": {"Database": table.database}}
    started = answered(athena, query, f"s3://{BUCKET}/results/", **database)

    def lines(told):
        header, *found = ([cell.get("VarCharValue") for cell in line["Data"]] for line in told["ResultSet"]["Rows"])
        return [dict(zip(header, cells, strict=True)) for cells in found]

    by_boto3 = lines(athena.get_query_results(QueryExecutionId=started))
    by_cli = lines(aws("athena", "get-query-results", "--query-execution-id", started))
    frame = wr.athena.read_sql_query(
        query, database=table.database, s3_output=f"s3://{BUCKET}/wr/", ctas_approach=False, unload_approach=True
    )
    by_wr = frame.astype(object).where(frame.notna(), None).to_dict("records")
    history = store.versions(store.describe(NAME), OfflineQuery(Versions.HISTORY))
    ours = sorted((line for batch in history for line in batch.to_pylist()), key=lambda line: line["id"])

    whole, fractions = {"cli": LARGEST, "boto3": SMALLEST}, {"cli": 1e-7, "store": 0.1}
    parts = {"cli": "01 00", "boto3": "01 00", "store": "02 23", "core": "03 00"}
    expected = [
        {
            "id": one, "time": WRITTEN[one]["time"], "count": whole.get(one), "price": fractions.get(one),
            "note": WRITTEN[one].get("note"), "is_deleted": False, "year": "2025", "month": "06",
            "day": parts[one].split()[0], "hour": parts[one].split()[1],
        }
        for one in sorted(WRITTEN)
    ]  # fmt: skip
    assert by_wr == expected
    assert by_cli == by_boto3
    read = [
        {**line, "count": line["count"] and int(line["count"]), "price": line["price"] and float(line["price"]),
         "is_deleted": line["is_deleted"] == "true"}
        for line in by_boto3
    ]  # fmt: skip
    assert read == expected
    assert [
        {**line, "count": line["count"] and int(line["count"]), "price": line["price"] and float(line["price"])}
        for line in ([{name: line[name] for name in (*FEATURES, "is_deleted")} for line in ours])
    ] == [{name: line[name] for name in (*FEATURES, "is_deleted")} for line in expected]


def test_every_client_sees_the_same_objects_and_sizes(s3, aws, wr, store, seen_by_core):
    group = store.describe(NAME)
    prefix = group.offline.resolved_uri.removeprefix(f"s3://{BUCKET}/")

    by_boto3 = {one["Key"]: one["Size"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]}
    told = aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", prefix)
    by_cli = {one["Key"]: one["Size"] for one in told["Contents"]}
    by_wr = {
        uri.removeprefix(f"s3://{BUCKET}/"): size
        for uri, size in wr.s3.size_objects(f"{group.offline.resolved_uri}/").items()
    }
    ours = {line["key"]: line["size"] for batch in store.offline_objects(group) for line in batch.to_pylist()}

    # one object for each hour of event time, and perhaps for each time it was settled
    assert 3 <= len(by_boto3) <= 4
    assert (by_cli, by_wr) == (by_boto3, by_boto3)
    assert {key.removeprefix(f"s3://{BUCKET}/"): size for key, size in ours.items()} == by_boto3


def test_every_client_sees_the_same_table(glue, aws, wr, athena, store, seen_by_core):
    table = store.describe(NAME).offline.table
    about = {"DatabaseName": table.database, "Name": table.table}

    by_boto3 = plain(glue.get_table(**about)["Table"])
    by_cli = plain(aws("glue", "get-table", "--database-name", table.database, "--name", table.table)["Table"])
    by_wr = wr.catalog.get_table_types(table.database, table.table)
    columns = [*by_boto3["StorageDescriptor"]["Columns"], *by_boto3["PartitionKeys"]]
    described = answered(
        athena, f"DESCRIBE `{table.table}`", f"s3://{BUCKET}/results/",
        QueryExecutionContext={"Database": table.database},
    )  # fmt: skip
    lines = [
        line["Data"][0]["VarCharValue"].split("\t")
        for line in athena.get_query_results(QueryExecutionId=described)["ResultSet"]["Rows"]
    ]

    assert by_cli == by_boto3
    assert by_wr == {one["Name"]: one["Type"] for one in columns}
    assert [(line[0].strip(), line[1].strip()) for line in lines[: len(columns)]] == [
        (one["Name"], one["Type"]) for one in columns
    ]
    assert by_boto3["StorageDescriptor"]["Location"] == store.describe(NAME).offline.resolved_uri
