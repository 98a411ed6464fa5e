"""Feature groups with Iceberg tables: Athena, pyiceberg's own Glue catalog and the store itself see one table."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto, definition, offline, record
from tests.sandbox.queries import failed, rows, run

NAME = "iceberg-orders"


@pytest.fixture(scope="module")
def athena(sandbox):
    return boto(sandbox, "athena")


@pytest.fixture(scope="module")
def glue(sandbox):
    return boto(sandbox, "glue")


@pytest.fixture(scope="module")
def out(s3):
    s3.create_bucket(Bucket="iceberg-groups")
    return "s3://iceberg-groups/out"


@pytest.fixture(scope="module")
def make(sandbox, sagemaker, runtime, out):
    """Makes an Iceberg group with the records a1, a2 and a3 in its table; returns the table's database and name."""

    def make(name, **catalog):
        more = {"DataCatalogConfig": {"Catalog": "AwsDataCatalog", **catalog}} if catalog else {}
        sagemaker.create_feature_group(**definition(name, **offline("iceberg-groups", TableFormat="Iceberg", **more)))
        put(runtime, name, "a1", "a2", "a3")
        sandbox.settle()
        config = sagemaker.describe_feature_group(FeatureGroupName=name)["OfflineStoreConfig"]
        assert config["TableFormat"] == "Iceberg"
        return config["DataCatalogConfig"]["Database"], config["DataCatalogConfig"]["TableName"]

    return make


def put(runtime, group, *ids, day="2025-06-01"):
    entries = [{"FeatureGroupName": group, "Record": record(one, f"{day}T00:00:00Z", count="1")} for one in ids]
    answer = runtime.batch_write_record(Entries=entries)
    assert (answer["Errors"], answer["UnprocessedEntries"]) == ([], [])


@pytest.fixture(scope="module")
def orders(make):
    return make(NAME)


@pytest.fixture(scope="module")
def catalog(sandbox):
    """pyiceberg's own catalog, which knows nothing of this project."""

    return glue_catalog(sandbox)


def glue_catalog(sandbox):
    from pyiceberg.catalog.glue import GlueCatalog

    access = {"region": sandbox.where.region, "access-key-id": "sandbox", "secret-access-key": "sandbox"}
    about = {f"{part}.{name}": value for part in ("glue", "s3") for name, value in access.items()}
    about |= {
        "glue.endpoint": sandbox.endpoint,
        "s3.endpoint": sandbox.endpoint,
        "s3.force-virtual-addressing": "false",
    }
    return GlueCatalog("sandbox", **about)


def ids(athena, table, out):
    found = rows(athena, f'SELECT id FROM "{table[0]}"."{table[1]}" ORDER BY id', out)
    return [line[0] for line in found[1:]]


def test_an_iceberg_groups_table_is_catalogued_as_glue_keeps_it(glue, orders):
    table = glue.get_table(DatabaseName=orders[0], Name=orders[1])["Table"]

    storage, parameters = table["StorageDescriptor"], table["Parameters"]
    assert parameters["table_type"] == "ICEBERG"
    assert parameters["metadata_location"].startswith(f"{storage['Location']}/metadata/")
    assert parameters["previous_metadata_location"] != parameters["metadata_location"]
    assert storage["Location"].endswith(tuple("0123456789"))
    assert table["PartitionKeys"] == []
    assert [(one["Name"], one["Type"]) for one in storage["Columns"]] == [
        ("id", "string"), ("time", "string"), ("count", "bigint"), ("price", "double"), ("write_time", "timestamp"),
        ("api_invocation_time", "timestamp"), ("is_deleted", "boolean"),
    ]  # fmt: skip
    assert all(one["Parameters"]["iceberg.field.current"] == "true" for one in storage["Columns"])


def test_records_are_seen_alike_by_athena_by_pyiceberg_and_by_the_store(sandbox, athena, catalog, orders, out):
    from sfs_core import OfflineQuery, SystemClock
    from sfs_plugins.local_store.store import LocalStore

    header, *lines = rows(athena, f'SELECT * FROM "{orders[0]}"."{orders[1]}" ORDER BY id', out)
    by_pyiceberg = catalog.load_table(orders).scan().to_arrow()
    store = LocalStore(connection="mine", clock=SystemClock(), path=sandbox.folder, region="us-east-1")
    by_store = [one for batch in store.versions(store.describe(NAME), OfflineQuery()) for one in batch.to_pylist()]
    store.close()

    assert header == ["id", "time", "count", "price", "write_time", "api_invocation_time", "is_deleted"]
    assert [line[0] for line in lines] == ["a1", "a2", "a3"] == sorted(by_pyiceberg.column("id").to_pylist())
    assert lines[0][4].endswith(" UTC")
    assert sorted(one["id"] for one in by_store) == ["a1", "a2", "a3"]


