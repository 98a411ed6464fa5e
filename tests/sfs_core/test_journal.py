"""Runs on disk: their folders, their journals, what they hold."""

from __future__ import annotations

import json
import stat
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from sfs_core import (
    SPOOLING,
    Batch,
    Ended,
    Fact,
    Fate,
    GroupBusy,
    Journal,
    Locks,
    Remark,
    Run,
    RunAmbiguous,
    RunBusy,
    RunDamaged,
    RunNotFound,
    is_going_on,
    record_ids,
    say,
)
from sfs_core.testing import NOON


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.new(tmp_path, "clear", ["clear", "orders"], NOON, {})


def fact(number: int, *ids: str, failed: tuple[int, ...] = ()) -> Fact:
    remarks = [Remark(row, Fate.FAILED, "Stubborn", say("it would not have it")) for row in failed]
    return Fact.of(Batch(number, record_ids(ids)), remarks)


def opened(run: Run) -> Journal:
    return Journal(run)


# run folders


def test_a_run_folder_is_private_and_named_by_time(run: Run):
    assert run.name.startswith("20250601-120000-clear-")
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert json.loads((run.folder / "run.json").read_text()) == {
        "command": "clear",
        "argv": ["clear", "orders"],
        "at": NOON.nanoseconds,
    }


def test_a_run_is_loaded_by_its_name_or_by_how_it_begins(run: Run, tmp_path: Path):
    assert Run.load(tmp_path, run.name) == run
    assert Run.load(tmp_path, run.name[:-1]) == run
    assert Run.load(tmp_path, "2025") == run


@pytest.mark.parametrize("name", ["", "x", "*", "2025*", "**", "..", ".", "/", "[2]", "../runs", "2025/.."])
def test_what_names_no_run_is_not_found(run: Run, tmp_path: Path, name: str):
    with pytest.raises(RunNotFound) as refused:
        Run.load(tmp_path, name)

    assert str(refused.value) == f"no run {name!r} in {tmp_path}/runs: `sagemaker-fs runs list` shows them"


def test_without_any_run_none_is_found(tmp_path: Path):
    with pytest.raises(RunNotFound):
        Run.load(tmp_path, "2025")
    assert Run.all(tmp_path) == []


def test_how_two_runs_begin_names_neither(run: Run, tmp_path: Path):
    other = Run.new(tmp_path, "clear", [], NOON, {})

    with pytest.raises(RunAmbiguous) as refused:
        Run.load(tmp_path, "2025")

    both = ", ".join(sorted([run.name, other.name]))
    assert str(refused.value) == f"several runs begin with '2025', so give more of the name: {both}"


def test_how_a_damaged_run_begins_is_not_taken_for_another_run(run: Run, tmp_path: Path):
    damaged = Run.new(tmp_path, "clear", [], NOON, {})
    (damaged.folder / "run.json").write_text("")

    with pytest.raises(RunAmbiguous):
        Run.load(tmp_path, "2025")
    with pytest.raises(RunDamaged):
        Run.load(tmp_path, damaged.name)


def test_a_name_that_another_run_begins_with_is_a_name(run: Run, tmp_path: Path):
    longer = run.folder.with_name(run.name + "0")
    longer.mkdir()
    (longer / "run.json").write_text("{}")

    assert Run.load(tmp_path, run.name) == run


def test_a_run_remembers_what_it_found_first(run: Run, tmp_path: Path):
    run.remember("answer", lambda: 42)

    assert Run.load(tmp_path, run.name).remember("answer", lambda: 7) == 42


def test_a_file_of_a_run_is_whole_or_not_there(run: Run):
    plan = {"title": "Clear memory:old", "steps": [], "notes": [], "changes": [], "lines": []}
    run.write("plan.json", plan)
    (run.folder / "plan.json.partial").write_text('{"ste')

    assert run.plan == plan


# journals


def test_a_journal_opened_again_knows_what_ended_and_what_only_began(run: Run):
    journal = opened(run)
    for number in (0, 1, 2):
        journal.begin(1, 0, number)
    journal.end(1, 0, fact(0, "a", "b"))
    journal.end(1, 0, fact(2, "e"))
    journal.finish(2, 0)
    journal.close()

    again = opened(run)

    earlier = again.earlier(1, 0)
    assert [earlier.attempt_of(number) for number in range(4)] == [1, 0, 1, 0]
    assert (earlier.begun, earlier.total()) == ({1}, ended(3))
    assert (again.finished, again.attempt) == ({(2, 0)}, 2)
    assert [again.knows(step, 0) for step in (1, 2, 3)] == [True, True, False]


def test_what_failed_is_not_in_doubt_once_a_later_step_is_over_even_one_that_had_nothing_to_do(run: Run):
    """A listing that found nothing: what was put since under the same record ids is not deleted."""
    journal = opened(run)
    journal.begin(1, 0, 0)
    journal.end(1, 0, fact(0, "a", failed=(0,)))
    journal.finish(1, 0)
    journal.finish(2, 0)
    journal.close()

    again = opened(run)

    assert (again.earlier(1, 0).begun, again.finished) == (set(), {(1, 0), (2, 0)})


def ended(records: int, failed: int = 0, attempt: int = 1) -> Ended:
    return Ended(records, records - failed, Counter(), Counter(Stubborn=failed) if failed else Counter(), attempt)


def test_a_batch_with_failures_is_in_doubt_the_next_time(run: Run):
    journal = opened(run)
    journal.end(1, 0, fact(0, "a", "b", failed=(1,)))
    journal.finish(1, 0)
    journal.close()

    again = opened(run)

    earlier = again.earlier(1, 0)
    assert (earlier.attempt_of(0), earlier.begun, earlier.total()) == (0, {0}, ended(0))
    assert again.finished == set()


