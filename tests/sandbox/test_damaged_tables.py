"""A damaged Iceberg table behind the sandbox: executions fail with a reason, and everything else goes on."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import boto, definition, offline, record
from tests.sandbox.queries import failed, rows

STATEMENTS = (
    "SELECT * FROM {}", 'SELECT * FROM "{}$files"', "DELETE FROM {} WHERE id = 'a'", "UPDATE {} SET count = 2",
    "MERGE INTO {0} AS t USING (SELECT 'a' AS id) AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "OPTIMIZE {} REWRITE DATA USING BIN_PACK", "VACUUM {}",
)  # fmt: skip
ADDING = "INSERT INTO {} (id) VALUES ('b')"
DAMAGES = {
    "*.metadata.json": lambda whole: b"[]",
    "snap-*.avro": lambda whole: whole[: len(whole) // 2],
    "*-m0.avro": lambda whole: b"\xff" * 200,
}


@pytest.fixture(scope="module")
def table(sandbox, sagemaker, runtime, s3):
    """The name of an Iceberg group's table, in the database `damaged`, with one record in it."""
    s3.create_bucket(Bucket="damaged")
    catalog = {"Catalog": "AwsDataCatalog", "Database": "damaged", "TableName": "orders"}
    place = offline("damaged", TableFormat="Iceberg", DataCatalogConfig=catalog)
    sagemaker.create_feature_group(**definition("damaged-orders", **place))
    runtime.put_record(FeatureGroupName="damaged-orders", Record=record("a", count="1"))
    sandbox.settle()
    return "orders"


@pytest.mark.parametrize("files", DAMAGES)
def test_executions_fail_with_a_reason_and_what_is_buffered_settles_once_the_table_is_mended(
    sandbox, sagemaker, runtime, table, files
):
    athena, context = boto(sandbox, "athena"), {"QueryExecutionContext": {"Database": "damaged"}}
    out, key = "s3://damaged/out", files
    kept = {path: path.read_bytes() for path in (sandbox.folder / "s3" / "damaged").rglob(files)}
    for path, whole in kept.items():
        path.write_bytes(DAMAGES[files](whole))

    try:
        if files != "*-m0.avro":
            runtime.put_record(FeatureGroupName="damaged-orders", Record=record(key))
            sandbox.settle()
        # what only adds records reads no manifest
        asked = STATEMENTS if files == "*-m0.avro" else (*STATEMENTS, ADDING)
        reasons = {one: failed(athena, one.format(table), out, **context) for one in asked}
        shown = boto(sandbox, "glue").get_tables(DatabaseName="damaged")["TableList"]
        runtime.put_record(FeatureGroupName="damaged-orders", Record=record(key, "2025-06-01T00:00:01Z"))
    finally:
        for path, whole in kept.items():
            path.write_bytes(whole)
    sandbox.settle()

    expected = "ICEBERG_INVALID_METADATA: " if files == "*.metadata.json" else "ICEBERG_BAD_DATA: s3://damaged/fs/"
    assert {one: reason for one, reason in reasons.items() if not reason.startswith(expected)} == {}
    assert [one["Name"] for one in shown] == ["orders"]
    seconds = rows(athena, f"SELECT substr(time, 18, 2) FROM {table} WHERE id = '{key}' ORDER BY 1", out, **context)
    assert seconds[1:] == ([["01"]] if files == "*-m0.avro" else [["00"], ["01"]])
