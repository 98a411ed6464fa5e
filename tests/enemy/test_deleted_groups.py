"""Groups whose deletion was killed halfway: what was to go with them goes, whatever came in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfs_core.testing import filled, history, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from sfs_plugins.local_store.opened import Opened
from tests.conftest import Sfs

ONE = record("1", "2025-05-01T00:00:00Z")


class Killed(BaseException):
    """The process ends here."""


def opened(sfs: Sfs) -> LocalStore:
    return LocalStore(connection="dev", clock=sfs.clock, path=sfs.store, offline_delay=900)


def objects_on_disk(sfs: Sfs) -> list[Path]:
    return sorted((sfs.store / "s3").rglob("*.parquet"))


def killed(*_: object, **__: object) -> bool:
    raise Killed


def test_what_a_killed_deletion_left_buffered_is_among_the_objects_that_go(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    store = opened(sfs)
    group = filled(store, new_group("orders"), ONE)
    with monkeypatch.context() as patched:
        patched.setattr(Opened, "settle", killed)
        with pytest.raises(Killed):
            store.delete("orders")

    # the next process of the same run
    store = opened(sfs)
    left = [key for batch in store.offline_objects(group) for key in batch.column("key").to_pylist()]
    store.close()

    assert len(left) == 1
    assert len(objects_on_disk(sfs)) == 1


def test_a_group_made_anew_keeps_what_it_holds_when_the_deletion_of_the_first_is_gone_on_with(
    sfs: Sfs, monkeypatch: pytest.MonkeyPatch
):
    """Killed between the group and its objects, then a group of its name is made, and a clock that went back."""
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders"), ONE, record("2", "2025-05-02T00:00:00Z"))
    store.close()
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete_objects", killed)
        with pytest.raises(Killed):
            sfs("delete orders --with-offline-data --force")
    sfs.clock.instant = sfs.clock.now().plus(-3_600_000_000_000)
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    new = filled(store, new_group("orders"), ONE)
    store.close()
    (run,) = (sfs.folder / "state" / "runs").iterdir()

    answer = sfs(f"runs resume {run.name} --force")

    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    assert (ids_in(store, new), len(history(store, new))) == (["1"], 1)
    store.close()
    assert answer.code == 0, answer
    assert len(objects_on_disk(sfs)) == 1


def test_a_group_made_anew_within_the_old_root_is_left_alone(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    old = filled(store, new_group("orders"), ONE)
    store.close()
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete_objects", killed)
        with pytest.raises(Killed):
            sfs("delete orders --with-offline-data --force")
    assert old.offline is not None
    sfs.clock.instant = sfs.clock.now().plus(1)
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    new = filled(store, new_group("orders", s3_uri=str(old.offline.root)), ONE)
    store.close()
    (run,) = (sfs.folder / "state" / "runs").iterdir()

    answer = sfs(f"runs resume {run.name} --force")

    assert answer.code == 4, answer
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    assert len(history(store, new)) == 1
    store.close()


def test_a_group_made_anew_once_its_deletion_had_begun_stays_and_the_objects_of_the_first_go(
    sfs: Sfs, monkeypatch: pytest.MonkeyPatch
):
    """Killed before the answer came: that the group was deleted is written down nowhere."""
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders"), ONE, record("2", "2025-05-02T00:00:00Z"))
    delete = LocalStore.delete

    def killed_late(self: LocalStore, name: str) -> None:
        delete(self, name)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete", killed_late)
        with pytest.raises(Killed):
            sfs("delete orders --with-offline-data --force")
    sfs.clock.instant = sfs.clock.now().plus(3_600_000_000_000)
    new = filled(store, new_group("orders"), ONE)
    (run,) = (sfs.folder / "state" / "runs").iterdir()

    answer = sfs(f"runs resume {run.name} --force")

    assert answer.code == 0, answer
    assert (ids_in(store, new), len(history(store, new))) == (["1"], 1)
    assert len(objects_on_disk(sfs)) == 1
    store.close()


def test_a_group_made_anew_before_anyone_looked_is_not_waited_for(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders"), ONE, record("2", "2025-05-02T00:00:00Z"))
    delete = LocalStore.delete

    def made_anew(self: LocalStore, name: str) -> None:
        delete(self, name)
        sfs.clock.instant = sfs.clock.now().plus(3_600_000_000_000)
        filled(store, new_group("orders"), ONE)

    monkeypatch.setattr(LocalStore, "delete", made_anew)
    sfs.ok("delete orders --with-offline-data --force")

    assert ids_in(store, store.describe("orders")) == ["1"]
    assert len(objects_on_disk(sfs)) == 1
    store.close()
