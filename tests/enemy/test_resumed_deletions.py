"""Going on with `delete` days later: it takes what was put since, and so it asks again."""

from __future__ import annotations

import pytest

from sfs_core import StoreUnavailable, say
from sfs_core.testing import filled, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs


def unavailable(*_: object) -> None:
    raise StoreUnavailable(store="store", problem=say("it does not answer"))


def stopped(sfs: Sfs, monkeypatch: pytest.MonkeyPatch, step: str, line: str = "delete orders --force") -> str:
    """Begin to delete a group, stopped at one of the steps; return the run."""
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders"), record("1", "2025-05-01T00:00:00Z"))
    store.close()
    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, step, unavailable)
        assert sfs(line).code == 12
    (run,) = sfs.ok("runs list --output json").json
    return str(run["run"])


def put_since(sfs: Sfs) -> LocalStore:
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    sfs.ok("put orders id=2 --event-time now")
    return store


@pytest.mark.parametrize("line", ["delete orders --force", "delete orders --with-offline-data --force"])
def test_a_group_is_not_deleted_by_a_resume_that_nobody_confirms(sfs: Sfs, monkeypatch: pytest.MonkeyPatch, line: str):
    run = stopped(sfs, monkeypatch, "delete", line)
    store = put_since(sfs)

    nobody, wrong = sfs(f"runs resume {run}"), sfs(f"runs resume {run}", typed="order\n")

    assert (nobody.code, wrong.code) == (4, 4)
    assert f"run {run} was confirmed at 2025-06-01T00:00:00Z" in nobody.stderr
    assert sorted(ids_in(store, store.describe("orders"))) == ["1", "2"]
    store.close()


def test_a_group_is_deleted_by_a_resume_that_is_confirmed(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    run = stopped(sfs, monkeypatch, "delete")

    answer = sfs.ok(f"runs resume {run}", typed="orders\n")

    assert "1 of what it wrote down to delete are left" in answer.stderr
    assert sfs("describe orders").code == 10


def test_a_table_is_not_dropped_by_a_resume_that_nobody_confirms(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    run = stopped(sfs, monkeypatch, "drop_table", "delete orders --with-offline-data --force")

    assert sfs(f"runs resume {run}").code == 4
    sfs.ok(f"runs resume {run}", typed="orders\n")


def test_a_cap_of_nothing_keeps_a_group(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders", online=False))

    answer = sfs("delete orders --force --max-delete 0")

    assert answer.code == 7
    assert store.describe("orders").name == "orders"
    store.close()


@pytest.mark.parametrize(
    ("by_now", "said"),
    [
        (True, "the bucket of {root} keeps older versions: objects only get delete markers"),
        (None, "whether the bucket of {root} keeps older versions is not known"),
    ],
)
def test_a_bucket_that_keeps_versions_by_now_is_told_of_and_the_deletion_goes_on(
    sfs: Sfs, monkeypatch: pytest.MonkeyPatch, by_now: bool | None, said: str
):
    """The group is gone by then: refused, its objects would be nobody's."""
    run = stopped(sfs, monkeypatch, "delete_objects", "delete orders --with-offline-data --force")

    monkeypatch.setattr(LocalStore, "keeps_versions", lambda *_: by_now)
    answer = sfs.ok(f"runs resume {run} --force")

    (root,) = {line.split(" -> ")[0].rpartition(" ")[2] for line in answer.stderr.splitlines() if "list again" in line}
    assert said.format(root=root) in answer.stderr
    assert list((sfs.store / "s3").rglob("*.parquet")) == []
