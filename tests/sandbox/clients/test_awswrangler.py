"""awswrangler against the sandbox: what pandas users read of a feature group, by Athena, by Glue, from the objects."""

from __future__ import annotations

import pytest

from tests.sandbox.clients.conftest import LARGEST, OFFLINE, environment

# awswrangler uses what pandas is about to drop
pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
TYPES = {
    "id": "string", "time": "string", "count": "bigint", "price": "double", "note": "string",
    "write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean",
    "year": "string", "month": "string", "day": "string", "hour": "string",
}  # fmt: skip
CTAS: dict[str, bool] = {}
UNLOAD = {"ctas_approach": False, "unload_approach": True}
REGULAR = {"ctas_approach": False}


@pytest.fixture(scope="module")
def wr(sandbox, tmp_path_factory):
    """The library itself, in the environment that `sandbox env` gives."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(sandbox, tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        # awswrangler makes a client for every call: one session reads the service models once
        patch.setattr(boto3, "DEFAULT_SESSION", boto3.Session())
        import awswrangler

        awswrangler.config.athena_query_wait_polling_delay = 0.02
        yield awswrangler


@pytest.fixture
def read(wr, mixed, request):
    """Asks Athena about the group; results of each test go to a prefix of their own, as UNLOAD needs."""

    def read(query, **how):
        output = f"s3://{mixed.bucket}/out/{request.node.name}/{len(query)}-{len(how)}/"
        return wr.athena.read_sql_query(query.format(mixed.table), database=mixed.database, s3_output=output, **how)

    return read


def lines(frame):
    """Return a data frame's lines as plain Python values, None for what is missing."""
    columns = {
        name: [None if gone else getattr(value, "item", lambda value=value: value)() for gone, value in zip(
            frame[name].isna(), frame[name].astype(object), strict=True)]
        for name in frame.columns
    }  # fmt: skip
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def expected(how):
    """The offline store as read: from CSV, awswrangler takes an empty text for a missing one."""
    if how is not REGULAR:
        return list(OFFLINE)
    return [{**line, "note": line["note"] or None} for line in OFFLINE]


@pytest.mark.parametrize("how", [CTAS, UNLOAD, REGULAR], ids=["ctas", "unload", "regular"])
def test_each_way_to_read_gives_what_was_put_value_by_value(read, mixed, how):
    frame = read('SELECT * FROM "{}" ORDER BY id, time', **how)

    found = lines(frame)
    mixed.check_times(found)
    assert list(frame.columns) == list(TYPES)
    assert {type(line["count"]) for line in found} == {int, type(None)}
    assert found == expected(how)


def test_parameters_are_values_and_never_sql(read):
    named = read('SELECT id FROM "{}" WHERE note = :note', params={"note": OFFLINE[0]["note"]}, **REGULAR)
    by_place = read(
        'SELECT id FROM "{}" WHERE id = ? AND "count" > ?', params=["'a'", "0"], paramstyle="qmark", **REGULAR
    )
    nothing = read('SELECT id FROM "{}" WHERE id = :id', params={"id": "a' OR '1'='1"}, **REGULAR)

    assert (lines(named), lines(by_place), lines(nothing)) == ([{"id": "a"}], [{"id": "a"}], [])


@pytest.mark.parametrize("how", [CTAS, UNLOAD, REGULAR], ids=["ctas", "unload", "regular"])
def test_chunks_put_together_are_the_whole(read, mixed, how):
    chunks = [lines(chunk) for chunk in read('SELECT * FROM "{}" ORDER BY id, time', chunksize=2, **how)]

    found = [line for chunk in chunks for line in chunk]
    mixed.check_times(found)
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    assert found == expected(how)


