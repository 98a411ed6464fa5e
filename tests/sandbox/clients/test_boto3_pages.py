"""boto3's paginators with small pages: every item comes exactly once, whatever the page size."""

from __future__ import annotations

import pytest

from tests.sandbox.clients.conftest import answered
from tests.sandbox.conftest import definition, record

pytestmark = pytest.mark.clients
NAMES = [f"paged-{number}" for number in range(7)]
KEYS = ["a", "a/b", "a b+c", "d/é", "d/漢字", "e&<f>", "z"]


def paged(client, operation, member, *, size=2, **given):
    """Return the items of every page, and how many pages there were."""
    pages = list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **given))
    return [item for page in pages for item in page.get(member, [])], len(pages)


@pytest.fixture(scope="module")
def groups(sagemaker, runtime):
    """Seven feature groups; the first has seven records and seven tags."""
    for name in NAMES:
        sagemaker.create_feature_group(**definition(name))
    for number in range(7):
        runtime.put_record(FeatureGroupName=NAMES[0], Record=record(f"r{number}"))
    arn = sagemaker.describe_feature_group(FeatureGroupName=NAMES[0])["FeatureGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(7)])
    return arn


@pytest.fixture(scope="module")
def keys(s3):
    """A versioned bucket with awkward keys, each put twice, the last one deleted; and an upload begun for each."""
    s3.create_bucket(Bucket="paged-keys")
    s3.put_bucket_versioning(Bucket="paged-keys", VersioningConfiguration={"Status": "Enabled"})
    for key in (*KEYS, *KEYS):
        s3.put_object(Bucket="paged-keys", Key=key, Body=key.encode())
    s3.delete_object(Bucket="paged-keys", Key=KEYS[-1])
    for key in (*KEYS, KEYS[0]):
        s3.create_multipart_upload(Bucket="paged-keys", Key=key)
    s3.create_bucket(Bucket="paged-keys-results")
    return "paged-keys"


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_feature_groups_come_once_in_either_order(sagemaker, groups, order):
    given = {"NameContains": "paged-", "SortBy": "Name", "SortOrder": order}

    found, pages = paged(sagemaker, "list_feature_groups", "FeatureGroupSummaries", **given)

    names = [one["FeatureGroupName"] for one in found]
    assert names == (NAMES if order == "Ascending" else NAMES[::-1])
    assert pages == 4


def test_records_come_once(runtime, groups):
    found, pages = paged(runtime, "list_records", "RecordIdentifiers", FeatureGroupName=NAMES[0])

    assert sorted(found) == [f"r{number}" for number in range(7)]
    assert pages >= 4


def test_tags_come_once(sagemaker, groups):
    found, _ = paged(sagemaker, "list_tags", "Tags", size=50, ResourceArn=groups)

    assert sorted(one["Key"] for one in found) == [f"k{number}" for number in range(7)]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_searched_groups_come_once(sagemaker, groups, size):
    where = {"Filters": [{"Name": "FeatureGroupName", "Operator": "Contains", "Value": "paged-"}]}

    found, _ = paged(sagemaker, "search", "Results", size=size, Resource="FeatureGroup", SearchExpression=where)

    assert sorted(one["FeatureGroup"]["FeatureGroupName"] for one in found) == NAMES


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_objects_come_once_in_the_order_of_their_bytes(s3, keys, operation, size):
    found, _ = paged(s3, operation, "Contents", size=size, Bucket=keys)

    assert [one["Key"] for one in found] == sorted(KEYS[:-1], key=str.encode)
    assert [one["Size"] for one in found] == [len(one["Key"].encode()) for one in found]


def test_folders_come_once_beside_the_objects_of_their_level(s3, keys):
    given = {"Bucket": keys, "Delimiter": "/"}

    folders, _ = paged(s3, "list_objects_v2", "CommonPrefixes", size=1, **given)
    objects, _ = paged(s3, "list_objects_v2", "Contents", size=1, **given)

    assert [one["Prefix"] for one in folders] == ["a/", "d/"]
    assert [one["Key"] for one in objects] == ["a", "a b+c", "e&<f>"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_versions_and_delete_markers_come_once(s3, keys, size):
    versions, _ = paged(s3, "list_object_versions", "Versions", size=size, Bucket=keys)
    markers, _ = paged(s3, "list_object_versions", "DeleteMarkers", size=size, Bucket=keys)

    assert [one["Key"] for one in versions] == [key for key in sorted(KEYS, key=str.encode) for _ in range(2)]
    assert len({(one["Key"], one["VersionId"]) for one in versions}) == 14
    assert [(one["Key"], one["IsLatest"]) for one in markers] == [("z", True)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_uploads_come_once(s3, keys, size):
    found, pages = paged(s3, "list_multipart_uploads", "Uploads", size=size, Bucket=keys)
    of_folder, _ = paged(s3, "list_multipart_uploads", "Uploads", size=size, Bucket=keys, Prefix="d/")

    assert [one["Key"] for one in found] == sorted([*KEYS, KEYS[0]], key=str.encode)
    assert len({one["UploadId"] for one in found}) == 8
    assert [one["Key"] for one in of_folder] == ["d/é", "d/漢字"]
    assert pages == {1: 8, 3: 3, 1000: 1}[size]


def test_parts_come_once(s3, bucket):
    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    for number in (1, 2, 5, 9, 10):
        s3.upload_part(**upload, PartNumber=number, Body=b"part")

    found, pages = paged(s3, "list_parts", "Parts", **upload)

    assert [one["PartNumber"] for one in found] == [1, 2, 5, 9, 10]
    assert pages == 3


def test_the_catalogue_comes_once(glue, groups):
    storage = {"Columns": [{"Name": "n", "Type": "bigint"}], "Location": "s3://paged-keys/t/"}
    parts = {"PartitionKeys": [{"Name": "day", "Type": "string"}]}
    for name in NAMES:
        glue.create_database(DatabaseInput={"Name": name.replace("-", "_")})
        glue.create_table(DatabaseName="paged_0", TableInput={"Name": name, "StorageDescriptor": storage, **parts})
        glue.create_partition(
            DatabaseName="paged_0", TableName=NAMES[0], PartitionInput={"Values": [name], "StorageDescriptor": storage}
        )
    given = {"DatabaseName": "paged_0", "TableName": NAMES[0]}

    databases, _ = paged(glue, "get_databases", "DatabaseList")
    tables, _ = paged(glue, "get_tables", "TableList", DatabaseName="paged_0")
    partitions, _ = paged(glue, "get_partitions", "Partitions", **given)
    some, _ = paged(glue, "get_partitions", "Partitions", **given, Expression="day > 'paged-3' AND day <> 'paged-5'")

    assert [one["Name"] for one in databases if one["Name"].startswith("paged_")] == [
        name.replace("-", "_") for name in NAMES
    ]
    assert [one["Name"] for one in tables] == NAMES
    assert [one["Values"] for one in partitions] == [[name] for name in NAMES]
    assert [one["Values"] for one in some] == [["paged-4"], ["paged-6"]]
    with pytest.raises(glue.exceptions.InvalidInputException, match="Unsupported expression"):
        glue.get_partitions(**given, Expression="month = '1'")


@pytest.mark.parametrize("size", [1, 2, 3, 8, 1000])
def test_results_come_once_and_the_header_once(athena, keys, size):
    query = "SELECT n FROM (VALUES 1, 2, 3, 4, 5, 6, 7) AS t(n) ORDER BY n"
    started = answered(athena, query, f"s3://{keys}-results/")

    pages = list(
        athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=started, PaginationConfig={"PageSize": size}
        )
    )

    texts = [cell["VarCharValue"] for page in pages for line in page["ResultSet"]["Rows"] for cell in line["Data"]]
    assert texts == ["n", "1", "2", "3", "4", "5", "6", "7"]
    assert len(pages) == -(-8 // size)


def test_executions_come_once_newest_first(athena, s3, keys):
    athena.create_work_group(
        Name="paged", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{keys}-results/"}}
    )
    started = [
        athena.start_query_execution(QueryString=f"SELECT {number}", WorkGroup="paged")["QueryExecutionId"]
        for number in range(5)
    ]

    found, pages = paged(athena, "list_query_executions", "QueryExecutionIds", WorkGroup="paged")

    assert found == started[::-1]
    assert pages == 3
