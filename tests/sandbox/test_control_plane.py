"""The control plane through boto3: groups made, described, listed, changed and deleted."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.sandbox.conftest import ROLE, boto, by_hand, definition, offline, record, running

ACCOUNT, REGION = "123456789012", "us-east-1"


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_a_described_group_is_what_was_asked_for_with_names_after_its_creation(sagemaker, group, bucket):
    """[28, 48] The root has account, Region, name and second of creation; one page has no token."""
    name = group(Description="All orders.", **offline(bucket))

    described = sagemaker.describe_feature_group(FeatureGroupName=name)

    epoch = int(described["CreationTime"].timestamp())
    root = f"s3://{bucket}/fs/{ACCOUNT}/sagemaker/{REGION}/offline-store/{name}-{epoch}/data"
    assert {key: value for key, value in described.items() if key not in ("CreationTime", "ResponseMetadata")} == {
        "FeatureGroupArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:feature-group/{name}",
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "time",
        "FeatureDefinitions": definition(name)["FeatureDefinitions"],
        "LastModifiedTime": described["CreationTime"],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": {
            "S3StorageConfig": {"S3Uri": f"s3://{bucket}/fs", "ResolvedOutputS3Uri": root},
            "DisableGlueTableCreation": False,
            "DataCatalogConfig": {
                "TableName": f"{name.replace('-', '_')}_{epoch}",
                "Catalog": "AwsDataCatalog",
                "Database": "sagemaker_featurestore",
            },
            "TableFormat": "Glue",
        },
        "ThroughputConfig": {"ThroughputMode": "OnDemand"},
        "RoleArn": ROLE,
        "FeatureGroupStatus": "Created",
        "OfflineStoreStatus": {"Status": "Active"},
        "Description": "All orders.",
        "OnlineStoreTotalSizeBytes": 0,
    }
    assert described["CreationTime"].microsecond % 1000 == 0


def test_a_group_is_found_by_arn_and_in_any_case(sagemaker, group):
    name = group()
    arn = sagemaker.describe_feature_group(FeatureGroupName=name.upper())["FeatureGroupArn"]

    assert sagemaker.describe_feature_group(FeatureGroupName=arn)["FeatureGroupName"] == name


def test_known_refusals_have_the_services_own_words(sagemaker, group):
    """[20, 45]."""
    name = group()

    again = refused(sagemaker.create_feature_group, **definition(name))
    neither = refused(sagemaker.create_feature_group, **definition("neither", OnlineStoreConfig={}))
    missing = refused(sagemaker.describe_feature_group, FeatureGroupName="nowhere")

    assert again == (
        "ResourceInUse",
        400,
        f"Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.\n"
        f"Info: Feature Group '{name}' already exists.",
    )
    assert neither == (
        "ValidationException",
        400,
        "Validation Error: OnlineStore and OfflineStore cannot be both disabled. "
        "Please enable at least one of them and retry the request.",
    )
    assert missing == (
        "ResourceNotFound", 400, "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name nowhere",
    )  # fmt: skip


def test_a_bucket_that_is_not_there_is_an_invalid_s3uri(sagemaker):
    code, _, message = refused(sagemaker.create_feature_group, **definition("lost", **offline("no-such-bucket")))

    assert code == "ValidationException"
    assert "Invalid S3Uri provided" in message


def online_store(storage_type: str, **more) -> dict[str, Any]:
    return {"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": storage_type, **more}}


def features(*more: tuple[str, str], time: str = "String", **of_last) -> dict[str, Any]:
    """Feature definitions: the two that every group has, and more; the last of them has further members."""
    found = [{"FeatureName": name, "FeatureType": kind} for name, kind in (("id", "String"), ("time", time), *more)]
    return {"FeatureDefinitions": [*found[:-1], {**found[-1], **of_last}]}


def vector(dimension: int) -> dict[str, Any]:
    return {"CollectionType": "Vector", "CollectionConfig": {"VectorConfig": {"Dimension": dimension}}}


PROVISIONED = {"ThroughputMode": "Provisioned", "ProvisionedReadCapacityUnits": 1, "ProvisionedWriteCapacityUnits": 1}
PATTERN, ENUM = "satisfy regular expression pattern", "satisfy enum value set"
REJECTED = [
    ({"FeatureGroupName": "ends-"}, PATTERN),
    ({"FeatureGroupName": "x" * 65}, PATTERN),
    ({"RecordIdentifierFeatureName": "nothing"}, "record identifier 'nothing'"),
    ({"RecordIdentifierFeatureName": "price"}, "record identifier 'price'"),
    ({"EventTimeFeatureName": "count"}, "event time 'count'"),
    (features(("is_deleted", "String")), "'is_deleted' is reserved"),
    (features(("WRITE_TIME", "String")), "'WRITE_TIME' is reserved"),
    (features(("id", "String")), "'id' is defined twice"),
    (features(("text", "Text")), ENUM),
    (features(*((f"f{number}", "String") for number in range(2499))), "less than or equal to 2500"),
    (features(("tags", "String"), CollectionType="List"), "collections need an InMemory"),
    (features(("tags", "String"), CollectionType="Set") | online_store("Standard_V2"), "collections need an InMemory"),
    (features(("place", "String"), **vector(2)) | online_store("InMemory"), "must be Fractional"),
    (features(("place", "Fractional"), **vector(8193)) | online_store("InMemory"), "less than or equal to 8192"),
    (features(("place", "Fractional"), CollectionType="Vector") | online_store("InMemory"), "given for a Vector"),
    ({"Description": "x" * 129}, "less than or equal to 128"),
    ({"ThroughputConfig": {"ThroughputMode": "ON_DEMAND"}}, ENUM),
    ({"ThroughputConfig": {**PROVISIONED, "ProvisionedReadCapacityUnits": 10_000_001}}, "less than or equal to 10"),
    (online_store("InMemory") | {"ThroughputConfig": PROVISIONED}, "needs a Standard online store"),
    (online_store("Standard_V2") | {"ThroughputConfig": PROVISIONED}, "needs a Standard online store"),
    (online_store("InMemory") | {"OfflineStoreConfig": {}}, "cannot have an offline store"),
    (online_store("InMemory", SecurityConfig={"KmsKeyId": "key"}), "cannot have a KMS key"),
    (online_store("Standard", TtlDuration={"Unit": "Days"}), "both Unit and Value"),
    (online_store("Standard", TtlDuration={"Unit": "Years", "Value": 1}), ENUM),
    (features(time="Fractional") | {"OfflineStoreConfig": {"TableFormat": "Iceberg"}}, "needs a String event time"),
    ({"OfflineStoreConfig": {"TableFormat": "Iceberg", "DisableGlueTableCreation": True}}, "DisableGlueTableCreation"),
    ({"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "bucket/prefix"}}}, PATTERN),
    ({"OfflineStoreConfig": {}, "RoleArn": None}, "RoleArn is required"),
    ({"OfflineStoreConfig": {}, "RoleArn": "arn:aws:iam::1:role/short"}, PATTERN),
    ({"Tags": [{"Key": "a{b}", "Value": "x"}]}, PATTERN),
    ({"Tags": [{"Key": str(number), "Value": ""} for number in range(51)]}, "less than or equal to 50"),
]  # fmt: skip


def test_what_the_service_rejects_is_rejected_for_what_is_wrong_with_it(sagemaker, bucket):
    """[21, 26, 44]."""
    for bad, text in REJECTED:
        request = {**definition("rejected"), "RoleArn": ROLE, **bad}
        if "OfflineStoreConfig" in bad:
            storage = {"S3StorageConfig": {"S3Uri": f"s3://{bucket}/fs"}}
            request["OfflineStoreConfig"] = {**storage, **request["OfflineStoreConfig"]}

        given = {name: value for name, value in request.items() if value is not None}
        code, status, message = refused(sagemaker.create_feature_group, **given)

        assert (code, status) == ("ValidationException", 400), bad
        assert text in message, (bad, message)


def test_groups_are_listed_by_filters_in_pages(sagemaker, group):
    names = [group() for _ in range(5)]
    token_free = {"NameContains": "orders-", "SortBy": "Name", "SortOrder": "Ascending"}

    pages = list(
        sagemaker.get_paginator("list_feature_groups").paginate(**token_free, PaginationConfig={"PageSize": 2})
    )
    found = [summary["FeatureGroupName"] for page in pages for summary in page["FeatureGroupSummaries"]]
    newest = sagemaker.list_feature_groups(MaxResults=5)["FeatureGroupSummaries"]
    future = sagemaker.list_feature_groups(CreationTimeAfter=datetime.now(UTC) + timedelta(days=1))
    too_many = refused(sagemaker.list_feature_groups, MaxResults=101)

    assert set(names) <= set(found)
    assert found == sorted(found)
    assert all(len(page["FeatureGroupSummaries"]) <= 2 for page in pages)
    assert [summary["FeatureGroupName"] for summary in newest] == names[::-1]
    assert set(newest[0]) == {"FeatureGroupName", "FeatureGroupArn", "CreationTime", "FeatureGroupStatus"}
    assert future["FeatureGroupSummaries"] == []
    assert too_many[0] == "ValidationException"


def test_features_are_added_and_an_update_shows_from_then_on(sagemaker, runtime, group):
    """[40]."""
    name = group()
    assert "LastUpdateStatus" not in sagemaker.describe_feature_group(FeatureGroupName=name)

    sagemaker.update_feature_group(
        FeatureGroupName=name, FeatureAdditions=[{"FeatureName": "colour", "FeatureType": "String"}]
    )
    runtime.put_record(FeatureGroupName=name, Record=record("a", colour="red"))

    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["LastUpdateStatus"] == {"Status": "Successful"}
    assert described["FeatureDefinitions"][-1] == {"FeatureName": "colour", "FeatureType": "String"}


def test_a_time_to_live_is_set_and_taken_away_by_an_empty_structure(sagemaker, sandbox, group):
    """[25] Nulls, which boto3 refuses, do so too."""
    name = group()

    sagemaker.update_feature_group(
        FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": {"Unit": "Days", "Value": 30}}
    )
    with_ttl = sagemaker.describe_feature_group(FeatureGroupName=name)["OnlineStoreConfig"]
    sagemaker.update_feature_group(FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": {}})
    without = sagemaker.describe_feature_group(FeatureGroupName=name)["OnlineStoreConfig"]
    sagemaker.update_feature_group(
        FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": {"Unit": "Days", "Value": 7}}
    )
    nulls = {"FeatureGroupName": name, "OnlineStoreConfig": {"TtlDuration": {"Unit": None, "Value": None}}}
    by_nulls = by_hand(sandbox, "POST", "/", nulls, target="SageMaker.UpdateFeatureGroup")

    assert with_ttl == {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Days", "Value": 30}}
    assert without == {"EnableOnlineStore": True}
    assert by_nulls[0] == 200
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["OnlineStoreConfig"] == without


def test_one_kind_of_change_a_call_and_storage_only_upwards(sagemaker, group):
    """[40]."""
    name = group()
    addition = [{"FeatureName": "colour", "FeatureType": "String"}]

    both = refused(
        sagemaker.update_feature_group,
        FeatureGroupName=name, FeatureAdditions=addition, ThroughputConfig={"ThroughputMode": "OnDemand"},
    )  # fmt: skip
    none = refused(sagemaker.update_feature_group, FeatureGroupName=name)
    sagemaker.update_feature_group(FeatureGroupName=name, OnlineStoreConfig={"StorageType": "Standard_V2"})
    back = refused(sagemaker.update_feature_group, FeatureGroupName=name, OnlineStoreConfig={"StorageType": "Standard"})

    assert {both[0], none[0], back[0]} == {"ValidationException"}
    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["OnlineStoreConfig"]["StorageType"] == "Standard_V2"


def test_deleting_takes_a_name_only_and_leaves_objects_and_table(sagemaker, runtime, s3, sandbox, group, bucket):
    """[38]."""
    name = group(**offline(bucket))
    described = sagemaker.describe_feature_group(FeatureGroupName=name)
    runtime.put_record(FeatureGroupName=name, Record=record("a"))
    sandbox.settle()

    by_arn = refused(sagemaker.delete_feature_group, FeatureGroupName=described["FeatureGroupArn"])
    sagemaker.delete_feature_group(FeatureGroupName=name)
    again = refused(sagemaker.delete_feature_group, FeatureGroupName=name)

    assert by_arn[0] == "ValidationException"
    assert again[0] == "ResourceNotFound"
    prefix = described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"].partition(f"{bucket}/")[2]
    assert s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 1
    sagemaker.create_feature_group(**definition(name))
    assert "Record" not in runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString="a")


def test_tags_are_added_listed_and_deleted(sagemaker, group):
    name = group(Tags=[{"Key": "team", "Value": "ml"}])
    arn = sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupArn"]

    added = sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "1"}, {"Key": "team", "Value": "ds"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["cost", "nothing"])

    assert added["Tags"] == [{"Key": "team", "Value": "ds"}, {"Key": "cost", "Value": "1"}]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ds"}]
    assert refused(sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])[0] == (
        "ValidationException"
    )


def test_metadata_of_a_feature_is_kept_and_its_parameters_are_removed_by_key(sagemaker, sandbox, group):
    """[46] A parameter is removed by its key alone, and never by key and value."""
    name = group()
    about = {"FeatureGroupName": name, "FeatureName": "price"}

    sagemaker.update_feature_metadata(
        **about, Description="In euros.", ParameterAdditions=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )
    sagemaker.update_feature_metadata(**about, ParameterRemovals=["a"])
    described = sagemaker.describe_feature_metadata(**about)
    sagemaker.update_feature_metadata(**about, Description="")
    missing = refused(sagemaker.describe_feature_metadata, FeatureGroupName=name, FeatureName="colour")
    unchecked = boto(sandbox, "sagemaker", parameter_validation=False)
    by_pair = refused(unchecked.update_feature_metadata, **about, ParameterRemovals=[{"Key": "b", "Value": "2"}])

    with pytest.raises(ParamValidationError, match=r"ParameterRemovals\[0\], value: \{'Key': 'b'\}"):
        sagemaker.update_feature_metadata(**about, ParameterRemovals=[{"Key": "b"}])
    assert by_pair[0] in ("SerializationException", "ValidationException")
    assert sagemaker.describe_feature_metadata(**about)["Parameters"] == [{"Key": "b", "Value": "2"}]
    assert (described["FeatureType"], described["Description"]) == ("Fractional", "In euros.")
    assert described["Parameters"] == [{"Key": "b", "Value": "2"}]
    assert described["LastModifiedTime"] >= described["CreationTime"]
    assert "Description" not in sagemaker.describe_feature_metadata(**about)
    assert missing[0] == "ResourceNotFound"


def search(sagemaker, resource, *filters, **more):
    expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), one, strict=False)) for one in filters], **more}
    results = sagemaker.get_paginator("search").paginate(Resource=resource, SearchExpression=expression)
    return [result[resource] for page in results for result in page["Results"]]


def test_groups_and_features_are_searched(sagemaker, group):
    first, second = group(Tags=[{"Key": "hue", "Value": "red"}]), group(Tags=[{"Key": "hue", "Value": "blue"}])
    sagemaker.update_feature_metadata(
        FeatureGroupName=first, FeatureName="price", ParameterAdditions=[{"Key": "unit", "Value": "euro"}]
    )

    red = search(sagemaker, "FeatureGroup", ("Tags.hue", "Equals", "red"))
    either = search(
        sagemaker, "FeatureGroup", ("Tags.hue", "Equals", "red"), ("Tags.hue", "Equals", "blue"), Operator="Or"
    )
    euro = search(sagemaker, "FeatureMetadata", ("Parameters.unit", "Equals", "euro"))
    prices = search(
        sagemaker,
        "FeatureMetadata",
        ("FeatureName", "Contains", "pric"),
        ("FeatureGroupName", "In", f"{first},{second}"),
    )

    assert [(one["FeatureGroupName"], one["Tags"]) for one in red] == [(first, [{"Key": "hue", "Value": "red"}])]
    assert {one["FeatureGroupName"] for one in either} == {first, second}
    assert [(one["FeatureGroupName"], one["FeatureName"]) for one in euro] == [(first, "price")]
    assert {one["FeatureGroupName"] for one in prices} == {first, second}


def test_groups_take_their_time_and_only_four_are_made_at_once(tmp_path):
    with running(tmp_path / "slow", create_delay=1.0) as slow:
        sagemaker, runtime = boto(slow, "sagemaker"), boto(slow, "sagemaker-featurestore-runtime")
        for number in range(4):
            sagemaker.create_feature_group(**definition(f"slow-{number}"))

        fifth = refused(sagemaker.create_feature_group, **definition("slow-4"))
        at_first = sagemaker.describe_feature_group(FeatureGroupName="slow-0")["FeatureGroupStatus"]
        put = refused(runtime.put_record, FeatureGroupName="slow-0", Record=record("a"))
        early = refused(sagemaker.delete_feature_group, FeatureGroupName="slow-0")
        time.sleep(1.1)
        later = sagemaker.describe_feature_group(FeatureGroupName="slow-0")["FeatureGroupStatus"]
        sagemaker.delete_feature_group(FeatureGroupName="slow-0")
        deleting = sagemaker.describe_feature_group(FeatureGroupName="slow-0")["FeatureGroupStatus"]
        again = refused(sagemaker.create_feature_group, **definition("slow-0"))
        time.sleep(1.1)
        gone = refused(sagemaker.describe_feature_group, FeatureGroupName="slow-0")

    assert fifth[0] == "ResourceLimitExceeded"
    assert "Maximum number of feature group creation workflows executing in parallel' is 4" in fifth[2]
    assert (at_first, later, deleting, gone[0]) == ("Creating", "Created", "Deleting", "ResourceNotFound")
    assert put[0] == "ValidationError"
    assert early[0] == "ValidationException"
    assert again[0] == "ResourceInUse"


def test_a_request_signed_for_another_region_is_refused(sandbox):
    elsewhere = sandbox.client("sagemaker", region_name="eu-west-1")

    code, status, message = refused(elsewhere.list_feature_groups)

    assert (code, status) == ("InvalidSignatureException", 403)
    assert message == "Credential should be scoped to a valid region, not 'eu-west-1'. This sandbox is us-east-1."
