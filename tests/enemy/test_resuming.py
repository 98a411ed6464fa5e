"""Going on with destructive runs, seen by an enemy: only what was asked for is deleted, and once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from sfs_core import Batch, Delete, Fact, FeatureGroup, Interrupted, Remark, StoreUnavailable, other_groups
from sfs_core.testing import Record, filled, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs
from tests.parts import plugin


class Throttled(StoreUnavailable):
    """The store has too much to do."""

    sentence = "slow down"


@dataclass
class TroubledStore(LocalStore):
    """The local store; files in its folder make trouble: `throttle` fails one deletion, `stop` ends at a change."""

    name: ClassVar[str] = "troubled"

    def _trouble(self, name: str) -> bool:
        return (self.path / name).exists()

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        if self._trouble("stop"):
            raise Interrupted
        if not self._trouble("throttle"):
            yield from super().delete_records(group, batches, how)
            return
        (self.path / "throttle").unlink()
        for batch in batches:
            rest = Batch(batch.number, batch.records.slice(1))
            list(super().delete_records(group, [rest], how))
            yield Fact.of(batch, [Remark.failed(0, Throttled())])

    def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        if self._trouble("stop-objects"):
            raise Interrupted
        yield from super().delete_objects(group, batches)


@pytest.fixture
def troubled(sfs: Sfs) -> Sfs:
    sfs.plugins.append(("troubled", plugin(sfs_stores=[TroubledStore])))
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "troubled"\npath = {str(sfs.store)!r}\n')
    return sfs


def opened(sfs: Sfs) -> LocalStore:
    return LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)


def make(sfs: Sfs, name: str, *records: Record) -> FeatureGroup:
    store = opened(sfs)
    try:
        return filled(store, new_group(name), *records)
    finally:
        store.close()


def online(sfs: Sfs, name: str) -> list[str]:
    store = opened(sfs)
    try:
        return ids_in(store, store.describe(name))
    finally:
        store.close()


def trouble(sfs: Sfs, name: str) -> Path:
    path = sfs.store / name
    path.touch()
    return path


def only_run(sfs: Sfs) -> str:
    (run,) = (sfs.folder / "state" / "runs").iterdir()
    return run.name


def test_a_deletion_that_failed_and_was_made_good_is_not_repeated_on_what_was_put_after_it(troubled: Sfs):
    rows = [record(str(number), f"2025-05-0{number}T00:00:00Z") for number in (1, 2, 3)]
    make(troubled, "old", *rows)
    make(troubled, "new", *rows)
    trouble(troubled, "throttle")
    first = troubled("migrate old new --clear-target --on-error skip --force --verify none")
    assert first.code == 3, first
    assert online(troubled, "new") == ["1", "2", "3"]

    troubled(f"runs resume {only_run(troubled)}")

    assert online(troubled, "new") == ["1", "2", "3"]


def test_a_dry_run_of_a_run_to_go_on_with_changes_nothing(troubled: Sfs):
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force").code == 130
    stop.unlink()

    refused = troubled(f"clear orders --dry-run --resume {only_run(troubled)}")

    assert online(troubled, "orders") == ["1"]
    assert refused.code == 4


@pytest.mark.parametrize("more", ["--online-only", "--max-delete 0", "--online-only --force"])
def test_a_run_is_not_gone_on_with_beside_options_it_was_not_given(troubled: Sfs, more: str):
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force").code == 130
    stop.unlink()

    refused = troubled(f"clear orders {more} --resume {only_run(troubled)}")

    assert online(troubled, "orders") == ["1"]
    assert refused.code == 4


def test_a_run_goes_on_beside_its_own_options(troubled: Sfs):
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force --max-workers=2").code == 130
    stop.unlink()

    troubled.ok(f"clear orders --max-workers 2 --force --log-format json --resume {only_run(troubled)}")

    assert online(troubled, "orders") == []


def test_a_connection_that_is_protected_by_now_is_not_changed_by_an_earlier_run(troubled: Sfs):
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force").code == 130
    stop.unlink()
    config = (troubled.folder / "config.toml").read_text("utf-8")
    troubled.configure(config + "protected = true\n")

    refused = troubled(f"runs resume {only_run(troubled)}")

    assert refused.code == 4
    assert online(troubled, "orders") == ["1"]


def test_a_run_that_came_to_its_end_while_it_was_looked_up_is_not_gone_through_again(
    troubled: Sfs, monkeypatch: pytest.MonkeyPatch
):
    """Two `runs resume` at once: the second one read the run before the first one ended it."""
    from sfs_core import locks

    rows = [record(str(number), f"2025-05-0{number}T00:00:00Z") for number in (1, 2, 3)]
    make(troubled, "old", *rows)
    make(troubled, "new", *rows)
    stop = trouble(troubled, "stop")
    assert troubled("migrate old new --clear-target --force").code == 130
    stop.unlink()
    run, hold = only_run(troubled), locks.Locks.hold

    def after_another(self: locks.Locks) -> None:
        monkeypatch.setattr(locks.Locks, "hold", hold)
        troubled.ok(f"runs resume {run}")
        hold(self)

    monkeypatch.setattr(locks.Locks, "hold", after_another)
    refused = troubled(f"runs resume {run}")

    assert online(troubled, "new") == ["1", "2", "3"]
    assert refused.code == 4, refused


def test_a_group_of_the_same_name_made_anew_is_another_group(sfs: Sfs):
    old = make(sfs, "orders", record("1", "2025-05-01T00:00:00Z"))
    store = opened(sfs)
    store.delete("orders")
    store.close()
    sfs.clock.instant = sfs.clock.now().plus(1)
    new = make(sfs, "orders")

    store = opened(sfs)
    others = list(other_groups(store, old))
    store.close()

    assert new.created_at != old.created_at
    assert [group.created_at for group in others] == [new.created_at]


def test_protection_is_lifted_from_an_earlier_run_beside_its_own_command(troubled: Sfs):
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force").code == 130
    stop.unlink()
    config = (troubled.folder / "config.toml").read_text("utf-8")
    troubled.configure(config + "protected = true\n")

    troubled.ok(f"clear orders --unprotect --resume {only_run(troubled)}")

    assert online(troubled, "orders") == []