def test_a_batch_that_was_tried_again_counts_as_it_ended_last(run: Run):
    for failed in ((0, 1), (1,), ()):
        journal = opened(run)
        journal.end(1, 0, fact(0, "a", "b", failed=failed))
        journal.close()

    assert run.counts() == {1: ended(2)}
    assert list(run.remarks()) == []
    assert opened(run).earlier(1, 0).attempt_of(0) == 3


def test_what_ended_takes_a_few_bytes_a_batch_when_a_run_is_gone_on_with(run: Run):
    lines = '{{"step": 1, "round": 0, "batch": {n}, "begun": true}}\n'
    lines += '{{"step": 1, "round": 0, "batch": {n}, "records": 1000, "done": 1000}}\n'
    (run.folder / "journal.jsonl").write_text("".join(lines.format(n=n) for n in range(20_000)))

    tracemalloc.start()
    journal = opened(run)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    journal.close()

    assert journal.earlier(1, 0).total() == ended(20_000_000)
    assert held < 20_000 * 8


@pytest.mark.parametrize("torn", [b"{", b'{"step": 1, "round": 0, "ba', b'"caf\xc3', b"x" * 3_000_000])
def test_a_torn_last_line_is_cut_off(run: Run, torn: bytes):
    journal = opened(run)
    journal.end(1, 0, fact(0, "a", failed=(0,)))
    journal.close()
    for name in ("journal.jsonl", "remarks.jsonl"):
        with (run.folder / name).open("ab") as file:
            file.write(torn)

    again = opened(run)
    again.end(1, 0, fact(1, "b"))
    again.close()

    assert len(list(run.remarks())) == 1
    assert run.counts() == {1: ended(2, failed=1)}
    for name in ("journal.jsonl", "remarks.jsonl"):
        lines = (run.folder / name).read_bytes().splitlines(keepends=True)
        assert [json.loads(line) for line in lines if line.endswith(b"\n")]
        assert lines[-1].endswith(b"\n")


def test_a_journal_that_is_nothing_but_a_torn_line_is_empty(run: Run):
    (run.folder / "journal.jsonl").write_bytes(b'{"opened"')

    journal = opened(run)
    journal.close()

    assert journal.attempt == 1
    assert (run.folder / "journal.jsonl").read_text() == '{"opened": 1}\n'


def test_reading_a_journal_under_way_changes_nothing(run: Run):
    journal = opened(run)
    journal.end(1, 0, fact(0, "a"))
    with (run.folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"step": 1')
    before = (run.folder / "journal.jsonl").read_bytes()

    counts = run.counts()

    assert counts == {1: ended(1)}
    assert (run.folder / "journal.jsonl").read_bytes() == before


# remarks


def test_each_record_not_done_is_kept_with_its_reason(run: Run):
    journal = opened(run)
    journal.end(1, 0, fact(0, "a", "b", failed=(1,)))
    journal.close()

    assert list(run.remarks()) == [
        {
            "step": 1,
            "round": 0,
            "batch": 0,
            "row": 1,
            "fate": "failed",
            "attempt": 1,
            "code": "Stubborn",
            "message": "it would not have it",
            "record": {"record_id": "b"},
        }
    ]


def test_what_a_later_attempt_made_good_is_left_out(run: Run):
    first = opened(run)
    first.end(1, 0, fact(0, "a", "b", failed=(0, 1)))
    first.close()
    second = opened(run)
    second.end(1, 0, fact(0, "a", "b", failed=(1,)))
    second.close()

    assert [remark["record"] for remark in run.remarks()] == [{"record_id": "b"}]
    assert run.counts() == {1: ended(2, failed=1)}


def test_remarks_are_chosen_by_fate(run: Run):
    journal = opened(run)
    skipped = Remark.skipped(0, "NotFound", say("not there"))
    journal.end(1, 0, Fact.of(Batch(0, record_ids(["a"])), [skipped]))
    journal.end(1, 0, fact(1, "b", failed=(0,)))
    journal.close()

    assert [remark["code"] for remark in run.remarks(Fate.SKIPPED)] == ["NotFound"]
    assert [remark["code"] for remark in run.remarks(Fate.FAILED)] == ["Stubborn"]


def test_records_refused_while_they_are_written_down_are_kept_too(run: Run):
    journal = opened(run)
    journal.reject(1, 0, record_ids(["a"]), [Remark(0, Fate.FAILED, "BadValue", say("no number"))])
    journal.close()

    assert [(remark["batch"], remark["code"]) for remark in run.remarks()] == [(SPOOLING, "BadValue")]


# locks


def locks(state: Path, run: Run) -> Locks:
    return Locks(state, run)


def test_two_runs_do_not_change_one_group_at_once(run: Run, tmp_path: Path):
    other = Run.new(tmp_path, "clear", [], NOON, {})
    first, second = locks(tmp_path, run), locks(tmp_path, other)
    first.take("local 1111 orders", "dev:orders")

    with pytest.raises(GroupBusy) as refused:
        second.take("local 1111 orders", "dev:orders")
    second.take("local 1111 others", "dev:others")
    first.release()
    second.take("local 1111 orders", "dev:orders")

    assert f"run {run.name} (process " in str(refused.value)
    assert "is changing dev:orders already: wait for it" in str(refused.value)


def test_two_processes_do_not_work_on_one_run(run: Run, tmp_path: Path):
    first, second = locks(tmp_path, run), locks(tmp_path, run)
    first.hold()

    with pytest.raises(RunBusy, match=f"run {run.name} is still going on in process"):
        second.hold()
    going = [is_going_on(run)]
    first.release()
    going.append(is_going_on(run))

    assert going == [True, False]
    second.hold()
