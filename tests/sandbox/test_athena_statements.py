"""Athena's statements beside queries: views, prepared statements, ALTER, SHOW, EXPLAIN, and the catalogue's API."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto
from tests.sandbox.queries import failed, rows, run


@pytest.fixture(scope="module")
def athena(sandbox):
    return boto(sandbox, "athena")


@pytest.fixture(scope="module")
def glue(sandbox):
    return boto(sandbox, "glue")


@pytest.fixture(scope="module")
def out(athena, s3):
    """Where results go, with a database `things` and in it a table `t` of three rows, partitioned by `p`."""
    s3.create_bucket(Bucket="statements")
    run(athena, "CREATE DATABASE things", "s3://statements/out")
    made = run(
        athena,
        "CREATE TABLE things.t WITH (format='PARQUET', partitioned_by=ARRAY['p'], external_location='s3://statements/t')"
        " AS SELECT * FROM (VALUES (1, 'x', 'p1'), (2, 'y', 'p1'), (3, 'z', 'p2')) AS v(a, b, p)",
        "s3://statements/out",
    )
    assert made["Status"]["State"] == "SUCCEEDED", made["Status"]
    return "s3://statements/out"


def test_a_view_lies_in_glue_as_athena_keeps_it_and_is_queried_like_a_table(athena, glue, out):
    run(athena, "CREATE VIEW things.v AS SELECT a, b AS name FROM things.t WHERE a > 1", out)
    run(
        athena,
        "CREATE OR REPLACE VIEW w AS SELECT count(*) AS n FROM v",
        out,
        QueryExecutionContext={"Database": "things"},
    )

    table = glue.get_table(DatabaseName="things", Name="v")["Table"]
    kept = table["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")

    assert json.loads(base64.b64decode(kept)) == {
        "originalSql": "SELECT a, b AS name FROM things.t WHERE a > 1",
        "catalog": "awsdatacatalog",
        "schema": "default",
        "columns": [{"name": "a", "type": "integer"}, {"name": "name", "type": "varchar"}],
    }
    assert (table["TableType"], table["Parameters"]["presto_view"]) == ("VIRTUAL_VIEW", "true")
    assert rows(athena, "SELECT * FROM things.v ORDER BY a", out) == [["a", "name"], ["2", "y"], ["3", "z"]]
    assert rows(athena, "SELECT n FROM things.w", out) == [["n"], ["2"]]
    assert rows(athena, "SHOW VIEWS IN things", out) == [["v"], ["w"]]
    assert rows(athena, "SHOW CREATE VIEW things.v", out) == [
        ["CREATE VIEW things.v AS"], ["SELECT a, b AS name FROM things.t WHERE a > 1"],
    ]  # fmt: skip
    assert failed(athena, "CREATE VIEW things.v AS SELECT 1 AS a", out).startswith("VIEW_ALREADY_EXISTS")
    run(athena, "DROP VIEW things.w", out)
    assert failed(athena, "DROP VIEW things.w", out).startswith("VIEW_NOT_FOUND")
    assert failed(athena, "DROP VIEW things.t", out).startswith("VIEW_NOT_FOUND")


def test_a_prepared_statement_is_executed_with_values_and_is_one_with_the_apis(athena, out):
    run(athena, "PREPARE above FROM SELECT a FROM things.t WHERE a > ? AND b <> ? ORDER BY a", out)

    found = rows(athena, "EXECUTE above USING 1, 'z'", out)
    by_api = athena.get_prepared_statement(StatementName="above", WorkGroup="primary")["PreparedStatement"]

    assert found == [["a"], ["2"]]
    assert by_api["QueryStatement"] == "SELECT a FROM things.t WHERE a > ? AND b <> ? ORDER BY a"
    athena.update_prepared_statement(StatementName="above", WorkGroup="primary", QueryStatement="SELECT ? AS x")
    assert rows(athena, "EXECUTE above", out, ExecutionParameters=["7"]) == [["x"], ["7"]]
    listed = athena.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert [one["StatementName"] for one in listed] == ["above"]
    run(athena, "DEALLOCATE PREPARE above", out)
    assert failed(athena, "EXECUTE above USING 1", out).startswith("PREPARED_STATEMENT_NOT_FOUND")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        athena.get_prepared_statement(StatementName="above", WorkGroup="primary")


def test_explain_shows_a_plan_and_runs_nothing(athena, out):
    plan = rows(athena, "EXPLAIN SELECT a FROM things.t WHERE a > 1", out)

    assert any("PARQUET" in line[0].upper() for line in plan)
    assert failed(athena, "EXPLAIN SELECT colour FROM things.t", out).startswith("COLUMN_NOT_FOUND")


def test_a_table_is_shown_as_the_statement_that_makes_it(athena, out):
    assert rows(athena, "SHOW CREATE TABLE things.t", out) == [[line] for line in (
        "CREATE EXTERNAL TABLE `things.t`(",
        "  `a` int, ",
        "  `b` string)",
        "PARTITIONED BY ( ",
        "  `p` string)",
        "ROW FORMAT SERDE ",
        "  'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' ",
        "STORED AS INPUTFORMAT ",
        "  'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat' ",
        "OUTPUTFORMAT ",
        "  'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'",
        "LOCATION",
        "  's3://statements/t'",
        "TBLPROPERTIES (",
        "  'classification'='parquet')",
    )]  # fmt: skip
    assert rows(athena, "SHOW PARTITIONS things.t", out) == [["p=p1"], ["p=p2"]]
    described = [line[0] for line in rows(athena, "DESCRIBE things.t", out)]
    assert described[:3] == [
        f"{one:<20}\t{kind:<20}\t{'':<20}" for one, kind in (("a", "int"), ("b", "string"), ("p", "string"))
    ]
    assert described[4].startswith("# Partition Information")


def test_a_table_is_altered(athena, s3, out):
    run(
        athena,
        "CREATE TABLE things.u WITH (format='PARQUET', partitioned_by=ARRAY['p']) AS SELECT 1 AS a, 'p1' AS p",
        out,
    )
    run(athena, "UNLOAD (SELECT 9 AS a) TO 's3://statements/elsewhere' WITH (format='PARQUET')", out)

    for change in (
        "SET TBLPROPERTIES ('comment'='it''s mine', 'x'='1')",
        "ADD COLUMNS (extra string, more array<bigint>)",
        "ADD IF NOT EXISTS PARTITION (p='p9') LOCATION 's3://statements/elsewhere/'",
    ):
        assert run(athena, f"ALTER TABLE things.u {change}", out)["Status"]["State"] == "SUCCEEDED"

    assert rows(athena, "SHOW TBLPROPERTIES things.u('comment')", out) == [["it's mine"]]
    assert rows(athena, "SELECT a, extra, more, p FROM things.u ORDER BY a", out) == [
        ["a", "extra", "more", "p"], ["1", None, None, "p1"], ["9", None, None, "p9"],
    ]  # fmt: skip
    assert rows(athena, "SHOW PARTITIONS things.u", out) == [["p=p1"], ["p=p9"]]
    run(athena, "ALTER TABLE things.u DROP PARTITION (p='p9')", out)
    assert rows(athena, "SELECT a FROM things.u", out) == [["a"], ["1"]]
    assert failed(athena, "ALTER TABLE things.u DROP PARTITION (p='p1')", out).startswith("NOT_SUPPORTED")
    assert failed(athena, "ALTER TABLE things.u RENAME TO w", out).startswith("NOT_SUPPORTED")
    assert failed(athena, "ALTER TABLE things.none SET LOCATION 's3://b/c'", out).startswith(
        "FAILED: SemanticException"
    )


def test_the_catalogue_is_browsed_by_athenas_own_operations(athena, out):
    about = {"CatalogName": "AwsDataCatalog", "DatabaseName": "things"}

    table = athena.get_table_metadata(**about, TableName="t")["TableMetadata"]

    assert [one["CatalogName"] for one in athena.list_data_catalogs()["DataCatalogsSummary"]] == ["AwsDataCatalog"]
    assert athena.get_database(**about)["Database"] == {"Name": "things"}
    assert "things" in [one["Name"] for one in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
    assert table["Columns"] == [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "string"}]
    assert (table["PartitionKeys"], table["Parameters"]["location"]) == (
        [{"Name": "p", "Type": "string"}], "s3://statements/t",
    )  # fmt: skip
    listed = athena.list_table_metadata(**about, Expression="t")["TableMetadataList"]
    assert [one["Name"] for one in listed] == ["t"]
    with pytest.raises(ClientError, match="MetadataException"):
        athena.get_table_metadata(**about, TableName="none")
    with pytest.raises(ClientError, match="was not found"):
        athena.get_data_catalog(Name="other")


def test_statistics_are_those_of_the_execution_and_a_limit_on_what_is_read_stops_it(athena, s3, out):
    size = sum(one["Size"] for one in s3.list_objects_v2(Bucket="statements", Prefix="t/")["Contents"])
    configuration = {"BytesScannedCutoffPerQuery": 10_000_000, "ResultConfiguration": {"OutputLocation": out}}
    athena.create_work_group(Name="thrifty", Configuration=configuration)

    execution = run(athena, "SELECT * FROM things.t", out, WorkGroup="thrifty")
    told = athena.get_query_runtime_statistics(QueryExecutionId=execution["QueryExecutionId"])["QueryRuntimeStatistics"]
    run(athena, "CREATE TABLE things.large AS SELECT rand() AS x FROM range(1500000) AS r(n)", out)
    too_much = run(athena, "SELECT max(x) FROM things.large", out, WorkGroup="thrifty")

    assert execution["Statistics"]["DataScannedInBytes"] == size
    assert told["Rows"] == {"InputBytes": size}
    assert told["Timeline"]["TotalExecutionTimeInMillis"] == execution["Statistics"]["TotalExecutionTimeInMillis"] > 0
    assert too_much["Status"]["State"] == "CANCELLED"
    assert "Bytes scanned limit was exceeded" in too_much["Status"]["StateChangeReason"]


def test_the_metadata_beside_a_result_tells_its_columns(athena, s3, out):
    execution = run(athena, "SELECT 1 AS ary", out)

    key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://statements/")
    body = s3.get_object(Bucket="statements", Key=f"{key}.metadata")["Body"].read()
    identity = execution["QueryExecutionId"].encode()
    column = b'\x0a\x04hive"\x03ary*\x03ary2\x07integer8\x0aH\x03'
    assert body == b"\x0a" + bytes([len(identity)]) + identity + b'"' + bytes([len(column)]) + column
