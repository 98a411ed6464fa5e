"""Athena through boto3, over the offline store's own Parquet files."""

from __future__ import annotations

import csv
import io

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto, offline, record
from tests.sandbox.queries import failed, rows, run


@pytest.fixture(scope="module")
def athena(sandbox):
    return boto(sandbox, "athena")


@pytest.fixture(scope="module")
def out(sandbox, s3):
    s3.create_bucket(Bucket="athena-results")
    return "s3://athena-results/out"


@pytest.fixture(scope="module")
def orders(sandbox, sagemaker, runtime, s3):
    """A group's table, quoted: a1 twice, a2 once, a3 deleted."""
    s3.create_bucket(Bucket="athena-orders")
    from tests.sandbox.conftest import definition

    sagemaker.create_feature_group(**definition("athena-orders", **offline("athena-orders")))
    for record_id, at, count in (("a1", "01", "1"), ("a1", "02", "2"), ("a2", "01", "10"), ("a3", "01", "100")):
        runtime.put_record(
            FeatureGroupName="athena-orders",
            Record=record(record_id, f"2025-06-{at}T05:00:00Z", count=count, price="0.5"),
        )
    runtime.delete_record(
        FeatureGroupName="athena-orders", RecordIdentifierValueAsString="a3", EventTime="2025-06-03T00:00:00Z"
    )
    sandbox.settle()
    catalog = sagemaker.describe_feature_group(FeatureGroupName="athena-orders")["OfflineStoreConfig"][
        "DataCatalogConfig"
    ]
    return f'"{catalog["Database"]}"."{catalog["TableName"]}"'


LATEST = """
SELECT id, count, price FROM (
  SELECT *, row_number() OVER (PARTITION BY "id" ORDER BY "time" DESC, api_invocation_time DESC, write_time DESC) AS rn
  FROM {table}) WHERE rn = 1 AND NOT is_deleted ORDER BY id
"""


def test_the_documented_query_gives_the_latest_records(athena, orders, out):
    assert rows(athena, LATEST.format(table=orders), out) == [
        ["id", "count", "price"],
        ["a1", "2", "0.5"],
        ["a2", "10", "0.5"],
    ]


def test_a_star_gives_features_system_columns_and_partitions(athena, orders, out):
    header, *found = rows(athena, f"SELECT * FROM {orders} WHERE is_deleted", out)

    assert header == [
        "id", "time", "count", "price", "write_time", "api_invocation_time", "is_deleted",
        "year", "month", "day", "hour",
    ]  # fmt: skip
    assert [(*line[:4], *line[6:]) for line in found] == [
        ("a3", "2025-06-03T00:00:00Z", None, None, "true", "2025", "06", "03", "00")
    ]


def test_answers_are_athenas_and_not_duckdbs(athena, orders, out):
    query = f"""
        SELECT 7/2, count(*), max(count) AS Highest, CAST(NULL AS varchar), '',
          date_format(timestamp '2025-06-01 10:11:12', '%Y/%m'),
          to_iso8601(from_iso8601_timestamp('2025-06-01T00:00:00Z')), timestamp '2025-06-01 10:11:12',
          to_timestamp('2025-06-01 10:11:12', 'yyyy-mm-dd hh24:mi:ss'), parse_datetime('2025/06/01', 'yyyy/MM/dd'),
          from_unixtime(0), 1.5e0
        FROM {orders}
    """

    header, line = rows(athena, query, out)

    assert header == [
        "_col0", "_col1", "highest", "_col3", "_col4", "_col5", "_col6", "_col7", "_col8", "_col9", "_col10", "_col11",
    ]  # fmt: skip
    assert line == [
        "3", "5", "100", None, "", "2025/06", "2025-06-01T00:00:00.000Z", "2025-06-01 10:11:12.000",
        "2025-06-01 10:11:12.000", "2025-06-01 00:00:00.000", "1970-01-01 00:00:00.000 UTC", "1.5",
    ]  # fmt: skip


def test_the_path_of_a_row_is_its_object(athena, s3, orders, out):
    found = rows(athena, f'SELECT DISTINCT "$path" FROM {orders}', out)[1:]

    listed = s3.list_objects_v2(Bucket="athena-orders")["Contents"]
    assert {line[0] for line in found} == {f"s3://athena-orders/{one['Key']}" for one in listed}