def test_a_query_is_started_waited_for_and_its_results_fetched(wr, mixed):
    output = f"s3://{mixed.bucket}/out/started/"
    started = wr.athena.start_query_execution(
        f"SELECT id, \"count\" FROM {mixed.table} WHERE id IN ('a', 'c')", database=mixed.database, s3_output=output
    )

    ended = wr.athena.wait_query(started)
    frame = wr.athena.get_query_results(started)

    assert ended["Status"]["State"] == "SUCCEEDED"
    assert ended["ResultConfiguration"]["OutputLocation"] == f"{output}{started}.csv"
    assert sorted(lines(frame), key=lambda line: line["id"]) == [
        {"id": "a", "count": LARGEST}, {"id": "c", "count": None},
    ]  # fmt: skip
    assert wr.athena.get_query_columns_types(started) == {"id": "varchar", "count": "bigint"}
    assert started in wr.athena.list_query_executions()


def test_a_query_that_fails_says_why(wr, read):
    with pytest.raises(wr.exceptions.QueryFailed, match="COLUMN_NOT_FOUND"):
        read('SELECT colour FROM "{}"', **REGULAR)


def test_the_catalogue_names_the_group_its_types_and_its_place(wr, mixed):
    found = wr.catalog.tables(database=mixed.database, name_contains="mixed")
    described = wr.athena.describe_table(mixed.table, mixed.database, s3_output=f"s3://{mixed.bucket}/out/ddl/")
    created = wr.athena.show_create_table(mixed.table, mixed.database, s3_output=f"s3://{mixed.bucket}/out/ddl/")

    assert mixed.database in list(wr.catalog.databases()["Database"])
    assert list(found["Table"]) == [mixed.table]
    assert list(found["Partitions"]) == ["year, month, day, hour"]
    assert [one["Name"] for one in wr.catalog.get_tables(database=mixed.database, name_prefix="clients_m")] == [
        mixed.table
    ]
    assert wr.catalog.get_table_types(mixed.database, mixed.table) == TYPES
    assert wr.catalog.get_table_location(mixed.database, mixed.table) == mixed.uri
    assert dict(zip(described["Column Name"], described["Type"], strict=True)) == TYPES
    assert list(described["Column Name"][described["Partition"]]) == ["year", "month", "day", "hour"]
    assert created.startswith(f"CREATE EXTERNAL TABLE `{mixed.database}.{mixed.table}`( `id` string, `time` string,")
    assert f"LOCATION '{mixed.uri}'" in created
    assert wr.catalog.does_table_exist(mixed.database, mixed.table)
    assert not wr.catalog.does_table_exist(mixed.database, "clients_mixed")


def test_the_objects_themselves_hold_the_same_as_athena_shows(wr, mixed):
    by_path = wr.s3.read_parquet(f"{mixed.uri}/", dataset=True)
    by_table = wr.s3.read_parquet_table(mixed.table, mixed.database)
    objects = wr.s3.list_objects(f"{mixed.uri}/")
    sizes = wr.s3.size_objects(f"{mixed.uri}/")

    for frame in (by_path, by_table):
        found = sorted(lines(frame), key=lambda line: (line["id"], line["time"]))
        mixed.check_times(found)
        assert found == list(OFFLINE)
    assert len(objects) == len(OFFLINE)
    assert sorted(sizes) == objects
    assert all(sizes.values())


