"""Buffered offline writes become Parquet once and only once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sfs_core import Batch, FeatureDefinition, GroupChange, OfflineQuery, Put, SetClock, Versions, records_from
from sfs_core.testing import NOON, ONE, THREE, TWO, created, history, latest, new_group, objects_in, put, record
from sfs_plugins.local_store import LocalStore

HOURS = 12
# every way to be killed in the middle of settling: the process ends at once, as by SIGKILL
DIE = """
from sfs_plugins.local_store import glue_files
"""
WRITE = """
group = store.describe("orders")
put(store, group, *(record(str(one), f"2025-06-01T{one % 12:02}:00:00Z", items=str(one)) for one in range(60)))
"""
MOMENTS = {
    "before anything is chosen": "die_after(0, buffer, 'begin')",
    "when the batches are chosen": "die_after(0, buffer, 'batches')",
    "before the first file is written": "import pyarrow.parquet; die_after(0, pyarrow.parquet, 'write_table')",
    "before the first file is moved": "die_after(0, Path, 'replace')",
    "after some files are moved": "die_after(5, Path, 'replace')",
    "after all but one are moved": f"die_after({HOURS - 1}, Path, 'replace')",
    "before the files are synced": "die_after(0, glue_files, 'sync_files')",
    "before the batches are forgotten": "die_after(0, buffer, 'end')",
    "before that is committed": "buffer.end = end_and_die",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_while_settling_neither_loses_nor_doubles_a_version(
    moment: str, store: LocalStore, child: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    group = created(store, new_group())

    killed = child(DIE + MOMENTS[moment] + WRITE)
    killed.communicate(timeout=60)
    versions = history(store, group)

    assert killed.returncode == 9
    assert sorted(int(str(version["items"])) for version in versions) == list(range(60))
    assert len(objects_in(store, group)) == HOURS
    assert list(folder.rglob("*.writing/*")) == []


def test_a_process_killed_twice_in_the_same_place_is_made_good_by_the_third(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = created(store, new_group())

    for script in (WRITE, 'store.settle(store.describe("orders"))'):
        child(DIE + MOMENTS["after some files are moved"] + script).communicate(timeout=60)

    assert len(history(store, group)) == 60
    assert len(objects_in(store, group)) == HOURS


def test_what_a_killed_process_left_half_written_is_there_before_objects_are_deleted(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = created(store, new_group())
    child(DIE + MOMENTS["after some files are moved"] + WRITE).communicate(timeout=60)

    for batch in store.offline_objects(group):
        list(store.delete_objects(group, [Batch(0, batch)]))

    assert history(store, group) == []
    assert objects_in(store, group) == []


def test_without_a_delay_a_put_is_parquet_when_it_returns(store: LocalStore, folder: Path) -> None:
    group = created(store, new_group())

    put(store, group, record("1", ONE), record("2", ONE), record("3", TWO))

    assert len(list(folder.rglob("*.parquet"))) == 2


def test_a_rush_of_small_puts_is_settled_together_and_read_at_once(store: LocalStore, folder: Path) -> None:
    group = created(store, new_group())

    for one in range(20):
        put(store, group, record(str(one), ONE))
    versions = [row for batch in store.versions(group, OfflineQuery()) for row in batch.to_pylist()]

    assert len(versions) == 20
    assert len(list(folder.rglob("*.parquet"))) < 10


def test_a_store_that_closes_leaves_nothing_buffered(open_store: Callable[..., LocalStore], folder: Path) -> None:
    store = open_store()
    group = created(store, new_group())
    for one in range(3):
        put(store, group, record(str(one), f"2025-06-01T{one:02}:00:00Z"))

    store.close()

    assert len(list(folder.rglob("*.parquet"))) == 3


def test_delayed_writes_show_after_the_delay(open_store: Callable[..., LocalStore], clock: SetClock) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group())
    put(store, group, record("1", ONE))

    def seen() -> list[object]:
        return [row for batch in store.versions(group, OfflineQuery(Versions.HISTORY)) for row in batch.to_pylist()]

    assert seen() == []
    clock.instant = NOON.plus(899_999_999_000)
    assert seen() == []
    clock.instant = NOON.plus(1_000_000_000_000)
    assert seen() == [
        {
            **dict.fromkeys(("city", "items", "amount")),
            "id": "1",
            "at": ONE,
            "api_invocation_time": "2025-06-01T12:00:00Z",
            "write_time": "2025-06-01T12:15:00Z",
            "is_deleted": False,
        }
    ]


def test_delayed_writes_show_when_the_store_is_asked_to_settle(
    open_store: Callable[..., LocalStore], clock: SetClock
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group())
    put(store, group, record("1", ONE))
    clock.instant = NOON.plus(60_000_000_000)

    [version] = history(store, group)

    assert version["api_invocation_time"] == "2025-06-01T12:00:00Z"
    assert version["write_time"] == "2025-06-01T12:01:00Z"


def test_nothing_was_written_before_it_was_accepted_even_if_the_clock_goes_back(
    open_store: Callable[..., LocalStore], clock: SetClock
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group())
    put(store, group, record("1", ONE))
    clock.instant = NOON.plus(-60_000_000_000)

    [version] = history(store, group)

    assert version["api_invocation_time"] == "2025-06-01T12:00:00Z"
    assert version["write_time"] == "2025-06-01T12:00:00Z"


def test_delayed_writes_stay_buffered_when_the_store_is_closed(
    open_store: Callable[..., LocalStore], folder: Path
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group())
    put(store, group, record("1", ONE))

    store.close()

    assert list(folder.rglob("*.parquet")) == []
    assert [version["id"] for version in history(open_store(offline_delay=900.0), group)] == ["1"]


def test_delayed_writes_become_objects_before_their_group_is_deleted(
    open_store: Callable[..., LocalStore], folder: Path
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group())
    put(store, group, record("1", ONE))

    store.delete("orders")

    assert len(objects_in(store, group)) == 1
    assert list((folder / "groups").iterdir()) == []


def test_a_feature_added_while_older_records_are_buffered_is_absent_from_them(
    open_store: Callable[..., LocalStore],
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, new_group("orders", "city:String"))
    put(store, group, record("1", ONE, city="Oslo"))
    store.update("orders", GroupChange(add_features=(FeatureDefinition.parse("Items:Integral"),)))
    wider = store.describe("orders")
    put(store, wider, record("2", TWO, Items="5"))

    assert latest(store, wider) == [record("1", ONE, city="Oslo"), record("2", TWO, Items="5")]


def test_many_hours_are_settled_in_one_go(store: LocalStore, folder: Path) -> None:
    group = created(store, new_group("orders", "items:Integral"))
    days = [f"2025-{month:02}-{day:02}" for month in (1, 3) for day in range(1, 31)]
    records = [record(f"{day}-{hour}", f"{day}T{hour:02}:30:00Z", items="1") for day in days for hour in range(24)]
    batches = [Batch(n, records_from(group.features, records[n::4])) for n in range(4)]

    assert sum(fact.done for fact in store.put(group, batches, Put())) == len(records)

    assert len(list(folder.rglob("*.parquet"))) == len(records)


def test_versions_of_one_second_stay_in_the_order_put(store: LocalStore) -> None:
    group = created(store, new_group())
    for one in range(5):
        put(store, group, record("1", THREE, items=str(one)))
        if one % 2:
            store.settle(group)

    assert [version["items"] for version in history(store, group)] == ["0", "1", "2", "3", "4"]
    assert latest(store, group) == [record("1", THREE, items="4")]
