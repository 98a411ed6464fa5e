"""Looking back at runs, and going on with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfs_core import (
    Batch,
    Fact,
    Fate,
    Given,
    Locks,
    Message,
    OnError,
    Plan,
    PlanCommand,
    Remark,
    Run,
    Session,
    Step,
    StoreUnavailable,
    record_ids,
    say,
)
from tests.conftest import Sfs
from tests.parts import plugin


@dataclass(frozen=True)
class Nibble:
    """A sink that skips `r1`, fails `r2`, and breaks down at `r3`, each as long as a file of that name is there."""

    folder: Path

    def describe(self) -> Message:
        return say("nibble at them")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        for batch in batches:
            ids = batch.records.column(0).to_pylist()
            trouble = [one for one in ids if (self.folder / one).exists()]
            if "r3" in trouble:
                raise StoreUnavailable(store="memory", problem="it went away")
            fates = {"r1": Fate.SKIPPED, "r2": Fate.FAILED}
            yield Fact.of(batch, [Remark(ids.index(one), fates[one], "Trouble", say("no")) for one in trouble])


class NibbleCommand(PlanCommand):
    """Nibbles at five record ids."""

    name = "nibble"
    description = "Nibble at five record ids."

    def plan(self) -> Plan:
        ids = Given(say("record ids at hand"), record_ids(f"r{number}" for number in range(5)))
        steps = (Step(ids, Nibble(self.environment.folder), batch_records=1),)
        return Plan(say("Nibble"), steps, (say("it hurts"),), on_error=OnError.SKIP)


@pytest.fixture
def nibbling(sfs: Sfs) -> Sfs:
    """A command line with the command `nibble`."""
    sfs.plugins.append(("nibbler", plugin(sfs_commands=[NibbleCommand])))
    return sfs


def with_trouble(sfs: Sfs, *ids: str) -> None:
    for one in ids:
        (sfs.folder / one).touch()


def runs(sfs: Sfs) -> Any:
    return sfs.ok("runs list --output json").json


def only_run(sfs: Sfs) -> str:
    (one,) = runs(sfs)
    return str(one["run"])


# list


def test_without_runs_the_list_is_empty(sfs: Sfs):
    assert sfs.ok("runs list").stdout == "run    command    target    when    state    done    skipped    failed\n"
    assert sfs.ok("runs list --output json").json == []


def test_a_run_that_is_done_is_listed(nibbling: Sfs):
    nibbling.ok("nibble")

    name = only_run(nibbling)
    assert nibbling.ok("runs list --output csv").stdout == (
        f"run,command,target,when,state,done,skipped,failed\n{name},nibble,,2025-06-01T00:00:00Z,done,5,0,0\n"
    )


@pytest.mark.parametrize(
    ("trouble", "code", "expected"),
    [
        ([], 0, {"state": "done", "done": 5, "skipped": 0, "failed": 0}),
        (["r1"], 0, {"state": "done", "done": 4, "skipped": 1, "failed": 0}),
        (["r1", "r2"], 3, {"state": "failed", "done": 3, "skipped": 1, "failed": 1}),
        (["r1", "r3"], 12, {"state": "failed", "done": 2, "skipped": 1, "failed": 0}),
    ],
)
def test_the_list_says_how_far_each_run_came(nibbling: Sfs, trouble: list[str], code: int, expected: dict[str, Any]):
    with_trouble(nibbling, *trouble)

    answer = nibbling("nibble")

    assert answer.code == code
    assert {key: runs(nibbling)[0][key] for key in expected} == expected


def test_a_killed_run_is_interrupted_and_counted_by_its_journal(nibbling: Sfs):
    with_trouble(nibbling, "r1", "r3")
    nibbling("nibble")
    # what a kill leaves has no report
    (state(nibbling) / "runs" / only_run(nibbling) / "report.json").unlink()

    (listed,) = runs(nibbling)

    assert (listed["state"], listed["done"], listed["skipped"]) == ("interrupted", 2, 1)


def state(sfs: Sfs) -> Path:
    return Path(sfs.environ["SFS_STATE_DIR"])


def test_a_run_without_a_confirmed_plan_is_planned(nibbling: Sfs):
    nibbling.ok("nibble")
    folder = state(nibbling) / "runs" / only_run(nibbling)
    for name in ("plan.json", "report.json"):
        (folder / name).unlink()

    (listed,) = runs(nibbling)

    assert (listed["state"], listed["target"], listed["done"]) == ("planned", None, 0)


def test_a_run_that_is_going_on_is_running(nibbling: Sfs):
    nibbling.ok("nibble")
    locks = Locks(state(nibbling), Run.load(state(nibbling), only_run(nibbling)))
    locks.hold()

    (listed,) = runs(nibbling)
    locks.release()

    assert listed["state"] == "running"


def test_runs_are_listed_by_age(nibbling: Sfs):
    for _ in range(3):
        nibbling.ok("nibble")
        nibbling.clock.instant = nibbling.clock.instant.plus(10**9)

    assert [run["when"] for run in runs(nibbling)] == [f"2025-06-01T00:00:0{second}Z" for second in range(3)]


# show


def test_show_tells_the_plan_the_counts_and_the_reasons(nibbling: Sfs):
    with_trouble(nibbling, "r1", "r2")
    nibbling("nibble")
    name = only_run(nibbling)

    shown = nibbling.ok(f"runs show {name}")

    seconds = json.loads((state(nibbling) / "runs" / name / "report.json").read_text())["seconds"]
    assert shown.stdout.splitlines() == [
        "name          value",
        f"run           {name}",
        "state         failed",
        "title         Nibble",
        "when          2025-06-01T00:00:00Z",
        "command_line  sagemaker-fs nibble",
        f"folder        {state(nibbling)}/runs/{name}",
        "exit_code     3",
        f"seconds       {seconds}",
        "throttles     0",
        "",
        "number    step                                         done    skipped    failed     left",
        "1         5 from record ids at hand -> nibble at them  3       1 Trouble  1 Trouble  0",
        "! it hurts",
        "",
        "step    fate     code     message    record",
        '1       skipped  Trouble  no         {"record_id": "r1"}',
        '1       failed   Trouble  no         {"record_id": "r2"}',
    ]


def test_show_as_json_is_the_whole_run(nibbling: Sfs):
    with_trouble(nibbling, "r1", "r3")
    nibbling("nibble")
    name = only_run(nibbling)

    shown = nibbling.ok(f"runs show {name} --output json").json

    line = "5 from record ids at hand -> nibble at them"
    assert (shown["run"], shown["state"], shown["exit_code"]) == (name, "failed", 12)
    assert shown["error"] == "memory cannot be used: it went away"
    assert shown["steps"] == [
        {"number": 1, "step": line, "done": 2, "skipped": {"Trouble": 1}, "failed": {}, "left": 2}
    ]
    assert shown["plan"]["title"] == "Nibble"
    assert [remark["record"] for remark in shown["remarks"]] == [{"record_id": "r1"}]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "jsonl",
            '{"step": 1, "round": 0, "batch": 1, "row": 0, "fate": "skipped", "code": "Trouble", "message": "no", '
            '"record": {"record_id": "r1"}}\n',
        ),
        (
            "csv",
            'step,round,batch,row,fate,code,message,record\n1,0,1,0,skipped,Trouble,no,"{""record_id"": ""r1""}"\n',
        ),
    ],
)
def test_show_by_line_is_the_records_not_done(nibbling: Sfs, output: str, expected: str):
    with_trouble(nibbling, "r1")
    nibbling("nibble")

    assert nibbling.ok(f"runs show {only_run(nibbling)} --output {output}").stdout == expected


def test_show_takes_how_a_name_begins(nibbling: Sfs):
    nibbling.ok("nibble")

    assert nibbling.ok("runs show 20250601 --output json").json["run"] == only_run(nibbling)


@pytest.mark.parametrize("verb", ["show", "resume"])
def test_an_unknown_run_is_one_sentence(nibbling: Sfs, verb: str):
    nibbling.ok("nibble")

    answer = nibbling(f"runs {verb} yesterday")

    assert (answer.code, answer.stdout, answer.stderr) == (
        10,
        "",
        f"error: no run 'yesterday' in {state(nibbling)}/runs: `sagemaker-fs runs list` shows them\n",
    )


@pytest.mark.parametrize("verb", ["show", "resume"])
def test_how_several_runs_begin_is_one_sentence(nibbling: Sfs, verb: str):
    nibbling.ok("nibble")
    nibbling.ok("nibble")

    answer = nibbling(f"runs {verb} 2025")

    names = ", ".join(run["run"] for run in runs(nibbling))
    assert (answer.code, answer.stderr) == (
        2,
        f"error: several runs begin with '2025', so give more of the name: {names}\n",
    )


# resume


def test_resume_does_what_was_left(nibbling: Sfs):
    with_trouble(nibbling, "r3")
    nibbling("nibble")
    (nibbling.folder / "r3").unlink()

    answer = nibbling.ok(f"runs resume {only_run(nibbling)}")

    (listed,) = runs(nibbling)
    assert (listed["state"], listed["done"]) == ("done", 5)
    assert "5 from record ids at hand -> nibble at them: 5 done" in answer.stderr


def test_resume_tries_failed_records_again(nibbling: Sfs):
    with_trouble(nibbling, "r2")
    nibbling("nibble")
    (nibbling.folder / "r2").unlink()

    nibbling.ok(f"runs resume {only_run(nibbling)}")

    assert nibbling.ok(f"runs show {only_run(nibbling)} --output jsonl").stdout == ""


def test_a_run_that_is_done_is_not_resumed(nibbling: Sfs):
    nibbling.ok("nibble")
    name = only_run(nibbling)

    answer = nibbling(f"runs resume {name}")

    assert (answer.code, answer.stderr) == (4, f"error: run {name} cannot be resumed: it came to its end\n")


def test_a_run_whose_spool_is_gone_is_not_resumed(nibbling: Sfs):
    with_trouble(nibbling, "r3")
    nibbling("nibble")
    name = only_run(nibbling)
    spool = state(nibbling) / "runs" / name / "spool"
    for path in spool.iterdir():
        path.unlink()
    spool.rmdir()

    answer = nibbling(f"runs resume {name}")

    assert (answer.code, answer.stderr) == (
        4,
        f"error: run {name} cannot be resumed: what it wrote down is gone: start it anew\n",
    )


def test_a_finished_run_keeps_no_records(nibbling: Sfs):
    nibbling.ok("nibble")

    folder = state(nibbling) / "runs" / only_run(nibbling)
    assert sorted(path.name for path in folder.iterdir()) == [
        "journal.jsonl",
        "lock",
        "plan.json",
        "remarks.jsonl",
        "report.json",
        "run.json",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
