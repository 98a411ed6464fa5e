"""Failures of the disk and of SQLite, told in one sentence; what was acknowledged before them stays."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sfs_core import DiskFull, SetClock, StoreUnavailable
from sfs_core.testing import NOON, ONE, created, filled, history, ids_in, new_group, online, put, record
from sfs_plugins.local_store import LocalStore

FILL_UP = """
import json, resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
group = store.describe("orders")
done = 0
try:
    while True:
        put(store, group, *(record(f"{done + one:06}", ONE, city="x" * 500) for one in range(50)))
        done += 50
except SfsError as error:
    print(json.dumps([done, error.code, str(error), int(error.exit_code)]))
"""


@pytest.mark.parametrize("stores", [{"offline": False}, {"online": False}, {}], ids=["online", "offline", "both"])
def test_a_file_that_may_not_grow_ends_a_put_with_what_was_acknowledged_in_place(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]], stores: dict[str, bool]
) -> None:
    group = created(store, new_group(**stores))  # type: ignore[arg-type]

    output, complaints = child(FILL_UP).communicate(timeout=120)
    assert output, complaints
    done, code, _, exit_code = json.loads(output)

    assert (code, exit_code) in [("DiskFull", 12), ("StoreUnavailable", 12)]
    expected = [f"{one:06}" for one in range(done)]
    if group.online is not None:
        assert ids_in(store, group)[:done] == expected
    if group.offline is not None:
        assert sorted(str(version["id"]) for version in history(store, group))[:done] == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    # without the right to mount, a folder with a bound on file sizes above is all there is
    yield place if mounted.returncode == 0 else Path("/dev/full")
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_to_be_full(small_disk: Path, clock: SetClock) -> None:
    if small_disk == Path("/dev/full"):
        return
    store = LocalStore("local", clock, path=small_disk / "store")
    group = created(store, new_group())
    done = 0

    with pytest.raises(DiskFull, match=f"no space is left in {small_disk / 'store'}, so nothing more was done"):
        while True:
            put(store, group, *(record(f"{done + one:06}", ONE, city=os.urandom(250).hex()) for one in range(100)))
            done += 100

    assert len(ids_in(store, group)) >= done > 0


def test_a_damaged_database_is_said_to_be_damaged(open_store: Callable[..., LocalStore], folder: Path) -> None:
    store = open_store()
    filled(store, new_group(), record("1", ONE))
    store.close()
    (folder / "groups.sqlite").write_bytes(b"this is no database, and long enough to be taken for one" * 100)

    with pytest.raises(StoreUnavailable, match="a file in it is not a database"):
        open_store().describe("orders")


def test_a_store_locked_for_too_long_is_said_to_be_locked(open_store: Callable[..., LocalStore], folder: Path) -> None:
    store = open_store(lock_timeout=0.2)
    group = filled(store, new_group(), record("1", ONE))
    [database] = (folder / "groups").glob("*.sqlite")
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="another process has kept it locked for too long"):
        put(store, group, record("2", ONE))
    other.execute("ROLLBACK")
    other.close()

    assert put(store, group, record("2", ONE)) == []
    assert len(online(store, group)) == 2


def test_a_folder_that_is_a_file_cannot_be_used(tmp_path: Path, clock: SetClock) -> None:
    (tmp_path / "file").write_text("")
    store = LocalStore("local", clock, path=tmp_path / "file")

    with pytest.raises(StoreUnavailable, match=r"the embedded store in .*file cannot be used"):
        store.create(new_group())


def test_a_damaged_parquet_file_is_named(store: LocalStore, folder: Path) -> None:
    group = filled(store, new_group(), record("1", ONE))
    [file] = (folder / "s3").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(StoreUnavailable, match=file.name):
        history(store, group)


def test_a_batch_that_fails_half_way_leaves_nothing_of_itself(
    open_store: Callable[..., LocalStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sfs_plugins.local_store import buffer

    store = open_store()
    group = filled(store, new_group(), record("1", ONE))

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(DiskFull):
        patch.setattr(buffer, "append", full)
        put(store, group, record("2", ONE))

    assert ids_in(store, group) == ["1"]
    assert [version["id"] for version in history(store, group)] == ["1"]
    assert store.clock.now() == NOON
