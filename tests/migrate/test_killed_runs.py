"""SIGKILL at random moments of a migrate, then resume: the end is that of a run nobody interrupted."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from benchmarks.killed_runs import trials
from sfs_core import Run, SystemClock
from sfs_core.testing import filled, history, new_group, record
from sfs_plugins.local_store import LocalStore
from tests.clear.process import Machine, wait_until


@pytest.mark.slow
@pytest.mark.parametrize(("way", "seed"), [("latest", 11), ("history", 12), ("cleared", 13)])
def test_a_killed_migration_resumes_to_the_same_end(tmp_path, way, seed):
    told = list(trials(tmp_path, [way], 3, seed, ids=200))

    assert [same for _, _, same in told] == [True] * 3, told
    assert any("after-" in story for _, story, _ in told), told


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_stopped_while_it_compares_goes_on_comparing_and_writes_nothing_twice(
    tmp_path: Path, number: signal.Signals
):
    machine = Machine(tmp_path)
    fill(machine)
    hold = machine.store / "hold"
    hold.touch()
    process = machine.start("migrate", "old", "new", "--create-target", "--what", "latest")
    process.wait_for("3 done")
    time.sleep(0.2)
    process.popen.send_signal(number)
    process.ended()
    hold.unlink()
    (name,) = machine.runs()
    spool = machine.state / "runs" / name / "spool"
    assert spool.is_dir()

    resumed = machine("runs", "resume", name)
    again = machine("runs", "resume", name)

    assert resumed.code == 0, resumed
    assert "Compared 3 records read with the OnlineStore of dev:new, every record: 3 records, 3 equal" in resumed.stderr
    assert versions(machine, "new") == 3
    assert not spool.exists()
    assert (again.code, again.stderr) == (4, f"error: run {name} cannot be resumed: it came to its end\n")


@pytest.mark.slow
def test_a_run_killed_before_its_plan_was_confirmed_is_removed_by_the_next_one(tmp_path: Path):
    machine = Machine(tmp_path)
    fill(machine)
    hold = machine.store / "hold"
    hold.touch()
    process = machine.start("migrate", "old", "new", "--create-target", "--what", "online")
    wait_until(lambda: machine.runs() != [], 30, lambda: process.said())
    (killed,) = machine.runs()
    lock = machine.state / "runs" / killed / "lock"
    wait_until(lock.exists, 30, lambda: process.said())
    asking = machine("migrate", "old", "other", "--create-target", "--what", "latest", "--dry-run")
    os.utime(lock, (0, 0))
    while_it_lives = machine("migrate", "old", "other", "--create-target", "--what", "latest", "--dry-run")
    assert (asking.code, while_it_lives.code, machine.runs()) == (0, 0, [killed])
    process.popen.kill()
    process.ended()
    hold.unlink()

    machine("migrate", "old", "other", "--create-target", "--what", "latest", "--dry-run")

    assert machine.runs() == []


@pytest.mark.parametrize("changed", ["host", "lock"])
def test_a_run_of_another_machine_or_of_a_moment_ago_is_not_removed(sfs, dev, changed: str):
    dev.fill(new_group("old"), record("1", "2025-05-01T00:00:00Z"))
    state = Path(sfs.environ["SFS_STATE_DIR"])
    run = Run.new(state, "migrate", ["migrate", "old", "new"], sfs.clock.now(), {"host": socket.gethostname()})
    (run.folder / "lock").touch()
    if changed == "host":
        os.utime(run.folder / "lock", (0, 0))
        run.write("run.json", {**run.facts, "host": "another"})

    sfs.ok("migrate old new --create-target --dry-run")

    assert [path.name for path in (state / "runs").iterdir()] == [run.name]


def fill(machine: Machine) -> None:
    store = LocalStore("dev", SystemClock(), machine.store)
    filled(store, new_group("old"), *(record(str(n), f"2025-05-0{n}T00:00:00Z") for n in (1, 2, 3)))
    store.close()


def versions(machine: Machine, name: str) -> int:
    store = LocalStore("dev", SystemClock(), machine.store)
    try:
        return len(history(store, store.describe(name)))
    finally:
        store.close()