def test_what_pyiceberg_appends_and_deletes_athena_sees_and_the_other_way_round(
    sandbox, runtime, athena, catalog, make, out
):
    table = make("iceberg-shared")
    theirs = catalog.load_table(table)

    theirs.append(theirs.scan().to_arrow().slice(0, 1).set_column(0, "id", [["p1"]]))
    assert ids(athena, table, out) == ["a1", "a2", "a3", "p1"]
    theirs.delete("id = 'a2'")
    assert ids(athena, table, out) == ["a1", "a3", "p1"]
    run(athena, f'DELETE FROM "{table[0]}"."{table[1]}" WHERE id = \'a1\'', out)
    put(runtime, "iceberg-shared", "s1")
    sandbox.settle()

    assert ids(athena, table, out) == ["a3", "p1", "s1"]
    assert sorted(catalog.load_table(table).scan().to_arrow().column("id").to_pylist()) == ["a3", "p1", "s1"]


def test_of_two_that_commit_at_once_neither_is_lost(sandbox, glue, catalog, make, athena, out):
    table = make("iceberg-raced")
    first, second = catalog.load_table(table), glue_catalog(sandbox).load_table(table)
    more = first.scan().to_arrow().slice(0, 1)

    with second.transaction() as late:
        late.append(more.set_column(0, "id", [["late"]]))
        first.append(more.set_column(0, "id", [["early"]]))

    assert ids(athena, table, out) == ["a1", "a2", "a3", "early", "late"]
    now = glue.get_table(DatabaseName=table[0], Name=table[1])["Table"]
    given = {"Name": table[1], "Parameters": now["Parameters"], "StorageDescriptor": now["StorageDescriptor"]}
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        glue.update_table(DatabaseName=table[0], TableInput=given, VersionId="999999")


def test_what_is_settled_between_deletions_is_never_lost(sandbox, runtime, athena, make, out):
    table = make("iceberg-busy")

    def write():
        for number in range(6):
            put(runtime, "iceberg-busy", f"w{number}")
            sandbox.settle()

    writing = threading.Thread(target=write)
    writing.start()
    reasons = [
        run(athena, f'DELETE FROM "{table[0]}"."{table[1]}" WHERE id = \'a{n}\'', out)["Status"] for n in (1, 2, 3)
    ]
    writing.join()

    assert [one["State"] for one in reasons] == ["SUCCEEDED"] * 3
    assert ids(athena, table, out) == [f"w{number}" for number in range(6)]


def test_a_group_of_ones_own_names_grows_and_its_table_outlives_it(
    sandbox, sagemaker, runtime, athena, glue, make, out
):
    table = make("iceberg-named", Database="lake", TableName="orders_of_mine")
    sagemaker.update_feature_group(
        FeatureGroupName="iceberg-named", FeatureAdditions=[{"FeatureName": "colour", "FeatureType": "String"}]
    )
    assert table == ("lake", "orders_of_mine")
    assert failed(athena, "DROP TABLE lake.orders_of_mine", out).startswith("NOT_SUPPORTED")
    put(runtime, "iceberg-named", "late")
    sagemaker.delete_feature_group(FeatureGroupName="iceberg-named")

    assert ids(athena, table, out) == ["a1", "a2", "a3", "late"]
    run(athena, "DELETE FROM lake.orders_of_mine WHERE id <> 'a1'", out)
    assert ids(athena, table, out) == ["a1"]
    assert rows(athena, "SELECT count(colour) FROM lake.orders_of_mine", out)[1] == ["0"]


def test_hive_takes_no_times_with_a_zone_and_a_definition_iceberg_cannot_keep_is_refused(
    sagemaker, athena, orders, out
):
    unload = f"UNLOAD (SELECT * FROM \"{orders[0]}\".\"{orders[1]}\") TO '{out}/un' WITH (format='PARQUET')"

    assert failed(athena, unload, out).startswith("NOT_SUPPORTED: Unsupported Hive type: timestamp")
    iceberg = offline("iceberg-groups", TableFormat="Iceberg", DisableGlueTableCreation=True)
    with pytest.raises(ClientError, match="DisableGlueTableCreation"):
        sagemaker.create_feature_group(**definition("iceberg-without", **iceberg))
    fractional = definition("iceberg-fractional", **offline("iceberg-groups", TableFormat="Iceberg"))
    with pytest.raises(ClientError, match="String"):
        sagemaker.create_feature_group(**{**fractional, "EventTimeFeatureName": "price"})


