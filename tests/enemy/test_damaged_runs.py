"""Run folders that a power cut, another version or a hand has been in: one sentence each, and nothing is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfs_core import ExitCode, StoreUnavailable, say
from sfs_core.testing import filled, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs

Damage = Callable[[Path], object]


def unavailable(*_: object) -> None:
    raise StoreUnavailable(store="store", problem=say("it does not answer"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def appended(text: str) -> Damage:
    def append(path: Path) -> None:
        with path.open("a") as file:
            file.write(text)

    return append


def changed(**values: Any) -> Damage:
    """Set keys of a JSON file, or take out those that are None."""

    def change(path: Path) -> None:
        content = {**json.loads(path.read_text()), **values}
        path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return change


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Sfs:
    """A clear that was stopped before its first object; a record has been put since."""
    sfs = Sfs(tmp_path_factory.mktemp("stopped"))
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    filled(store, new_group("orders"), *(record(n, "2025-05-01T00:00:00Z") for n in "12"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalStore, "delete_objects", unavailable)
        assert sfs("clear orders --force --batch-size 1").code == 12
    sfs.ok("put orders id=8 --event-time now")
    store.close()
    return sfs


@pytest.mark.parametrize(
    ("file", "damage", "problem"),
    [
        ("run.json", cut, "Unterminated string starting at"),
        ("run.json", changed(cwd=None), "it lacks 'cwd'"),
        ("plan.json", cut, "Unterminated string starting at"),
        ("plan.json", changed(steps=None), "it lacks 'steps'"),
        ("report.json", changed(exit_code=None), "it lacks 'exit_code'"),
        ("journal.jsonl", appended("\0\0\0\n"), "Expecting value: line 1 column 1 (char 0)"),
        ("journal.jsonl", appended('{"begun": true}\n'), "it lacks 'step'"),
        ("journal.jsonl", appended("5\n"), "a line holds no object"),
        ("spool/1.json", Path.unlink, "it is gone"),
        ("spool/1.json", changed(count=3), "it holds 2, not 3"),
        ("spool/1.json", changed(unheard_of=1), "Spooled.__init__() got an unexpected keyword argument 'unheard_of'"),
        ("spool/2-0.json", Path.unlink, "it is gone"),
        ("spool/3.parquet", cut, "Parquet magic bytes not found in footer"),
    ],
)
def test_a_damaged_run_is_not_gone_on_with(stopped: Sfs, file: str, damage: Damage, problem: str):
    """Listed anew, what is written down no more would be what was put since."""
    (folder,) = (stopped.folder / "state" / "runs").glob("*-clear-*")
    path = folder / file
    kept = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    damage(path)

    answer = stopped(f"runs resume {folder.name} --force")
    listed = stopped("runs list")
    another = stopped("clear nothing --force")

    for one, content in kept.items():
        one.write_bytes(content)
    assert answer.code == ExitCode.REFUSED, answer
    said = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert f" of run {folder.name} is damaged or of another version ({problem}" in said[0]
    assert (listed.code, another.code) == (ExitCode.DONE, ExitCode.NOT_FOUND)
    store = LocalStore(connection="dev", clock=stopped.clock, path=stopped.store)
    assert ids_in(store, store.describe("orders")) == ["8"]
    assert len(list((stopped.store / "s3").rglob("*.parquet"))) == 2
    store.close()


def test_facts_of_a_later_version_and_a_torn_last_line_are_passed_over(stopped: Sfs):
    (folder,) = (stopped.folder / "state" / "runs").glob("*-clear-*")
    appended('{"step": 1, "round": 0, "heard": "nothing of it"}\n{"step": 3, "rou')(folder / "journal.jsonl")

    stopped.ok(f"runs resume {folder.name} --force")

    assert list((stopped.store / "s3").rglob("*.parquet")) == []
