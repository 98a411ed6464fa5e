"""Files of an offline store that break or go while they are read: an error in one sentence, never part of an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sfs_core.testing import filled, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from sfs_plugins.local_store.query import _Question
from tests.conftest import Sfs


def cut_to_nothing(path: Path) -> None:
    path.write_bytes(b"PAR1 no")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    "line",
    [
        "export orders out.jsonl",
        "bulk-delete orders --ids athena --force",
        "clear orders --ids s3-scan --online-only --force",
    ],
)
@pytest.mark.parametrize("harm", [cut_to_nothing, cut_short])
def test_a_broken_file_is_an_error_and_nothing_is_done(sfs: Sfs, line: str, harm: Callable[[Path], object]):
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    group = filled(store, new_group("orders"), record("1", "2025-05-01T00:00:00Z"), record("2", "2025-05-02T00:00:00Z"))
    store.settle(group)
    harm(sorted((sfs.store / "s3").rglob("*.parquet"))[0])

    answer = sfs(line)

    assert answer.code == (4 if "s3-scan" in line else 12), answer
    assert sorted(ids_in(store, group)) == ["1", "2"]
    store.close()


def test_a_file_that_goes_while_records_are_read_is_an_error(sfs: Sfs, monkeypatch: pytest.MonkeyPatch):
    """Another process deletes objects between the two looks at the files."""
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    group = filled(store, new_group("orders"), record("1", "2025-05-01T00:00:00Z"), record("2", "2025-05-02T00:00:00Z"))
    store.settle(group)
    find = _Question._find

    def found_and_gone(question: _Question) -> None:
        find(question)
        sorted((sfs.store / "s3").rglob("*.parquet"))[0].unlink()

    monkeypatch.setattr(_Question, "_find", found_and_gone)

    answer = sfs("export orders out.jsonl")

    assert answer.code == 12, answer
    assert not (sfs.folder / "out.jsonl").exists()
    store.close()
