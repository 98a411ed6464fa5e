"""Several processes and threads at once on one folder."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sfs_core import FeatureGroupNotFound, GroupExists
from sfs_core.testing import ONE, created, history, ids_in, latest, new_group, online, put, record
from sfs_plugins.local_store import LocalStore

PUT_ITS_OWN = """
group = store.describe("orders")
for number in range(40):
    put(store, group, *(record(f"{sys.argv[2]}-{number}-{one}", ONE, items=str(number)) for one in range(50)))
    if number % 10 == 0:
        store.settle(group)
store.close()
"""
PUT_THE_SAME = """
group = store.describe("orders")
for number in range(int(sys.argv[2]), 200, 2):
    put(store, group, record("1", f"2025-06-01T00:{number // 60:02}:{number % 60:02}Z", items=str(number)))
store.close()
"""


def finished(*children: subprocess.Popen[str]) -> None:
    for one in children:
        _, complaints = one.communicate(timeout=120)
        assert one.returncode == 0, complaints


@pytest.mark.slow
def test_two_processes_that_write_at_once_lose_nothing_and_write_nothing_twice(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = created(store, new_group())

    finished(child(PUT_ITS_OWN, "a"), child(PUT_ITS_OWN, "b"))

    expected = sorted(f"{who}-{number}-{one}" for who in "ab" for number in range(40) for one in range(50))
    assert ids_in(store, group) == expected
    assert sorted(str(version["id"]) for version in history(store, group)) == expected


@pytest.mark.slow
def test_of_one_record_written_by_two_processes_the_latest_stays(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = created(store, new_group())

    finished(child(PUT_THE_SAME, "0"), child(PUT_THE_SAME, "1"))

    assert online(store, group) == [record("1", "2025-06-01T00:03:19Z", items="199")]
    assert len(history(store, group)) == 200


def test_threads_of_one_store_write_and_read_at_once(store: LocalStore) -> None:
    group = created(store, new_group())

    def work(number: int) -> int:
        put(store, group, *(record(f"{number}-{one}", ONE) for one in range(20)))
        return len(online(store, group, *(f"{number}-{one}" for one in range(20)))) + len(latest(store, group)) * 0

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(24)))

    assert found == [20] * 24
    versions = Counter(str(version["id"]) for version in history(store, group))
    assert len(versions) == 480
    assert set(versions.values()) == {1}


def test_of_two_that_make_one_group_the_second_is_told(open_store: Callable[..., LocalStore]) -> None:
    first, second = open_store(), open_store()
    created(first, new_group("Orders"))

    with pytest.raises(GroupExists, match="'orders' is there already"):
        second.create(new_group("orders"))

    assert second.describe("ORDERS").name == "Orders"


def test_a_store_that_has_a_group_open_learns_that_it_was_deleted(open_store: Callable[..., LocalStore]) -> None:
    first, second = open_store(), open_store()
    group = created(first, new_group())
    put(first, group, record("1", ONE))

    second.delete("orders")

    with pytest.raises(FeatureGroupNotFound, match=r"no feature group 'orders' in .*store"):
        put(first, group, record("2", ONE))
    with pytest.raises(FeatureGroupNotFound):
        online(first, group, "1")
