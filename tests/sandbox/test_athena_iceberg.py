"""Iceberg tables made, changed, looked into and kept small by Athena's own statements."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import boto
from tests.sandbox.queries import ended, failed, rows, run

ALL = "SELECT * FROM ice.{} ORDER BY id"


@pytest.fixture(scope="module")
def athena(sandbox):
    return boto(sandbox, "athena")


@pytest.fixture(scope="module")
def out(athena, s3):
    s3.create_bucket(Bucket="icebergs")
    run(athena, "CREATE DATABASE ice", "s3://icebergs-out/out")
    s3.create_bucket(Bucket="icebergs-out")
    done(athena, "CREATE DATABASE IF NOT EXISTS ice", "s3://icebergs-out/out")
    return "s3://icebergs-out/out"


def done(athena, query, out):
    execution = run(athena, query, out)
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    return execution


def made(athena, out, name, *values):
    """A table of ids and texts, each value inserted by itself."""
    columns = "(id bigint, name string, day date)"
    how = "TBLPROPERTIES ('table_type'='ICEBERG', 'format'='parquet')"
    place = f"LOCATION 's3://icebergs/{name}/'"
    done(athena, f"CREATE TABLE ice.{name} {columns} PARTITIONED BY (day) {place} {how}", out)
    for value in values:
        done(athena, f"INSERT INTO ice.{name} VALUES {value}", out)


def test_a_table_is_made_filled_changed_and_merged_into(athena, sandbox, out):
    made(athena, out, "t", "(1, 'a', DATE '2025-06-01'), (2, 'b', DATE '2025-06-01')", "(3, 'c', DATE '2025-06-02')")
    table = boto(sandbox, "glue").get_table(DatabaseName="ice", Name="t")["Table"]

    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert [(one["Name"], one["Type"], one["Parameters"]["iceberg.field.id"]) for one in
            table["StorageDescriptor"]["Columns"]] == [
        ("id", "bigint", "1"), ("name", "string", "2"), ("day", "date", "3"),
    ]  # fmt: skip
    done(athena, "UPDATE ice.t SET name = name || '!' WHERE id > 1", out)
    done(athena, "DELETE FROM ice.t WHERE id IN (SELECT max(id) FROM ice.t)", out)
    assert rows(athena, ALL.format("t"), out) == [
        ["id", "name", "day"], ["1", "a", "2025-06-01"], ["2", "b!", "2025-06-01"],
    ]  # fmt: skip
    done(
        athena,
        "MERGE INTO ice.t AS t USING (SELECT * FROM (VALUES (1, 'gone'), (2, 'two'), (9, 'nine')) AS v(id, name)) AS s"
        " ON t.id = s.id WHEN MATCHED AND s.name = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET name = s.name"
        " WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, upper(s.name))",
        out,
    )
    assert rows(athena, ALL.format("t"), out) == [
        ["id", "name", "day"], ["2", "two", "2025-06-01"], ["9", "NINE", None],
    ]  # fmt: skip
    twice = "USING (SELECT * FROM (VALUES 2, 2) AS v(id)) AS s ON t.id = s.id WHEN MATCHED THEN DELETE"
    assert failed(athena, f"MERGE INTO ice.t AS t {twice}", out).startswith("MERGE_TARGET_ROW_MULTIPLE_MATCHES")


def test_only_the_files_that_hold_what_changes_are_rewritten(athena, out):
    made(athena, out, "part", "(1, 'a', DATE '2025-06-01'), (2, 'b', DATE '2025-06-02')")
    before = {line[0] for line in rows(athena, 'SELECT DISTINCT "$path" FROM ice.part', out)[1:]}

    done(athena, "DELETE FROM ice.part WHERE name = 'a' OR name IS NULL", out)
    done(athena, "DELETE FROM ice.part WHERE name = 'none'", out)

    after = {line[0] for line in rows(athena, 'SELECT DISTINCT "$path" FROM ice.part', out)[1:]}
    assert (len(before), len(after), after < before) == (2, 1, True)
    told = rows(athena, 'SELECT operation FROM ice."part$snapshots" ORDER BY committed_at', out)[1:]
    assert told == [["append"], ["overwrite"]]


def test_the_past_is_read_by_snapshot_and_by_time(athena, out):
    made(athena, out, "past", "(1, 'a', DATE '2025-06-01')", "(2, 'b', DATE '2025-06-01')")
    history = rows(athena, 'SELECT snapshot_id, to_iso8601(made_current_at) FROM ice."past$history" ORDER BY 2', out)[
        1:
    ]
    first, at = history[0]

    assert rows(athena, f"SELECT id FROM ice.past FOR VERSION AS OF {first}", out) == [["id"], ["1"]]
    by_time = f"SELECT count(*) AS n FROM ice.past FOR TIMESTAMP AS OF from_iso8601_timestamp('{at}')"
    assert rows(athena, by_time, out) == [["n"], ["1"]]
    both = (
        f"SELECT a.id FROM ice.past a LEFT JOIN ice.past FOR VERSION AS OF {first} b ON a.id = b.id WHERE b.id IS NULL"
    )
    assert rows(athena, both, out) == [["id"], ["2"]]
    early = "SELECT * FROM ice.past FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'"
    assert failed(athena, early, out).startswith("INVALID_ARGUMENTS: No version history table")
    assert failed(athena, "SELECT * FROM ice.past FOR VERSION AS OF 5", out).startswith("INVALID_ARGUMENTS")
    for part, expected in (("files", "2"), ("manifests", "2"), ("refs", "1"), ("partitions", "1")):
        assert rows(athena, f'SELECT count(*) FROM ice."past${part}"', out)[1] == [expected], part


def test_optimize_makes_few_files_and_vacuum_removes_what_only_old_snapshots_named(athena, s3, out):
    made(athena, out, "small", *(f"({one}, 'x', DATE '2025-06-01')" for one in range(4)))
    found = rows(athena, ALL.format("small"), out)

    done(athena, "OPTIMIZE ice.small REWRITE DATA USING BIN_PACK WHERE day >= DATE '2025-01-01'", out)
    assert rows(athena, 'SELECT count(*) FROM ice."small$files"', out)[1] == ["1"]
    done(athena, "VACUUM ice.small", out)
    assert rows(athena, 'SELECT count(*) FROM ice."small$snapshots"', out)[1] == ["5"]
    s3.put_object(Bucket="icebergs", Key="small/data/not-committed-yet.parquet", Body=b"x")
    done(athena, "ALTER TABLE ice.small SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='0')", out)
    done(athena, "VACUUM ice.small", out)

    left = [one["Key"] for one in s3.list_objects_v2(Bucket="icebergs", Prefix="small/data/")["Contents"]]
    assert (len(left), "small/data/not-committed-yet.parquet" in left) == (2, True)
    assert rows(athena, 'SELECT count(*) FROM ice."small$snapshots"', out)[1] == ["1"]
    assert rows(athena, ALL.format("small"), out) == found
    where = "OPTIMIZE ice.small REWRITE DATA USING BIN_PACK WHERE id = 1"
    assert failed(athena, where, out).startswith("NOT_SUPPORTED")


def test_nothing_is_removed_where_another_table_lies(athena, s3, out):
    made(athena, out, "outer_one", "(1, 'a', DATE '2025-06-01')")
    made(athena, out, "outer_on", "(1, 'a', DATE '2025-06-01')")
    run(
        athena,
        "CREATE EXTERNAL TABLE ice.inner_one (a int) STORED AS PARQUET LOCATION 's3://icebergs/outer_one/in'",
        out,
    )

    assert "inner_one is kept at" in failed(athena, "VACUUM ice.outer_one", out)
    assert "inner_one is kept at" in failed(athena, "DROP TABLE ice.outer_one", out)
    done(athena, "DROP TABLE ice.outer_on", out)

    assert rows(athena, "SELECT count(*) FROM ice.outer_one", out)[1] == ["1"]
    assert s3.list_objects_v2(Bucket="icebergs", Prefix="outer_on/")["KeyCount"] == 0


def test_a_table_is_made_of_a_query_altered_shown_and_dropped_with_its_files(athena, s3, out):
    how = "table_type='ICEBERG', is_external=false, location='s3://icebergs/ctas', partitioning=ARRAY['bucket(id, 4)']"
    done(athena, f"CREATE TABLE ice.c WITH ({how}) AS SELECT 1 AS id, ARRAY[1, 2] AS l, current_timestamp AS at", out)

    done(athena, "ALTER TABLE ice.c ADD COLUMNS (extra string)", out)
    done(athena, "ALTER TABLE ice.c SET TBLPROPERTIES ('vacuum_min_snapshots_to_keep'='3')", out)

    assert rows(athena, "SELECT id, l, extra FROM ice.c", out) == [["id", "l", "extra"], ["1", "[1, 2]", None]]
    assert rows(athena, "SHOW CREATE TABLE ice.c", out)[:3] == [
        ["CREATE TABLE ice.c ("], ["  `id` int, "], ["  `l` array<int>, "],
    ]  # fmt: skip
    in_hive = "CREATE TABLE ice.hive WITH (format='PARQUET') AS SELECT at FROM ice.c"
    assert failed(athena, in_hive, out) == "NOT_SUPPORTED: Unsupported Hive type: timestamp(3) with time zone"
    assert failed(athena, f"CREATE TABLE ice.d WITH ({how}) AS SELECT 1 AS id", out).startswith(
        "ICEBERG_FILESYSTEM_ERROR"
    )
    done(athena, "DROP TABLE ice.c", out)
    assert s3.list_objects_v2(Bucket="icebergs", Prefix="ctas/")["KeyCount"] == 0


def test_two_deletions_of_one_file_at_once_both_take_place(athena, out):
    values = ", ".join(f"({number}, 'x', DATE '2025-06-01')" for number in range(8))
    made(athena, out, "contested", values)
    request = {"ResultConfiguration": {"OutputLocation": out}}

    queries = [f"DELETE FROM ice.contested WHERE id = {number}" for number in range(7)]
    started = [athena.start_query_execution(QueryString=query, **request)["QueryExecutionId"] for query in queries]

    for execution in started:
        assert ended(athena, execution)["Status"]["State"] == "SUCCEEDED"
    assert rows(athena, "SELECT id FROM ice.contested", out) == [["id"], ["7"]]


def test_times_of_iceberg_tables_have_six_decimals_and_all_others_three(athena, sandbox, s3, out):
    how = "table_type='ICEBERG', is_external=false, location='s3://icebergs/times'"
    at = "2025-06-01 10:11:12.123456"
    made = f"CAST('{at}' AS timestamp(6)) AS at, CAST('{at} UTC' AS timestamp(6) with time zone) AS tz"
    done(athena, f"CREATE TABLE ice.times WITH ({how}) AS SELECT {made}", out)
    done(athena, "CREATE OR REPLACE VIEW ice.times_view AS SELECT at AS seen FROM ice.times", out)
    six, three = f"{at} UTC", "2025-06-01 10:11:12.123"
    expected = {
        "SELECT * FROM ice.times": [at, six],
        "SELECT t.tz, CAST(t.tz AS timestamp), CAST(tz AS timestamp(6)) FROM ice.times t": [six, three, at],
        "SELECT max(tz), date_trunc('second', max(at)) FROM ice.times": [six, "2025-06-01 10:11:12.000000"],
        "WITH a AS (SELECT tz AS x FROM ice.times) SELECT b.x, CAST(x AS timestamp(3)) FROM (SELECT * FROM a) AS b":
            [six, three],
        "SELECT seen FROM ice.times_view UNION SELECT at FROM ice.times": [at],
        "SELECT CAST(at AS timestamp) AS at FROM ice.times": [three],
        f"SELECT timestamp '{three}', from_iso8601_timestamp('2025-06-01T10:11:12.123Z')": [three, f"{three} UTC"],
    }  # fmt: skip

    assert {query: rows(athena, query, out)[1] for query in expected} == expected
    execution = done(athena, "SELECT at, tz FROM ice.times", out)
    bucket, _, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == f'"at","tz"\n"{at}","{six}"\n'