def test_results_come_in_pages_and_only_the_first_has_the_header(athena, out):
    query = "SELECT n FROM (VALUES 1,2,3,4,5,6,7) AS t(n) ORDER BY n"
    execution = run(athena, query, out)["QueryExecutionId"]

    pages = athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=execution, PaginationConfig={"PageSize": 3}
    )
    found = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]

    assert found == [["n", "1", "2"], ["3", "4", "5"], ["6", "7"]]


def test_the_csv_has_every_value_quoted_and_nulls_empty(athena, s3, out):
    execution = run(athena, """SELECT 1 AS a, 'x"y' AS b, CAST(NULL AS varchar) AS c, '' AS d""", out)

    location = execution["ResultConfiguration"]["OutputLocation"]
    body = s3.get_object(Bucket="athena-results", Key=location.removeprefix("s3://athena-results/"))["Body"].read()
    assert location == f"{out}/{execution['QueryExecutionId']}.csv"
    assert body.decode() == '"a","b","c","d"\n"1","x""y",,""\n'
    assert list(csv.reader(io.StringIO(body.decode())))[1] == ["1", 'x"y', "", ""]
    s3.head_object(Bucket="athena-results", Key=location.removeprefix("s3://athena-results/") + ".metadata")


def test_parameters_fill_placeholders_in_order(athena, orders, out):
    query = f"SELECT id FROM {orders} WHERE id = ? AND count > ? ORDER BY count"

    found = rows(athena, query, out, ExecutionParameters=["'a1'", "1"])

    assert found == [["id"], ["a1"]]
    assert "Incorrect number of parameters: expected 2 but found 1" in failed(
        athena, query, out, ExecutionParameters=["'a1'"]
    )


def test_the_database_of_the_context_holds_for_bare_names(athena, orders, out):
    database, table = orders.replace('"', "").split(".")

    found = rows(athena, f"SELECT count(*) AS n FROM {table}", out, QueryExecutionContext={"Database": database})

    assert found == [["n"], ["5"]]


def test_failures_have_a_reason(athena, orders, out):
    assert failed(athena, "SELEC 1", out).startswith("SYNTAX_ERROR")
    assert failed(athena, "SELECT * FROM nowhere.t", out).startswith("SCHEMA_NOT_FOUND")
    assert failed(athena, 'SELECT * FROM "default"."t"', out).startswith("TABLE_NOT_FOUND")
    assert failed(athena, f"SELECT colour FROM {orders}", out).startswith("COLUMN_NOT_FOUND")
    assert failed(athena, f"DELETE FROM {orders} WHERE id = 'a1'", out).startswith("NOT_SUPPORTED")
    assert failed(athena, "SELECT 1", "s3://no-such-bucket/x").startswith("Unable to verify/create output bucket")
    assert failed(athena, "SELECT content FROM read_text('/etc/passwd')", out)


def test_unload_writes_parquet_beside_a_manifest_and_wants_an_empty_place(athena, s3, sandbox, orders, out):
    import pyarrow.parquet as pq

    live = f"SELECT id, count FROM {orders} WHERE NOT is_deleted"
    query = f"UNLOAD ({live}) TO 's3://athena-results/un/' WITH (format='PARQUET')"

    execution = run(athena, query, out)

    manifest = execution["Statistics"]["DataManifestLocation"]
    assert manifest == f"{out}/{execution['QueryExecutionId']}-manifest.csv"
    body = s3.get_object(Bucket="athena-results", Key=manifest.removeprefix("s3://athena-results/"))["Body"].read()
    files = body.decode().split()
    found = [pq.read_table(sandbox.folder / "s3" / uri.removeprefix("s3://")) for uri in files]
    assert sorted(one for table in found for one in table.column("count").to_pylist()) == [1, 2, 10, 100]
    assert failed(athena, query, out).startswith("HIVE_PATH_ALREADY_EXISTS")
    with_zone = "UNLOAD (SELECT current_timestamp AS t) TO 's3://athena-results/tz/' WITH (format='PARQUET')"
    assert failed(athena, with_zone, out) == "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"


