"""Going on with destructive runs, seen by an enemy: only what was asked for is deleted, and once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from sfs_core import Batch, Delete, Fact, FeatureGroup, Interrupted, Put, Remark, StoreUnavailable, other_groups
from sfs_core.testing import Record, filled, ids_in, new_group, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs
from tests.parts import plugin


class Throttled(StoreUnavailable):
    """The store has too much to do."""

    sentence = "slow down"


@dataclass
class TroubledStore(LocalStore):
    """The local store; files in its folder make trouble: `throttle` fails one deletion, `stop` ends at a change.

    With `lose` a record is deleted, and said to be not.
    """

    name: ClassVar[str] = "troubled"

    def _trouble(self, name: str) -> bool:
        return (self.path / name).exists()

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        if self._trouble("stop"):
            raise Interrupted
        left = next((left for name, left in (("throttle", 1), ("lose", 0)) if self._trouble(name)), None)
        if left is None:
            yield from super().delete_records(group, batches, how)
            return
        (self.path / ("throttle" if left else "lose")).unlink()
        for batch in batches:
            rest = Batch(batch.number, batch.records.slice(left))
            list(super().delete_records(group, [rest], how))
            yield Fact.of(batch, [Remark.failed(0, Throttled())])

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        if self._trouble("stop-puts"):
            raise Interrupted
        yield from super().put(group, batches, how)

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


def make(sfs: Sfs, name: str, *records: Record, offline: bool = True) -> FeatureGroup:
    store = opened(sfs)
    try:
        return filled(store, new_group(name, offline=offline), *records)
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

    troubled(f"runs resume {only_run(troubled)} --force")

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

    refused = troubled(f"runs resume {only_run(troubled)} --force")

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
        troubled.ok(f"runs resume {run} --force")
        hold(self)

    monkeypatch.setattr(locks.Locks, "hold", after_another)
    refused = troubled(f"runs resume {run} --force")

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

    troubled.ok(f"clear orders --unprotect --force --resume {only_run(troubled)}")

    assert online(troubled, "orders") == []


def a_clear_that_was_stopped(troubled: Sfs) -> str:
    """Stop a clear of two records before it deletes any; then one of them is put again, and another one anew."""
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"), record("2", "2025-05-02T00:00:00Z"))
    stop = trouble(troubled, "stop")
    assert troubled("clear orders --force").code == 130
    stop.unlink()
    troubled.ok("put orders id=2 at=2025-07-01T00:00:00Z")
    troubled.ok("put orders id=3 at=2025-07-01T00:00:00Z")
    return clear_of(troubled)


@pytest.mark.parametrize("line", ["runs resume {}", "clear orders --resume {}"])
def test_a_clear_does_not_go_on_over_what_was_put_since_where_nobody_can_be_asked(troubled: Sfs, line: str):
    run = a_clear_that_was_stopped(troubled)

    refused = troubled(line.format(run))

    assert (refused.code, refused.stderr.splitlines()[-1]) == (
        4,
        f"error: run {run} was confirmed at 2025-06-01T00:00:00Z, and going on deletes what was put into dev:orders "
        "since, too; there is no terminal to ask on, so nothing was changed: give --force if that is meant",
    )
    assert online(troubled, "orders") == ["1", "2", "3"]


@pytest.mark.parametrize(("typed", "code", "left"), [("order", 4, ["1", "2", "3"]), ("orders", 0, [])])
def test_whoever_goes_on_with_a_clear_is_asked_again(troubled: Sfs, typed: str, code: int, left: list[str]):
    run = a_clear_that_was_stopped(troubled)

    answer = troubled(f"runs resume {run}", typed=f"{typed}\n")

    assert answer.code == code, answer
    assert (
        f"run {run} was confirmed at 2025-06-01T00:00:00Z: 4 of what it wrote down to delete are left, and what was "
        "put into dev:orders since then is deleted too, also where it has the same record ids\n"
    ) in answer.stderr
    assert online(troubled, "orders") == left


def test_a_migration_that_has_emptied_its_target_goes_on_without_a_question(troubled: Sfs):
    rows = [record(str(number), f"2025-05-0{number}T00:00:00Z") for number in (1, 2, 3)]
    make(troubled, "old", *rows)
    make(troubled, "new", *rows)
    stop = trouble(troubled, "stop-puts")
    assert troubled("migrate old new --clear-target --force").code == 130
    assert online(troubled, "new") == []
    stop.unlink()

    troubled.ok(f"runs resume {only_run(troubled)}")

    assert online(troubled, "new") == ["1", "2", "3"]


def test_a_spool_that_was_half_removed_when_the_process_was_killed_is_not_written_down_anew(
    troubled: Sfs, monkeypatch: pytest.MonkeyPatch
):
    """What is gone of it would be listed again, and what was put since would be deleted."""
    make(troubled, "orders", record("1", "2025-05-01T00:00:00Z"))

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if path.exists():
            next(path.iterdir()).unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sfs_core.journal.shutil.rmtree", killed)
        troubled("clear orders --force")
    troubled.ok("put orders id=2 at=2025-07-01T00:00:00Z")

    refused = troubled(f"runs resume {clear_of(troubled)} --force")
    troubled.ok("clear orders --dry-run")

    assert refused.code == 4, refused
    assert online(troubled, "orders") == ["2"]
    folder = troubled.folder / "state" / "runs" / clear_of(troubled)
    assert [path.name for path in folder.iterdir() if "spool" in path.name] == []


def clear_of(sfs: Sfs) -> str:
    """Return the name of the one run of `clear`."""
    (run,) = (path.name for path in (sfs.folder / "state" / "runs").iterdir() if "-clear-" in path.name)
    return run


def test_a_listing_with_failures_to_try_again_is_asked_about_though_a_later_one_found_nothing(troubled: Sfs):
    """What failed is deleted then, and with it what was put since under the same record ids."""
    rows = [record(str(number), f"2025-05-0{number}T00:00:00Z") for number in (1, 2, 3)]
    make(troubled, "old", *rows)
    make(troubled, "new", *rows, offline=False)
    for name in ("throttle", "lose", "stop-puts"):
        trouble(troubled, name)
    assert troubled("migrate old new --clear-target --on-error skip --force").code == 130
    (troubled.store / "stop-puts").unlink()
    troubled.ok("put new id=1 --event-time now")

    answer = troubled(f"runs resume {only_run(troubled)}")

    assert answer.code == 4, answer
    assert online(troubled, "new") == ["1"]