def test_features_keep_their_case_and_columns_are_spoken_of_in_any(sandbox, sagemaker, runtime, athena, catalog, out):
    features = [("OrderId", "String"), ("EventTime", "String"), ("Count", "Integral")]
    sagemaker.create_feature_group(
        FeatureGroupName="iceberg-cases", RecordIdentifierFeatureName="OrderId", EventTimeFeatureName="EventTime",
        FeatureDefinitions=[{"FeatureName": name, "FeatureType": kind} for name, kind in features],
        **offline("iceberg-groups", TableFormat="Iceberg", DataCatalogConfig={
            "Catalog": "AwsDataCatalog", "Database": "cases", "TableName": "cases"}),
    )  # fmt: skip
    day = "'2025-06-01T00:00:00Z'"

    for query in (
        f"INSERT INTO cases.cases (orderid, EVENTTIME, count) VALUES ('a', {day}, 1), ('b', {day}, 2), ('c', {day}, 3)",
        "UPDATE cases.cases SET COUNT = count * 10 WHERE orderId <> 'a'",
        "DELETE FROM cases.cases WHERE orderid = 'c'",
    ):
        assert run(athena, query, out)["Status"]["State"] == "SUCCEEDED", query

    assert rows(athena, "SELECT orderid, eventtime, count FROM cases.cases ORDER BY 1", out) == [
        ["orderid", "eventtime", "count"], ["a", "2025-06-01T00:00:00Z", "1"], ["b", "2025-06-01T00:00:00Z", "20"],
    ]  # fmt: skip
    theirs = catalog.load_table(("cases", "cases")).scan().to_arrow()
    assert theirs.column_names[:3] == ["OrderId", "EventTime", "Count"]
    assert sorted(theirs.column("Count").to_pylist()) == [1, 20]
    assert failed(athena, "INSERT INTO cases.cases (colour) VALUES ('x')", out).startswith("COLUMN_NOT_FOUND")


def test_a_group_whose_table_cannot_be_made_says_why_and_is_in_nobodys_way(sagemaker, runtime, s3, glue, orders):
    s3.create_bucket(Bucket="blocked")
    # where the table's folders would have to be lies an object
    s3.put_object(Bucket="blocked", Key="fs/123456789012", Body=b"x")

    sagemaker.create_feature_group(**definition("iceberg-blocked", **offline("blocked", TableFormat="Iceberg")))
    described = sagemaker.describe_feature_group(FeatureGroupName="iceberg-blocked")

    assert described["FeatureGroupStatus"] == "CreateFailed"
    assert "Not a directory" in described["FailureReason"]
    with pytest.raises(ClientError):
        runtime.put_record(FeatureGroupName="iceberg-blocked", Record=record("a1"))
    assert not any(
        "blocked" in one["Name"] for one in glue.get_tables(DatabaseName="sagemaker_featurestore")["TableList"]
    )
    sagemaker.delete_feature_group(FeatureGroupName="iceberg-blocked")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_feature_group(FeatureGroupName="iceberg-blocked")


def test_a_group_is_creating_until_its_table_is_made_and_nothing_else_waits(sandbox, sagemaker, runtime, glue, orders):
    """Another process keeps the database for a while that says which metadata file of the table is the current one."""
    with sqlite3.connect(sandbox.folder / "groups.sqlite") as groups:
        [(number,)] = groups.execute("SELECT seq FROM sqlite_sequence").fetchall()
    database = sandbox.folder / "groups" / f"iceberg-slow-{number + 1}.sqlite"
    slow = definition("iceberg-slow", **offline("iceberg-groups", TableFormat="Iceberg"))

    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        making = threading.Thread(target=boto(sandbox, "sagemaker").create_feature_group, kwargs=slow)
        making.start()
        while not (creating := names_creating(sagemaker)):
            time.sleep(0.01)
        described = sagemaker.describe_feature_group(FeatureGroupName="iceberg-slow")
        put(runtime, NAME, "a1")
        with pytest.raises(ClientError, match="Creating"):
            sagemaker.delete_feature_group(FeatureGroupName="iceberg-slow")
        with pytest.raises(ClientError, match="can't find a FeatureGroup"):
            runtime.put_record(FeatureGroupName="iceberg-slow", Record=record("a1"))
        tables = [one["Name"] for one in glue.get_tables(DatabaseName="sagemaker_featurestore")["TableList"]]
        assert making.is_alive()
        other.execute("ROLLBACK")
    making.join()

    assert (creating, described["FeatureGroupStatus"]) == (["iceberg-slow"], "Creating")
    assert not any("iceberg_slow" in one for one in tables)
    assert sagemaker.describe_feature_group(FeatureGroupName="iceberg-slow")["FeatureGroupStatus"] == "Created"
    put(runtime, "iceberg-slow", "a1")


def names_creating(sagemaker):
    found = sagemaker.list_feature_groups(FeatureGroupStatusEquals="Creating")["FeatureGroupSummaries"]
    return [one["FeatureGroupName"] for one in found]
