"""The AWS CLI against the sandbox, with the environment that `sandbox env` gives: a client that is not boto3.

It takes half a second to start, so each call is there for something that the others do not show.
"""

from __future__ import annotations

import json
import os

import pytest

from tests.sandbox.clients.conftest import LARGEST, OFFLINE
from tests.sandbox.conftest import definition, offline, record

pytestmark = pytest.mark.clients
RUNTIME = "sagemaker-featurestore-runtime"


def values(told):
    return {one["FeatureName"]: one["ValueAsString"] for one in told["Record"]}


def test_the_cli_sees_what_boto3_wrote_and_the_other_way_round(aws, sandbox, sagemaker, runtime, s3, group, bucket):
    name = group(**offline(bucket))
    runtime.put_record(FeatureGroupName=name, Record=record("a", count="1"))
    sandbox.settle()

    described = aws("sagemaker", "describe-feature-group", "--feature-group-name", name)
    got = aws(RUNTIME, "get-record", "--feature-group-name", name, "--record-identifier-value-as-string", "a")
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/")
    aws("s3", "cp", f"s3://{bucket}/", f"s3://{bucket}/copy/", "--recursive", "--exclude", "copy/*")
    aws("s3", "rm", f"s3://{bucket}/fs/", "--recursive")
    caller = aws("sts", "get-caller-identity")

    by_boto3 = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["FeatureGroupArn"] == by_boto3["FeatureGroupArn"]
    assert described["OfflineStoreConfig"] == by_boto3["OfflineStoreConfig"]
    assert got["Record"] == record("a", count="1")
    assert listed.count(".parquet") == 1
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key.startswith("copy/fs/") for key in left] == [True]
    assert caller["Account"] == "123456789012"


def test_a_group_lives_from_create_to_delete_by_the_cli_alone(aws, sagemaker):
    name = ("--feature-group-name", "by-cli")
    put = json.dumps(record("a", count=str(LARGEST)))
    entries = [{"FeatureGroupName": "by-cli", "Record": record(one)} for one in ("b", "c")]
    wanted = [{"FeatureGroupName": "by-cli", "RecordIdentifiersValueAsString": ["a", "b", "c"]}]
    added = [{"FeatureName": "colour", "FeatureType": "String"}]

    made = aws("sagemaker", "create-feature-group", "--cli-input-json", json.dumps(definition("by-cli")))
    aws(RUNTIME, "put-record", *name, "--record", put)
    wrote = aws(RUNTIME, "batch-write-record", "--entries", json.dumps(entries))
    aws(RUNTIME, "delete-record", *name, "--record-identifier-value-as-string", "b", "--event-time",
        "2025-06-02T00:00:00Z", "--deletion-mode", "HardDelete")  # fmt: skip
    read = aws(RUNTIME, "batch-get-record", "--identifiers", json.dumps(wanted))
    aws("sagemaker", "update-feature-group", *name, "--feature-additions", json.dumps(added))
    changed = sagemaker.describe_feature_group(FeatureGroupName="by-cli")
    aws("sagemaker", "delete-feature-group", *name)
    left = sagemaker.list_feature_groups(NameContains="by-cli")["FeatureGroupSummaries"]

    assert made == {"FeatureGroupArn": "arn:aws:sagemaker:us-east-1:123456789012:feature-group/by-cli"}
    assert wrote == {"Errors": [], "UnprocessedEntries": []}
    found = {one["RecordIdentifierValueAsString"]: values(one) for one in read["Records"]}
    assert sorted(found) == ["a", "c"]
    assert found["a"]["count"] == str(LARGEST)
    assert [one["FeatureName"] for one in changed["FeatureDefinitions"]][-1] == "colour"
    assert changed["LastUpdateStatus"] == {"Status": "Successful"}
    assert left == []


def test_a_folder_is_synchronised_both_ways(aws, s3, bucket, tmp_path):
    (tmp_path / "up" / "deep").mkdir(parents=True)
    (tmp_path / "up" / "large.bin").write_bytes(bytes(range(256)) * (9 * 4096))
    (tmp_path / "up" / "deep" / "naïve 漢字.txt").write_text("small", "utf-8")
    # S3 tells whole seconds: a file of the same second would count as newer than its object
    for path in (tmp_path / "up").rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))

    aws("s3", "sync", str(tmp_path / "up"), f"s3://{bucket}/there/")
    again = aws("s3", "sync", str(tmp_path / "up"), f"s3://{bucket}/there/")
    s3.put_object(Bucket=bucket, Key="there/new", Body=b"new")
    aws("s3", "sync", f"s3://{bucket}/there/", str(tmp_path / "down"))
    (tmp_path / "down" / "large.bin").unlink()
    aws("s3", "sync", "--delete", str(tmp_path / "down"), f"s3://{bucket}/there/")

    def content(folder):
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    up = content(tmp_path / "up")
    assert again == ""
    assert content(tmp_path / "down") == {"deep/naïve 漢字.txt": up["deep/naïve 漢字.txt"], "new": b"new"}
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert left == ["there/deep/naïve 漢字.txt", "there/new"]


def test_a_query_is_started_and_its_results_fetched_page_by_page(aws, athena, mixed):
    query = f'SELECT id, "count", note FROM {mixed.table} WHERE id <> ? ORDER BY id, time'
    started = aws(
        "athena", "start-query-execution", "--query-string", query, "--execution-parameters", "'b'",
        "--query-execution-context", f"Database={mixed.database}",
        "--result-configuration", f"OutputLocation=s3://{mixed.bucket}/cli/",
    )["QueryExecutionId"]  # fmt: skip
    while athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]["State"] != "SUCCEEDED":
        pass

    told = aws("athena", "get-query-results", "--query-execution-id", started, "--page-size", "2")

    cells = [[cell.get("VarCharValue") for cell in line["Data"]] for line in told["ResultSet"]["Rows"]]
    expected = [
        [line["id"], None if line["count"] is None else str(line["count"]), line["note"]]
        for line in OFFLINE
        if line["id"] != "b"
    ]
    assert cells == [["id", "count", "note"], *expected]
