"""Feature groups on disk: found in any case, never half made, their life-cycle told by the clock."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sfs_core import (
    BadDefinition,
    FeatureDefinition,
    FeatureGroupNotFound,
    GroupChange,
    GroupExists,
    GroupNotReady,
    GroupQuery,
    GroupStatus,
    SetClock,
    StoreUnavailable,
)
from sfs_core.testing import NOON, ONE, created, filled, latest, new_group, objects_in, online, put, record
from sfs_plugins.local_store import LocalStore
from tests.sfs_core.faulty import files_of_at_most

SECOND = 1_000_000_000


def test_a_store_that_is_only_looked_at_makes_no_folder(store: LocalStore, folder: Path) -> None:
    assert list(store.groups(GroupQuery())) == []
    with pytest.raises(FeatureGroupNotFound):
        store.describe("orders")
    store.close()

    assert not folder.exists()


def test_an_empty_folder_has_no_groups(store: LocalStore, folder: Path) -> None:
    folder.mkdir()

    assert list(store.groups(GroupQuery())) == []


@pytest.mark.parametrize("name", ["Fg-A", "fg-a", "FG-A", "arn:aws:sagemaker:local:000000000000:feature-group/fg-a"])
def test_a_group_is_found_in_any_case_and_keeps_its_own(store: LocalStore, name: str) -> None:
    created(store, new_group("Fg-A", tags=(("team", "data"),)))

    assert store.describe(name).name == "Fg-A"
    assert store.describe(name).arn == "arn:aws:sagemaker:local:000000000000:feature-group/Fg-A"
    assert store.tags(name) == {"team": "data"}


def test_an_arn_of_another_account_names_no_group_here(store: LocalStore) -> None:
    created(store, new_group())

    with pytest.raises(FeatureGroupNotFound):
        store.describe("arn:aws:sagemaker:local:111122223333:feature-group/orders")


def test_another_process_finds_everything_as_it_was_described(open_store: Callable[..., LocalStore]) -> None:
    new = new_group("Sensors", "tags:String:List", "place:Fractional:Vector(3)", offline=False, ttl="30d")
    first = created(open_store(), new_group("orders", ttl="2w"))

    assert open_store().describe("orders") == first
    with pytest.raises(BadDefinition):
        open_store().create(new)


def test_a_group_that_is_being_made_takes_no_records(open_store: Callable[..., LocalStore], clock: SetClock) -> None:
    store = open_store(create_delay=60.0)
    store.create(new_group())
    group = store.describe("orders")

    with pytest.raises(GroupNotReady, match="'orders' is Creating: wait until it is Created"):
        put(store, group, record("1", ONE))
    with pytest.raises(GroupNotReady):
        store.delete("orders")
    clock.instant = NOON.plus(60 * SECOND)

    assert group.status is GroupStatus.CREATING
    assert store.describe("orders").status is GroupStatus.CREATED
    assert put(store, group, record("1", ONE)) == []


def test_a_change_is_under_way_for_a_while(open_store: Callable[..., LocalStore], clock: SetClock) -> None:
    created(open_store(), new_group())
    store = open_store(create_delay=60.0)
    change = GroupChange(add_features=(FeatureDefinition.parse("colour:String"),))

    statuses = [store.describe("orders").last_update_status]
    store.update("orders", change)
    statuses.append(store.describe("orders").last_update_status)
    with pytest.raises(GroupNotReady, match="'orders' is being updated"):
        store.update("orders", GroupChange(remove_ttl=True))
    clock.instant = NOON.plus(60 * SECOND)
    statuses.append(store.describe("orders").last_update_status)

    assert statuses == [None, "InProgress", "Successful"]


def test_a_deleted_group_can_be_described_for_a_while_and_its_records_are_gone_at_once(
    open_store: Callable[..., LocalStore], clock: SetClock
) -> None:
    group = filled(open_store(), new_group(), record("1", ONE))
    store = open_store(create_delay=60.0)
    store.delete("orders")

    assert store.describe("orders").status is GroupStatus.DELETING
    assert latest(store, group) == [record("1", ONE)]
    with pytest.raises(GroupNotReady, match="'orders' is Deleting"):
        online(store, group, "1")
    with pytest.raises(GroupExists):
        store.create(new_group())
    clock.instant = NOON.plus(60 * SECOND)
    with pytest.raises(FeatureGroupNotFound):
        store.describe("orders")
    assert online(store, created(open_store(), new_group()), "1") == []


def test_a_deletion_that_was_killed_is_finished_when_the_name_is_used_again(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = filled(store, new_group(), record("1", ONE))
    killed = child(
        "from sfs_plugins.local_store.opened import Opened\n"
        "Opened.mark_gone = lambda self: os._exit(9)\n"
        "store.delete('orders')\n"
    )
    killed.communicate(timeout=60)

    with pytest.raises(FeatureGroupNotFound):
        store.describe("orders")
    anew = created(store, new_group())

    assert killed.returncode == 9
    assert online(store, anew, "1") == []
    assert latest(store, anew) == []
    assert len(objects_in(store, group)) == 1


def test_features_that_differ_in_case_alone_need_a_group_without_an_offline_store(store: LocalStore) -> None:
    with pytest.raises(BadDefinition, match="an offline store cannot tell 'Colour' from 'colour'"):
        store.create(new_group("orders", "Colour:String", "colour:String"))

    group = filled(
        store, new_group("orders", "Colour:String", "colour:String", offline=False), record("1", ONE, Colour="r")
    )
    assert online(store, group) == [record("1", ONE, Colour="r")]


def test_a_group_that_could_not_be_written_down_is_not_taken_for_one_that_is_being_made(
    open_store: Callable[..., LocalStore], folder: Path
) -> None:
    """Its number goes to the next group that is made, which may be made by another process."""
    store, other = open_store(), open_store()
    created(store, new_group("first"))
    with files_of_at_most((folder / "groups.sqlite-wal").stat().st_size), pytest.raises(StoreUnavailable):
        store.create(new_group("second"))

    other.create(new_group("third"))

    assert store.describe("third").status is GroupStatus.CREATED