def test_a_table_is_made_of_a_query_added_to_and_dropped(athena, s3, sandbox, orders, out):
    glue = boto(sandbox, "glue")
    run(athena, "CREATE DATABASE IF NOT EXISTS scratch", out)
    made = run(
        athena,
        f"CREATE TABLE scratch.t WITH (format='PARQUET', external_location='s3://athena-results/ctas/') AS "
        f"SELECT id, count FROM {orders} WHERE id = 'a1'",
        out,
    )

    assert (made["Status"]["State"], made["SubstatementType"]) == ("SUCCEEDED", "CREATE_TABLE_AS_SELECT")
    table = glue.get_table(DatabaseName="scratch", Name="t")["Table"]
    assert table["StorageDescriptor"]["Location"] == "s3://athena-results/ctas/"
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == [
        ("id", "string"), ("count", "bigint"),
    ]  # fmt: skip
    run(athena, f"INSERT INTO scratch.t SELECT id, count FROM {orders} WHERE id = 'a2'", out)
    assert rows(athena, "SELECT * FROM scratch.t ORDER BY count", out) == [
        ["id", "count"], ["a1", "1"], ["a1", "2"], ["a2", "10"],
    ]  # fmt: skip
    assert rows(athena, "SHOW TABLES IN scratch", out) == [["t"]]
    run(athena, "DROP TABLE scratch.t", out)
    assert failed(athena, "SELECT * FROM scratch.t", out).startswith("TABLE_NOT_FOUND")
    assert s3.list_objects_v2(Bucket="athena-results", Prefix="ctas/")["KeyCount"] == 2


def test_an_external_table_reads_what_lies_at_its_location(athena, out):
    run(athena, "CREATE DATABASE IF NOT EXISTS outside", out)
    how = "format='PARQUET', partitioned_by=ARRAY['p']"
    unload = f"UNLOAD (SELECT 1 AS a, 'x' AS p) TO 's3://athena-results/ext' WITH ({how})"
    assert run(athena, unload, out)["Status"]["State"] == "SUCCEEDED"

    run(
        athena,
        "CREATE EXTERNAL TABLE outside.e (`a` int, `b` string) PARTITIONED BY (`p` string) "
        "STORED AS PARQUET LOCATION 's3://athena-results/ext'",
        out,
    )

    assert rows(athena, "SELECT * FROM outside.e", out) == [["a", "b", "p"], ["1", None, "x"]]


def test_a_workgroup_that_enforces_its_location_overrides_the_clients(athena, out):
    athena.create_work_group(
        Name="strict", Configuration={"ResultConfiguration": {"OutputLocation": "s3://athena-results/strict/"}}
    )

    execution = run(athena, "SELECT 1", "s3://athena-results/mine/", WorkGroup="strict")

    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://athena-results/strict/{execution['QueryExecutionId']}.csv"
    assert athena.list_query_executions(WorkGroup="strict")["QueryExecutionIds"] == [execution["QueryExecutionId"]]
    assert (
        athena.get_work_group(WorkGroup="strict")["WorkGroup"]["Configuration"]["EnforceWorkGroupConfiguration"] is True
    )
    with pytest.raises(ClientError, match="No output location provided"):
        athena.start_query_execution(QueryString="SELECT 1")


def test_a_token_is_one_execution_and_another_request_with_it_is_refused(athena, out):
    request = {"ClientRequestToken": "t" * 32, "ResultConfiguration": {"OutputLocation": out}}

    first = athena.start_query_execution(QueryString="SELECT 1", **request)["QueryExecutionId"]
    second = athena.start_query_execution(QueryString="SELECT 1", **request)["QueryExecutionId"]

    assert first == second
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        athena.start_query_execution(QueryString="SELECT 2", **request)


def test_a_query_is_cancelled_and_stays_so(athena, out):
    long = "SELECT count(*) FROM range(100000) a(x), range(100000) b(y), range(1000) c(z) WHERE x * y % 7 = z"
    request = {"QueryString": long, "ResultConfiguration": {"OutputLocation": out}}
    started = {"QueryExecutionId": athena.start_query_execution(**request)["QueryExecutionId"]}

    first = athena.get_query_execution(**started)["QueryExecution"]["Status"]["State"]
    athena.stop_query_execution(**started)
    state = athena.get_query_execution(**started)["QueryExecution"]["Status"]["State"]

    assert first in ("QUEUED", "RUNNING")
    assert state == "CANCELLED"
    assert rows(athena, "SELECT 1 AS a", out) == [["a"], ["1"]]
    assert athena.get_query_execution(**started)["QueryExecution"]["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        athena.get_query_results(**started)
    several = athena.batch_get_query_execution(QueryExecutionIds=[started["QueryExecutionId"], "no"])
    assert [one["QueryExecutionId"] for one in several["UnprocessedQueryExecutionIds"]] == ["no"]
