"""Who one is, and what is catalogued: STS, IAM and Glue through boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto, offline


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def glue(sandbox):
    return boto(sandbox, "glue")


def test_everybody_is_an_assumed_role_of_the_stores_account(sandbox):
    sts = boto(sandbox, "sts")

    caller = sts.get_caller_identity()
    assumed = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/admin", RoleSessionName="me")

    assert (caller["Account"], caller["Arn"]) == (
        "123456789012", "arn:aws:sts::123456789012:assumed-role/sandbox/sandbox",
    )  # fmt: skip
    credentials = assumed["Credentials"]
    as_admin = sandbox.client(
        "sts",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert as_admin.get_caller_identity()["Arn"] == "arn:aws:sts::123456789012:assumed-role/admin/me"


def test_a_role_trusts_sagemaker(sandbox):
    role = boto(sandbox, "iam").get_role(RoleName="feature-store")["Role"]

    assert role["Arn"] == "arn:aws:iam::123456789012:role/feature-store"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}


def test_a_groups_table_is_catalogued_grows_with_it_and_outlives_it(sagemaker, glue, group, bucket):
    name = group(**offline(bucket))
    config = sagemaker.describe_feature_group(FeatureGroupName=name)["OfflineStoreConfig"]
    catalog = config["DataCatalogConfig"]
    about = {"DatabaseName": catalog["Database"], "Name": catalog["TableName"]}

    table = glue.get_table(**about)["Table"]
    sagemaker.update_feature_group(
        FeatureGroupName=name, FeatureAdditions=[{"FeatureName": "Colour", "FeatureType": "String"}]
    )
    grown = glue.get_table(**about)["Table"]
    sagemaker.delete_feature_group(FeatureGroupName=name)
    left = glue.get_table(**about)["Table"]
    glue.delete_table(**about)

    columns = [
        ("id", "string"), ("time", "string"), ("count", "bigint"), ("price", "double"), ("write_time", "timestamp"),
        ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"),
    ]  # fmt: skip
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == columns
    assert [one["Name"] for one in table["PartitionKeys"]] == ["year", "month", "day", "hour"]
    assert table["StorageDescriptor"]["Location"] == config["S3StorageConfig"]["ResolvedOutputS3Uri"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert {"Name": "colour", "Type": "string"} in grown["StorageDescriptor"]["Columns"]
    assert left["StorageDescriptor"] == grown["StorageDescriptor"]
    assert refused(glue.get_table, **about) == "EntityNotFoundException"


def test_a_live_groups_table_stays_dropped(sagemaker, glue, group, bucket):
    name = group(**offline(bucket))
    catalog = sagemaker.describe_feature_group(FeatureGroupName=name)["OfflineStoreConfig"]["DataCatalogConfig"]

    glue.delete_table(DatabaseName=catalog["Database"], Name=catalog["TableName"])

    assert refused(glue.get_table, DatabaseName=catalog["Database"], Name=catalog["TableName"]) == (
        "EntityNotFoundException"
    )


def test_names_of_ones_own_are_kept_and_a_table_that_is_there_is_not_made_again(sagemaker, glue, group, bucket):
    catalog = {"Catalog": "AwsDataCatalog", "Database": "mine", "TableName": "orders_of_mine"}
    group(**offline(bucket, DataCatalogConfig=catalog))

    table = glue.get_table(DatabaseName="mine", Name="orders_of_mine")["Table"]

    assert table["Name"] == "orders_of_mine"
    with pytest.raises(ClientError, match="already exists"):
        group(**offline(bucket, DataCatalogConfig=catalog))


def test_databases_tables_and_partitions_are_made_and_deleted(glue):
    glue.create_database(DatabaseInput={"Name": "Sales"})
    storage = {"Columns": [{"Name": "a", "Type": "bigint"}], "Location": "s3://b/t"}
    glue.create_table(DatabaseName="sales", TableInput={"Name": "T1", "StorageDescriptor": storage})
    glue.create_partition(DatabaseName="sales", TableName="t1", PartitionInput={"Values": ["2025"]})

    tables = [
        table["Name"]
        for page in glue.get_paginator("get_tables").paginate(DatabaseName="sales")
        for table in page["TableList"]
    ]
    partitions = glue.get_partitions(DatabaseName="sales", TableName="t1")["Partitions"]
    again = refused(glue.create_table, DatabaseName="sales", TableInput={"Name": "t1"})

    assert tables == ["t1"]
    assert [one["Values"] for one in partitions] == [["2025"]]
    assert again == "AlreadyExistsException"
    glue.delete_database(Name="sales")
    assert refused(glue.get_database, Name="sales") == "EntityNotFoundException"
    assert "sagemaker_featurestore" in [one["Name"] for one in glue.get_databases()["DatabaseList"]]


def test_each_change_of_a_table_is_a_version_and_of_two_updates_of_one_version_one_is_refused(glue):
    glue.create_database(DatabaseInput={"Name": "versions"})
    about = {"DatabaseName": "versions"}
    glue.create_table(**about, TableInput={"Name": "t", "Description": "first"})

    def change(description, **more):
        glue.update_table(**about, TableInput={"Name": "t", "Description": description}, **more)

    def versions():
        pages = glue.get_paginator("get_table_versions").paginate(
            **about, TableName="t", PaginationConfig={"PageSize": 1}
        )
        found = [version for page in pages for version in page["TableVersions"]]
        return [(one["VersionId"], one["Table"]["VersionId"], one["Table"]["Description"]) for one in found]

    change("second", VersionId=glue.get_table(**about, Name="t")["Table"]["VersionId"])
    stale = refused(change, description="lost", VersionId="0")
    first_two = versions()
    change("third", VersionId="1", SkipArchive=True)

    assert stale == "ConcurrentModificationException"
    assert first_two == [("1", "1", "second"), ("0", "0", "first")]
    assert versions() == [("2", "2", "third"), ("0", "0", "first")]
    get = {**about, "TableName": "t"}
    assert glue.get_table_version(**get)["TableVersion"]["VersionId"] == "2"
    assert glue.get_table_version(**get, VersionId="0")["TableVersion"]["Table"]["Description"] == "first"
    assert refused(glue.get_table_version, **get, VersionId="1") == "EntityNotFoundException"
    assert refused(glue.delete_table_version, **get, VersionId="2") == "InvalidInputException"
    [error] = glue.batch_delete_table_version(**get, VersionIds=["0", "7"])["Errors"]
    assert (error["VersionId"], error["ErrorDetail"]["ErrorCode"]) == ("7", "EntityNotFoundException")
    assert [number for number, _, _ in versions()] == ["2"]
    assert glue.get_partition_indexes(**get)["PartitionIndexDescriptorList"] == []
    assert glue.get_user_defined_functions(**about, Pattern="*")["UserDefinedFunctions"] == []


def test_tables_are_searched_for_in_every_database(glue):
    for number, name in enumerate(("customer-link", "xx-link-yy", "xxlinkyy")):
        database = f"searched{number}"
        glue.create_database(DatabaseInput={"Name": database})
        columns = [{"Name": "found_by_column", "Type": "int", "Comment": f"of {name}"}]
        storage = {"Columns": columns, "Location": "s3://b/t"}
        glue.create_table(DatabaseName=database, TableInput={
            "Name": name, "StorageDescriptor": storage, "Parameters": {"number": str(number)},
        })  # fmt: skip

    def found(**request):
        first = glue.search_tables(MaxResults=2, **request)
        more = glue.search_tables(MaxResults=2, NextToken=first["NextToken"], **request) if "NextToken" in first else {}
        return [table["Name"] for table in (*first["TableList"], *more.get("TableList", ()))]

    by_name = [{"FieldName": "Name", "Sort": "DESC"}]
    assert found(SearchText="Found_by", SortCriteria=by_name) == ["xxlinkyy", "xx-link-yy", "customer-link"]
    assert found(SearchText='"xx-link-yy"') == ["xx-link-yy"]
    assert found(SearchText='"found_by"') == []
    assert found(Filters=[{"Key": "Name", "Value": "link"}]) == ["customer-link", "xx-link-yy"]
    assert found(Filters=[{"Key": "DatabaseName", "Value": "searched2"}, {"Key": "number", "Value": "2"}]) == [
        "xxlinkyy"
    ]
    later = {"Key": "CreateTime", "Comparator": "GREATER_THAN", "Value": "9999999999"}
    assert found(SearchText="found_by", Filters=[later]) == []
    assert refused(glue.search_tables, Filters=[{**later, "Value": "now"}]) == "InvalidInputException"
