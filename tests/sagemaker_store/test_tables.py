"""`delete --with-offline-data` on AWS: the group's own table goes from the catalogue, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sfs_core import FeatureGroup, GlueTable
from sfs_core.testing import ONE, created, filled, latest, new_group, objects_in, record
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.tables import TableNotOwn
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, ServedStore

DATABASE = "sagemaker_featurestore"


def tables(clients: Clients, database: str = DATABASE) -> list[str]:
    return [table["Name"] for table in clients.get("glue").get_tables(DatabaseName=database)["TableList"]]


def table_of(group: FeatureGroup) -> GlueTable:
    assert group.offline is not None and group.offline.table is not None
    return group.offline.table


def make(store: ServedStore, name: str, **offline: Any) -> FeatureGroup:
    """Make a group whose offline store is configured as given."""
    new = new_group(name)
    assert new.offline is not None
    return created(store, replace(new, offline=replace(new.offline, **offline)))


def moved(clients: Clients, group: FeatureGroup, location: str) -> None:
    """Make the catalogue's table of a group lie elsewhere."""
    glue, table = clients.get("glue"), table_of(group)
    found = glue.get_table(DatabaseName=table.database, Name=table.table)["Table"]
    kept = {name: found[name] for name in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    kept["StorageDescriptor"]["Location"] = location
    glue.update_table(DatabaseName=table.database, TableInput=kept)


def test_the_groups_own_table_goes_last_and_its_siblings_stays(aws: Sfs, store: ServedStore, clients: Clients):
    group, sibling = (filled(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
    store.settle(group)

    answer = aws.ok("delete fg-1 --with-offline-data --force")

    assert tables(clients) == [table_of(sibling).table]
    assert objects_in(store, group) == []
    last = f"  4. 1 from table, by name -> drop {DATABASE}.{table_of(group).table} from the catalogue"
    assert f"{last}\n" in answer.stderr
    assert f"{last}: 1 done\n" in answer.stderr


def test_without_offline_data_the_table_stays(aws: Sfs, store: ServedStore, clients: Clients):
    group = filled(store, new_group("fg-1"), record("1", ONE))

    answer = aws.ok("delete fg-1 --force")

    assert tables(clients) == [table_of(group).table]
    assert f"  ! its table {DATABASE}.{table_of(group).table} stays in the catalogue\n" in answer.stderr


def test_names_are_compared_without_regard_to_case(store: ServedStore, clients: Clients):
    """[29] Describe says `SageMaker_FeatureStore` of an Iceberg group, and the catalogue has it in lower case."""
    group = filled(store, new_group("fg-1"), record("1", ONE))
    assert group.offline is not None
    shouted = GlueTable("SageMaker_FeatureStore", table_of(group).table.upper())

    store.drop_table(replace(group, offline=replace(group.offline, table=shouted)))

    assert tables(clients) == []


def test_a_table_at_the_root_itself_is_the_groups_own(store: ServedStore, clients: Clients):
    """As an Iceberg table lies."""
    group = filled(store, new_group("fg-1"), record("1", ONE))
    assert group.offline is not None and group.offline.root is not None
    moved(clients, group, group.offline.root.rstrip("/"))

    store.drop_table(group)

    assert tables(clients) == []


@pytest.mark.parametrize("place", ["the shared URI", "a sibling's root", "below the data", "nowhere", "a longer name"])
def test_a_table_that_lies_elsewhere_is_not_dropped(store: ServedStore, clients: Clients, place: str):
    group, sibling = (filled(store, new_group(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
    assert group.offline is not None and group.offline.root is not None and sibling.offline is not None
    location = {
        "the shared URI": group.offline.s3_uri,
        "a sibling's root": str(sibling.offline.resolved_uri),
        "below the data": f"{group.offline.root}data/year=2025",
        "nowhere": "",
        "a longer name": f"{group.offline.root}data2",
    }[place]
    moved(clients, group, location)

    with pytest.raises(TableNotOwn):
        store.drop_table(group)

    assert table_of(group).table in tables(clients)


def test_a_table_that_was_brought_along_stays_and_the_plan_says_so(aws: Sfs, store: ServedStore, clients: Clients):
    glue = clients.get("glue")
    glue.create_database(DatabaseInput={"Name": "shared"})
    glue.create_table(DatabaseName="shared", TableInput={"Name": "everything"})
    make(store, "fg-1", table=GlueTable("shared", "everything"), disable_glue_table=True)

    answer = aws.ok("delete fg-1 --with-offline-data --force")

    assert tables(clients, "shared") == ["everything"]
    assert "  ! its table shared.everything was not made for it and stays in the catalogue\n" in answer.stderr


def test_a_table_that_another_group_uses_stays_and_the_plan_says_so(aws: Sfs, store: ServedStore, clients: Clients):
    group = filled(store, new_group("fg-1"), record("1", ONE))
    make(store, "fg-2", table=GlueTable(DATABASE, table_of(group).table), disable_glue_table=True)

    answer = aws.ok("delete fg-1 --with-offline-data --force")

    assert tables(clients) == [table_of(group).table]
    assert f"{table_of(group).table} stays in the catalogue, because aws:fg-2 uses it too\n" in answer.stderr


def test_a_table_that_may_not_be_dropped_names_the_permission_and_the_run_is_gone_on_with(
    aws: Sfs, store: ServedStore, served: Served, clients: Clients
):
    """As after a kill between the group and its table: the group is gone, and the run still knows the table."""
    filled(store, new_group("fg-1"), record("1", ONE))
    served.faults.set({"rules": [{"fault": "denied", "operation": "DeleteTable"}]})

    refused = aws("delete fg-1 --with-offline-data --force")
    left = tables(clients)
    served.faults.set({"rules": []})
    run = refused.stderr.rpartition("runs resume ")[2].partition("`")[0]
    aws.ok(f"runs resume {run} --force")

    assert refused.code == 11
    assert "ask for the permission glue:DeleteTable" in refused.stderr
    assert len(left) == 1
    assert tables(clients) == []


def test_a_run_that_is_gone_on_with_leaves_the_table_of_a_group_made_anew(
    aws: Sfs, store: ServedStore, served: Served, clients: Clients
):
    filled(store, new_group("fg-1"), record("1", ONE))
    served.faults.set({"rules": [{"fault": "denied", "operation": "DeleteTable"}]})
    refused = aws("delete fg-1 --with-offline-data --force")
    served.faults.set({"rules": []})
    store.clock.instant = store.clock.instant.plus(60 * 10**9)  # type: ignore[attr-defined]
    anew = filled(store, new_group("fg-1"), record("2", ONE))

    aws.ok(f"runs resume {refused.stderr.rpartition('runs resume ')[2].partition('`')[0]} --force")

    assert tables(clients) == [table_of(anew).table]
    assert latest(store, anew) == [record("2", ONE)]


def test_a_table_that_is_somebody_elses_ends_the_deletion_with_a_failure(
    aws: Sfs, store: ServedStore, clients: Clients
):
    group = filled(store, new_group("fg-1"), record("1", ONE))
    moved(clients, group, "s3://feature-store/elsewhere")

    answer = aws("delete fg-1 --with-offline-data --force")

    assert answer.code == 3
    assert tables(clients) == [table_of(group).table]


def test_a_drop_whose_answer_was_lost_is_done(store: ServedStore, served: Served, clients: Clients):
    group = filled(store, new_group("fg-1"), record("1", ONE))
    served.faults.set({"rules": [{"fault": "drop_after", "operation": "DeleteTable", "count": 1}]})

    store.drop_table(group)

    assert tables(clients) == []
