"""`delete`: the plan says what goes and what stays; nothing but the group and its own objects goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sfs_core import Batch, Fact, FeatureGroup, Store, StoreUnavailable, hookimpl, say
from sfs_core.testing import MemoryState, MemoryStore, new_group
from sfs_plugins.local_store import LocalStore

ROOT = "s3://bucket/features/000000000000/sagemaker/local/offline-store/orders-1748736000/"


@pytest.fixture
def filled(orders):
    for record_id in ("1", "2"):
        orders.ok(f"put orders id={record_id} --event-time now items=5")
    return orders


def objects(sfs) -> list[Path]:
    return [path for path in (sfs.store / "s3").rglob("*") if path.is_file()]


def said(answer) -> list[str]:
    """Return the lines on stderr but for who asked, how long it took and how big objects are."""
    lines = [line for line in answer.stderr.splitlines() if "Region local, as" not in line]
    lines = [re.sub(r"Run \S+ took \S+ s", "Run R took T s", line) for line in lines]
    return [re.sub(r" \([\d,]+ bytes\)", "", line) for line in lines]


def test_the_group_goes_and_its_objects_stay(filled):
    answer = filled.ok("delete orders", typed="orders\n")

    assert said(answer) == [
        "Delete dev:orders",
        "  1. 1 from feature group, by name -> delete dev:orders",
        "  ! its online records go with it and cannot be brought back",
        f"  ! its offline objects stay under {ROOT}: --with-offline-data deletes them",
        "  ! its table sagemaker_featurestore.orders_1748736000 stays in the catalogue",
        "Type orders to go on: Run R took T s",
        "  1. 1 from feature group, by name -> delete dev:orders: 1 done",
    ]
    assert filled("describe orders").code == 10
    assert objects(filled)


def test_with_offline_data_its_own_objects_go_too_and_no_other_groups(filled):
    filled.ok("create orders2 --like orders")
    filled.ok("put orders2 id=1 --event-time now")
    theirs = [path for path in objects(filled) if "/orders2-" in str(path)]
    count = len(objects(filled)) - len(theirs)

    answer = filled.ok("delete orders --with-offline-data --force")

    listed = f"objects under {ROOT} -> delete"
    table = "1 from table, by name -> drop sagemaker_featurestore.orders_1748736000 from the catalogue"
    assert said(answer) == [
        "Delete dev:orders",
        "  1. 1 from feature group, by name -> delete dev:orders",
        f"  2. {count} from {listed}",
        f"  3. list again: {listed}, until nothing is left",
        f"  4. {table}",
        "  ! its online records go with it and cannot be brought back",
        f"  ! the objects under {ROOT} are deleted and cannot be brought back",
        "Run R took T s",
        "  1. 1 from feature group, by name -> delete dev:orders: 1 done",
        f"  2. {count} from {listed}: {count} done",
        f"  3. list again: {listed}, until nothing is left: 0 done",
        f"  4. {table}: 1 done",
    ]
    assert objects(filled) == theirs
    assert filled.ok("get orders2 1 --output json").json["id"] == "1"


def test_a_dry_run_deletes_nothing(filled):
    before = objects(filled)

    answer = filled.ok("delete orders --with-offline-data --dry-run")

    assert said(answer)[0] == "Delete dev:orders"
    assert filled.ok("get orders 1").code == 0
    assert objects(filled) == before


@pytest.mark.parametrize("typed", ["", "order\n", "yes\n", "dev:orders\n"])
def test_another_word_than_the_name_deletes_nothing(filled, typed):
    answer = filled("delete orders", typed=typed)

    assert answer.code == 4
    assert "error: not confirmed, so nothing was changed: type 'orders' when asked, or give --force" in answer.stderr
    assert filled.ok("get orders 1").code == 0


def test_without_a_terminal_and_without_force_it_is_refused(filled):
    answer = filled("delete orders")

    assert answer.code == 4
    assert answer.stderr == (
        "error: this asks for 'orders' to be typed, and there is no terminal to ask on: "
        "look at the plan with --dry-run, then give --force\n"
    )


def test_a_protected_connection_is_not_changed_without_unprotect(filled):
    filled.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{filled.store}"\nprotected = true\n'
    )

    refused = filled("delete orders --force")
    filled.ok("delete orders --force --unprotect")

    assert refused.code == 4
    assert refused.stderr == (
        f"error: connection 'dev' is protected in {filled.folder / 'config.toml'}, so nothing was changed: "
        "give --unprotect if you mean it\n"
    )
    assert filled("describe orders").code == 10


@pytest.mark.parametrize("options", ["--max-delete 1", "--max-delete 1 --with-offline-data"])
def test_the_deletion_cap_counts_online_records(filled, options):
    answer = filled(f"delete orders --force {options}")

    assert answer.code == 7
    assert answer.stderr == (
        "error: dev:orders would lose 2 online records, and the cap is 1: give --max-delete 2 if you mean it\n"
    )
    assert filled.ok("get orders 1").code == 0


def test_the_deletion_cap_counts_objects(filled):
    filled.ok("delete-record orders 1")
    filled.ok("delete-record orders 2")
    before = objects(filled)

    answer = filled("delete orders --force --with-offline-data --max-delete 0")

    assert answer.code == 7
    assert objects(filled) == before


def test_an_online_only_group_has_no_offline_data_to_delete(orders):
    orders.ok("create cache --like orders --no-offline")

    answer = orders("delete cache --with-offline-data --force")

    assert (answer.code, answer.stderr) == (
        2,
        "error: feature group 'dev:cache' has no OfflineStore: `sagemaker-fs describe dev:cache` shows its stores\n",
    )
    assert orders.ok("describe cache").code == 0


def test_a_group_that_is_being_made_is_left_alone(sfs):
    LocalStore(connection="dev", clock=sfs.clock, path=sfs.store, create_delay=60).create(new_group("orders"))

    answer = sfs("delete orders --force")

    assert (answer.code, answer.stderr) == (
        4,
        "error: feature group 'dev:orders' is Creating: wait until it is Created, then try again\n",
    )
    assert sfs.ok("describe orders --output json").json["status"] == "Creating"


def test_a_group_that_is_not_there_is_exit_10(sfs):
    assert sfs("delete nope --force").code == 10


# interrupted between the group and its objects


@dataclass
class Failing:
    """A memory store of one state whose deletion of objects fails while `broken`."""

    state: MemoryState
    broken: bool = True

    @hookimpl
    def sfs_stores(self) -> tuple[type[Store], ...]:
        plugin = self

        @dataclass
        class FailingStore(MemoryStore):
            def __post_init__(self) -> None:
                self.state = plugin.state

            def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
                if plugin.broken:
                    raise StoreUnavailable(store="memory", problem=say("it does not answer"))
                yield from super().delete_objects(group, batches)

        return (FailingStore,)


@pytest.fixture
def failing(sfs):
    plugin = Failing(MemoryState())
    sfs.plugins.append(("failing", plugin))
    sfs.configure('default = "dev"\n[connections.dev]\nstore = "memory"\n')
    sfs.file("orders.yaml", 'record_identifier: id\nevent_time: at\nfeatures: ["id:String", "at:String"]\n')
    sfs.ok("create orders --schema orders.yaml --online --offline s3://bucket/features")
    sfs.ok("put orders id=1 --event-time now")
    sfs.failing = plugin
    return sfs


def interrupted_run(sfs):
    answer = sfs("delete orders --with-offline-data --force")
    assert answer.code == 12
    return re.findall(r"runs resume (\S+)`", answer.stderr)[0]


def test_an_interrupted_deletion_is_gone_on_with_though_the_group_is_gone(failing):
    run = interrupted_run(failing)
    assert failing("describe orders").code == 10
    assert failing.failing.state.objects.rows

    failing.failing.broken = False
    failing.ok(f"delete orders --resume {run} --force")

    assert not failing.failing.state.objects.rows


def test_a_group_made_anew_meanwhile_is_not_touched(failing):
    run = interrupted_run(failing)
    failing.clock.instant = failing.clock.instant.plus(60 * 10**9)
    failing.ok("create orders --schema orders.yaml --online --offline s3://bucket/features")
    failing.ok("put orders id=2 --event-time now")

    failing.failing.broken = False
    failing.ok(f"delete orders --resume {run} --force")

    assert failing.ok("get orders 2 --output json").json["id"] == "2"
    assert len(failing.failing.state.objects.rows) == 1


# writes that are still buffered


def test_writes_still_buffered_when_the_group_goes_leave_no_objects_behind(orders):
    orders.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{orders.store}"\noffline_delay = 0.05\n'
    )
    orders.ok("put orders id=1 --event-time now")

    orders.ok("delete orders --with-offline-data --force")

    orders.clock.instant = orders.clock.instant.plus(3600 * 10**9)
    orders.ok("create orders --schema orders.yaml")
    assert objects(orders) == []


def test_an_iceberg_table_goes_before_the_files_it_is_made_of(orders):
    orders.ok("create events --like orders --table-format Iceberg")
    orders.ok("put events id=1 --event-time now items=5")

    answer = orders.ok("delete events --with-offline-data --force")

    name = "sagemaker_featurestore.events_1748736000"
    root = ROOT.replace("orders-", "events-")
    assert said(answer)[1:3] == [
        "  1. 1 from feature group, by name -> delete dev:events",
        f"  2. 1 from table, by name -> drop {name} from the catalogue",
    ]
    # what says where the metadata is, for other readers, is written as the group goes
    assert said(answer)[-1] == f"  4. list again: objects under {root} -> delete, until nothing is left: 1 done"
    assert [path for path in objects(orders) if "/events-" in str(path)] == []
