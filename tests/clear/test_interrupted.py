"""Clears that are killed, stopped, starved of disk or disturbed, in processes of their own, and gone on with."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sfs_core import FeatureGroup, SystemClock
from sfs_core.testing import filled, history, ids_in, new_group, objects_in, record
from sfs_plugins.local_store import LocalStore
from tests.clear.process import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def opened(machine: Machine) -> LocalStore:
    return LocalStore(connection="dev", clock=SystemClock(), path=machine.store)


def make(machine: Machine, name: str, records: int, *, offline: bool = True) -> FeatureGroup:
    rows = (record(f"r{n}", f"2025-05-{1 + n % 28:02}T00:00:00Z", city="Oslo") for n in range(records))
    store = opened(machine)
    try:
        return filled(store, new_group(name, offline=offline), *rows)
    finally:
        store.close()


def held(machine: Machine, group: FeatureGroup) -> tuple[list[str], int, int]:
    """Return ids of the online store, tombstones too, and how many versions and objects the offline store has."""
    store = opened(machine)
    try:
        ids = ids_in(store, group, soft_deleted=True)
        if group.offline is None:
            return ids, 0, 0
        return ids, len(history(store, group)), len(objects_in(store, group))
    finally:
        store.close()


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed_the_group_is_empty_and_nothing_else_is_touched(machine: Machine):
    machine.delay_seconds = 0.02
    neighbour = make(machine, "orders-1", 30)
    before = held(machine, neighbour)
    moments = random.Random(7)

    for number in range(3):
        group = make(machine, f"orders{number}", 400)
        process = machine.start("clear", group.name, "--force", "--batch-size", "10", "--max-workers", "2")
        process.wait_for("Clear the online store")
        time.sleep(moments.uniform(0, 1.0))
        process.popen.kill()
        process.ended()
        run = machine.runs()[-1]

        if held(machine, group) != ([], 0, 0):
            # killed before the plan was confirmed, a run is no more than a folder, and cannot be resumed
            resumed = machine("runs", "resume", run, "--force")
            if resumed.code == 4:
                assert "it was never confirmed" in resumed.stderr
                resumed = machine("clear", group.name, "--force")
            assert resumed.code == 0, resumed.stderr

        assert held(machine, group) == ([], 0, 0)
        assert held(machine, neighbour) == before


@pytest.mark.slow
def test_ctrl_c_once_finishes_what_is_in_flight_and_the_run_can_be_resumed(machine: Machine):
    machine.delay_seconds = 0.3
    group = make(machine, "orders", 100)
    process = machine.start("clear", "orders", "--force", "--batch-size", "10", "--max-workers", "1")
    journal = process_journal(machine)

    process.popen.send_signal(signal.SIGINT)
    ended = process.ended()

    assert ended.code == 130
    name = machine.runs()[0]
    assert ended.stderr.splitlines()[-2:] == [
        "error: stopped as asked",
        f"`sagemaker-fs runs show {name}` lists what was not done; `sagemaker-fs runs resume {name}` tries again",
    ]
    lines = journal.read_text().splitlines()
    begun, over = (sum(word in line for line in lines) for word in ('"begun"', '"records"'))
    assert begun == over < 10
    assert len(held(machine, group)[0]) == 100 - 10 * over
    machine.delay_seconds = 0
    assert machine("runs", "resume", name, "--force").code == 0
    assert held(machine, group) == ([], 0, 0)


def process_journal(machine: Machine) -> Path:
    """Return the journal of the one run, once its second batch has begun."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for path in (machine.state / "runs").glob("*/journal.jsonl"):
            if path.read_text().count('"begun"') > 1:
                return path
        time.sleep(0.02)
    raise AssertionError("no batch began")


@pytest.mark.slow
def test_ctrl_c_twice_stops_at_once_and_the_run_can_be_resumed(machine: Machine):
    machine.delay_seconds = 20
    group = make(machine, "orders", 20)
    process = machine.start("clear", "orders", "--force", "--batch-size", "10")
    process_journal(machine)

    process.popen.send_signal(signal.SIGINT)
    process.wait_for("stopping: what is in flight is finished first; once more stops at once")
    time.sleep(0.5)
    process.popen.send_signal(signal.SIGINT)
    began = time.monotonic()
    ended = process.ended()

    assert ended.code == 130
    assert time.monotonic() - began < 5
    machine.delay_seconds = 0
    assert machine("runs", "resume", machine.runs()[0], "--force").code == 0
    assert held(machine, group) == ([], 0, 0)