def test_a_frame_becomes_a_table_that_athena_reads_and_each_mode_does_its_part(wr, bucket):
    import pandas as pd

    where = {"path": f"s3://{bucket}/own/", "dataset": True, "database": "frames", "table": "own"}
    first = pd.DataFrame({"id": ["x", "y"], "n": pd.array([LARGEST, None], dtype="Int64"), "p": ["1", "2"]})
    second = pd.DataFrame({"id": ["z"], "n": pd.array([7], dtype="Int64"), "p": ["2"]})

    def seen():
        query = "SELECT id, n, p FROM own ORDER BY id"
        frame = wr.athena.read_sql_query(query, database="frames", s3_output=f"s3://{bucket}/out/", ctas_approach=False)
        return [(line["id"], line["n"], line["p"]) for line in lines(frame)]

    wr.catalog.create_database("frames", exist_ok=True)
    wr.s3.to_parquet(first, partition_cols=["p"], **where)
    made = seen()
    wr.s3.to_parquet(second, partition_cols=["p"], mode="append", **where)
    appended = seen()
    wr.s3.to_parquet(second, partition_cols=["p"], mode="overwrite_partitions", **where)
    exchanged = seen()
    partitions = wr.catalog.get_parquet_partitions("frames", "own", expression="p > '1'")
    wr.s3.to_parquet(first, partition_cols=["p"], mode="overwrite", **where)
    overwritten = seen()

    assert made == [("x", LARGEST, "1"), ("y", None, "2")]
    assert appended == [("x", LARGEST, "1"), ("y", None, "2"), ("z", 7, "2")]
    assert exchanged == [("x", LARGEST, "1"), ("z", 7, "2")]
    assert partitions == {f"s3://{bucket}/own/p=2/": ["2"]}
    assert overwritten == made


def test_objects_and_tables_are_copied_and_deleted(wr, mixed, bucket):
    import pandas as pd

    frame = pd.DataFrame({"n": [1]})
    where = {"dataset": True, "database": "gone", "table": "gone"}
    wr.catalog.create_database("gone", exist_ok=True)
    wr.s3.to_parquet(frame, path=f"s3://{bucket}/gone/", **where)
    sources = wr.s3.list_objects(f"{mixed.uri}/year=2025/month=06/")
    copied = wr.s3.copy_objects(sources, f"{mixed.uri}/", f"s3://{bucket}/copy/")

    wr.s3.delete_objects(f"s3://{bucket}/gone/")

    assert len(copied) == 3
    assert wr.s3.list_objects(f"s3://{bucket}/") == copied
    assert wr.s3.size_objects(copied) == {
        copy: wr.s3.size_objects(source)[source] for copy, source in zip(copied, sources, strict=True)
    }
    assert wr.catalog.delete_table_if_exists("gone", "gone")
    assert not wr.catalog.delete_table_if_exists("gone", "gone")
    wr.catalog.delete_database("gone")
    assert "gone" not in list(wr.catalog.databases()["Database"])


def test_an_iceberg_table_is_made_merged_into_and_deleted_from(wr, mixed):
    import pandas

    place = {"temp_path": f"s3://{mixed.bucket}/iceberg-temp/", "s3_output": f"s3://{mixed.bucket}/iceberg-out/"}
    about = {"database": "wrangled", "table": "orders", "keep_files": False, **place}
    first = pandas.DataFrame({"id": ["a", "b", "c"], "count": [1, 2, 3]})
    changes = pandas.DataFrame({"id": ["b", "d"], "count": [20, 40]})

    wr.catalog.create_database("wrangled", exist_ok=True)
    wr.athena.to_iceberg(first, table_location=f"s3://{mixed.bucket}/wrangled/orders/", **about)
    wr.athena.to_iceberg(changes, merge_cols=["id"], **about)
    wr.athena.delete_from_iceberg_table(pandas.DataFrame({"id": ["a"]}), merge_cols=["id"], **about)

    query = {"database": "wrangled", "ctas_approach": False, "s3_output": place["s3_output"]}
    found = wr.athena.read_sql_query("SELECT * FROM orders ORDER BY id", **query)
    assert lines(found) == [{"id": "b", "count": 20}, {"id": "c", "count": 3}, {"id": "d", "count": 40}]
    past = "SELECT count(*) AS n FROM orders FOR VERSION AS OF {}"
    snapshots = wr.athena.read_sql_query('SELECT * FROM "orders$snapshots" ORDER BY committed_at', **query)
    first_of_all = wr.athena.read_sql_query(past.format(snapshots["snapshot_id"][0]), **query)
    assert lines(first_of_all) == [{"n": 3}]