@pytest.mark.slow
def test_one_ctrl_c_passed_on_by_a_wrapper_is_still_one(machine: Machine):
    machine.delay_seconds = 0.5
    make(machine, "orders", 60)
    process = machine.start("clear", "orders", "--force", "--batch-size", "10", "--max-workers", "1")
    process_journal(machine)

    process.popen.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.popen.send_signal(signal.SIGINT)
    ended = process.ended()

    assert ended.code == 130
    assert "error: stopped as asked" in ended.stderr


@pytest.mark.slow
def test_ctrl_c_while_ids_are_written_down_leaves_nothing(machine: Machine):
    make(machine, "orders", 10, offline=False)
    pipe = machine.folder / "ids"
    os.mkfifo(pipe)
    process = machine.start("clear", "orders", "--force", "--ids", "file", "--file-path", str(pipe))
    with pipe.open("w") as file:
        file.write("r1\n")
        file.flush()
        time.sleep(0.3)
        process.popen.send_signal(signal.SIGINT)
        ended = process.ended()

    assert (ended.code, ended.stderr) == (130, "error: stopped as asked\n")
    assert machine.runs() == []


@pytest.mark.slow
def test_two_clears_of_one_group_at_once(machine: Machine):
    machine.delay_seconds = 1
    make(machine, "orders", 30)
    first = machine.start("clear", "orders", "--force", "--batch-size", "10", "--max-workers", "1")
    process_journal(machine)
    name = machine.runs()[0]

    second = machine("clear", "ORDERS", "--force")
    resumed = machine("runs", "resume", name, "--force")

    assert (second.code, resumed.code) == (4, 4)
    assert second.stderr == (
        f"error: run {name} (process {first.popen.pid}) is changing dev:orders already: wait for it, or see "
        f"`sagemaker-fs runs show {name}`\n"
    )
    assert resumed.stderr == (
        f"error: run {name} is still going on in process {first.popen.pid}: wait for it, or stop it with Ctrl-C there\n"
    )
    assert first.ended().code == 0
    assert machine.runs() == [name]


@pytest.mark.slow
def test_a_full_disk_while_ids_are_written_down_is_one_sentence_and_nothing_is_left(machine: Machine):
    group = make(machine, "orders", 10, offline=False)
    ids = machine.folder / "ids.csv"
    ids.write_text("id\n" + "".join(f"an-id-that-is-not-there-{n}\n" for n in range(100_000)))

    ended = machine("clear", "orders", "--force", "--ids", "file", "--file-path", str(ids), limit=at_most(1_000_000))

    assert ended.code == 12
    lines = ended.stderr.splitlines()
    assert len(lines) == 1
    # SQLite tells a limit on files, unlike a full disk, as a disk error
    assert lines[0].startswith(f"error: runs cannot be written down in {machine.state}/runs/")
    assert lines[0].endswith("/spool (disk I/O error): mend that, or name another folder in SFS_STATE_DIR")
    assert machine.runs() == []
    assert len(held(machine, group)[0]) == 10


def at_most(size: int) -> Callable[[], None]:
    """Let files of a process grow to so many bytes: what a full disk looks like from within."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.slow
def test_a_run_is_resumed_from_any_folder_with_its_own_files_and_clock(machine: Machine):
    machine.delay_seconds = 0.5
    group = make(machine, "orders", 30, offline=False)
    (machine.folder / "ids.csv").write_text("id\n" + "".join(f"r{n}\n" for n in range(29)))
    line = "clear orders --force --batch-size 10 --max-workers 1 --ids file --file-path ids.csv"
    process = machine.start(*line.split())
    process_journal(machine)
    process.popen.kill()
    process.ended()
    (machine.folder / "ids.csv").write_text("id\nr29\n")
    elsewhere = machine.folder / "elsewhere"
    elsewhere.mkdir()
    machine.delay_seconds = 0

    resumed = machine("runs", "resume", machine.runs()[0][:8], "--force", cwd=elsewhere)

    assert resumed.code == 0, resumed.stderr
    assert held(machine, group)[0] == ["r29"]
    said_at = [
        line.split(" at ")[1][:20] for line in (process.said() + resumed.stderr).splitlines() if " 1. 29" in line
    ]
    assert len(said_at) == 3
    assert len(set(said_at)) == 1
