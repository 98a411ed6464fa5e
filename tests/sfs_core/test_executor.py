"""The laws of the flow, on sources and sinks made for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sfs_core import MAX_ROUNDS, Batch, ExitCode, Fact, Fate, MaxErrors, OnError, Plan, Remark, Step, say
from sfs_core.testing import NOON
from tests.memory_session import Attempts, MemorySession, memory_session
from tests.sfs_core.faulty import Listing, Numbered, Taking, failing, files_of_at_most, stopping_at, unavailable_at


@pytest.fixture
def session(tmp_path: Path) -> MemorySession:
    return memory_session(tmp_path)


def plan(*steps: Step, **more: object) -> Plan:
    return Plan(say("A plan"), steps, **more)  # type: ignore[arg-type]


def step(source: object, into: object, size: int = 2, **more: object) -> Step:
    return Step(source, into, batch_records=size, **more)  # type: ignore[arg-type]


# nothing disappears


def test_every_record_has_one_outcome(session: MemorySession):
    sink = Taking(fault=failing("3", fate=Fate.SKIPPED))

    report = Attempts(session, plan(step(Numbered(5), sink))).go()

    assert report.lines()[1:] == ["  1. 5 from 5 numbers -> take them: 4 done, 1 skipped (Stubborn)"]
    assert report.exit_code is ExitCode.DONE
    assert sink.taken == [["0", "1"], ["2", "3"], ["4"]]


@pytest.mark.parametrize(
    ("fault", "given", "accounted"),
    [
        (lambda batch: Fact(batch, batch.records.num_rows - 1), 2, 1),
        (lambda batch: Fact(batch, batch.records.num_rows + 1), 2, 3),
        (lambda batch: Fact(batch, 0), 2, 0),
        (lambda batch: Fact(batch, 0, (remark(0), remark(0))), 2, 2),
        (lambda batch: None, 4, 0),
        (lambda batch: Fact.of(Batch(7, batch.records)), 2, 2),
        (lambda batch: Fact(batch, 1, (remark(2),)), 2, 1),
        (lambda batch: Fact(batch, 1, (remark(-1),)), 2, 1),
    ],
    ids=["one too few", "one too many", "none", "one twice", "no fact", "another batch", "no such row", "row before"],
)
def test_a_sink_that_loses_a_record_is_stopped(session: MemorySession, fault: object, given: int, accounted: int):
    after = Taking()
    bad = Taking(fault=fault)  # type: ignore[arg-type]

    report = Attempts(session, plan(step(Numbered(4), bad), step(Numbered(4), after))).go()

    assert report.exit_code is ExitCode.RECORDS_LOST
    assert str(report.error) == (
        f"Taking was given {given} records and accounted for {accounted}: this is a bug in that part"
    )
    assert after.taken == []


def remark(row: int) -> Remark:
    return Remark(row, Fate.FAILED, "Stubborn", say("no"))


def test_a_sink_that_accounts_for_one_batch_twice_is_stopped(session: MemorySession):
    class Twice(Taking):
        def into(self, batches, session):
            for fact in super().into(batches, session):
                yield fact
                yield fact

    report = Attempts(session, plan(step(Numbered(4), Twice()))).go()

    assert report.exit_code is ExitCode.RECORDS_LOST


def test_a_sink_may_finish_batches_in_any_order(session: MemorySession):
    class Backwards(Taking):
        def into(self, batches, session):
            yield from reversed(list(super().into(batches, session)))

    report = Attempts(session, plan(step(Numbered(5), Backwards()))).go()

    assert (report.exit_code, report.steps[0].done) == (ExitCode.DONE, 5)


# a failed step stops the next


@pytest.mark.parametrize("last", [False, True])
def test_a_failed_record_stops_the_next_step(session: MemorySession, last: bool):
    after = Taking()
    bad = Taking(fault=failing("4" if last else "0"))

    report = Attempts(session, plan(step(Numbered(5), bad), step(Numbered(5), after))).go()

    assert report.exit_code is ExitCode.RECORDS_FAILED
    assert report.steps[0].left == (0 if last else 3)
    assert after.taken == []


def test_a_store_that_goes_away_stops_the_next_step_and_the_report_says_what_is_left(session: MemorySession):
    after = Taking()
    gone = Taking(fault=unavailable_at(1))

    report = Attempts(session, plan(step(Numbered(5), gone), step(Numbered(5), after))).go()

    assert report.exit_code is ExitCode.STORE_UNAVAILABLE
    assert str(report.error) == "memory cannot be used: it went away"
    assert report.lines()[1:] == [
        "  1. 5 from 5 numbers -> take them: 2 done, 2 perhaps done, 1 not tried",
        "  2. 5 from 5 numbers -> take them: 0 done, 5 not tried",
    ]
    assert after.taken == []


def test_with_skip_the_others_are_tried_and_the_next_step_runs(session: MemorySession):
    after = Taking()
    bad = Taking(fault=failing("0"))

    report = Attempts(session, plan(step(Numbered(5), bad), step(Numbered(1), after), on_error=OnError.SKIP)).go()

    assert report.exit_code is ExitCode.RECORDS_FAILED
    assert (report.steps[0].done, report.steps[0].failed.total(), after.taken) == (4, 1, [["0"]])


@pytest.mark.parametrize(
    ("bound", "tried"), [(MaxErrors(count=1), 4), (MaxErrors(count=2), 6), (MaxErrors(count=9), 6)]
)
def test_more_failures_than_allowed_end_the_run(session: MemorySession, bound: MaxErrors, tried: int):
    bad = Taking(fault=failing("0", "2", "4"))

    report = Attempts(session, plan(step(Numbered(6), bad), on_error=OnError.SKIP, max_errors=bound)).go()

    assert report.steps[0].tried == tried
    assert report.exit_code is ExitCode.RECORDS_FAILED


def test_the_progress_counts_each_failure_once(session: MemorySession, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sfs_core.progress.LINE_SECONDS", 0.0)
    bad = Taking(fault=failing("0", "4"))

    Attempts(session, plan(step(Numbered(6), bad), on_error=OnError.SKIP)).go()

    said = [line.split(", ")[-2] for line in session.said.getvalue().splitlines() if line.startswith("take them")]
    assert said == ["1 failed", "1 failed", "2 failed"]


# until nothing is left


def test_a_listing_is_worked_off_and_asked_again_until_it_is_empty(session: MemorySession):
    sink = Taking()

    report = Attempts(session, plan(step(Listing([["a", "b"], ["c"]]), sink, until_empty=True))).go()

    assert sink.taken == [["a", "b"], ["c"]]
    assert (report.exit_code, report.steps[0].done) == (ExitCode.DONE, 3)


def test_a_listing_that_is_empty_after_the_last_round_is_a_success(session: MemorySession):
    rounds = [["a"]] * MAX_ROUNDS

    report = Attempts(session, plan(step(Listing(rounds), Taking(), until_empty=True))).go()

    assert (report.exit_code, report.steps[0].done) == (ExitCode.DONE, MAX_ROUNDS)


def test_a_listing_that_never_empties_ends_the_run(session: MemorySession):
    rounds = [["a"] for _ in range(MAX_ROUNDS)] + [["a", "b", "c"]] * 9
    after = Taking()

    report = Attempts(session, plan(step(Listing(rounds), Taking(), until_empty=True), step(Numbered(1), after))).go()

    assert report.exit_code is ExitCode.REFUSED
    assert str(report.error) == (
        "what is listed still holds 3 after 10 rounds: stop what writes to it, then `runs resume`"
    )
    assert after.taken == []


def test_what_never_emptied_is_listed_anew_by_a_further_attempt(session: MemorySession):
    sink = Taking()
    attempts = Attempts(session, plan(step(Listing([["a"]] * (MAX_ROUNDS + 1)), sink, until_empty=True)))
    attempts.go()

    report = attempts.go()

    assert report.exit_code is ExitCode.DONE
    assert sink.taken == [["a"]] * (MAX_ROUNDS + 1)


def test_a_record_that_fails_in_a_later_round_ends_the_step(session: MemorySession):
    after = Taking()
    bad = Taking(fault=failing("c"))

    report = Attempts(
        session, plan(step(Listing([["a"], ["c"]]), bad, until_empty=True), step(Numbered(1), after))
    ).go()

    assert report.exit_code is ExitCode.RECORDS_FAILED
    assert after.taken == []


def test_a_further_attempt_never_takes_an_old_listing_for_a_proof(session: MemorySession):
    later: list[list[str]] = [["a"], []]
    sink = Taking()
    attempts = Attempts(session, plan(step(Listing(later), sink, until_empty=True)))
    attempts.go()
    journal = attempts.run.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    # killed after the empty listing was written down, before it was taken note of
    journal.write_text("".join(line for line in lines if '"round": 1' not in line))
    later.append(["written meanwhile"])

    report = attempts.go()

    assert sink.taken == [["a"], ["written meanwhile"]]
    assert report.exit_code is ExitCode.DONE


# the deletion cap


def test_the_cap_holds_over_the_steps_and_rounds_of_one_kind(session: MemorySession):
    sink = Taking()
    steps = (
        step(Numbered(2), sink, destroys=True),
        step(Listing([["a"], ["b", "c"]]), sink, until_empty=True, destroys=True),
    )

    report = Attempts(session, plan(*steps, max_delete=4)).go()

    assert report.exit_code is ExitCode.DELETION_CAP
    assert sink.taken == [["0", "1"], ["a"]]


def test_what_destroys_nothing_has_no_cap(session: MemorySession):
    report = Attempts(session, plan(step(Numbered(5), Taking()), max_delete=1)).go()

    assert report.exit_code is ExitCode.DONE


# being stopped


def test_when_stopped_what_is_in_flight_is_finished_and_no_more_is_taken(session: MemorySession):
    sink = Taking(fault=stopping_at(1, session.stop))

    report = Attempts(session, plan(step(Numbered(6), sink))).go()

    assert report.exit_code is ExitCode.INTERRUPTED
    assert sink.taken == [["0", "1"], ["2", "3"]]
    assert report.lines()[1:] == ["  1. 6 from 6 numbers -> take them: 4 done, 2 not tried"]


def test_when_stopped_in_its_last_batch_a_step_is_over_and_the_next_does_not_begin(session: MemorySession):
    after = Taking()
    last = Taking(fault=stopping_at(2, session.stop))

    report = Attempts(session, plan(step(Numbered(6), last), step(Numbered(6), after))).go()

    assert report.exit_code is ExitCode.INTERRUPTED
    assert (report.steps[0].finished, after.taken) == (True, [])


def test_waiting_can_be_stopped(session: MemorySession):
    session.stop.set()

    report = Attempts(session, plan(step(Listing([]), Taking(), until_empty=True, after=timedelta(hours=1)))).go()

    assert report.exit_code is ExitCode.INTERRUPTED
    assert session.said.getvalue() == "waiting 60 minutes\n"


# going on


def test_a_further_attempt_does_the_rest_and_nothing_twice(session: MemorySession):
    sink = Taking(fault=stopping_at(1, session.stop))
    attempts = Attempts(session, plan(step(Numbered(6), sink)))
    attempts.go()
    session.stop.clear()

    report = attempts.go()

    assert sink.taken == [["0", "1"], ["2", "3"], ["4", "5"]]
    assert report.lines()[1:] == ["  1. 6 from 6 numbers -> take them: 6 done"]


def test_batches_that_began_and_did_not_end_come_again_in_doubt(session: MemorySession):
    sink = Taking(fault=unavailable_at(1))
    attempts = Attempts(session, plan(step(Numbered(6), sink)))
    attempts.go()
    object.__setattr__(sink, "fault", None)

    report = attempts.go()

    assert (sink.doubted, report.exit_code) == ([1], ExitCode.DONE)
    assert sorted(number for batch in sink.taken for number in batch) == list("012345")


def test_failed_records_are_tried_again_and_counted_once(session: MemorySession):
    sink = Taking(fault=failing("1"))
    attempts = Attempts(session, plan(step(Numbered(4), sink)))
    attempts.go()
    object.__setattr__(sink, "fault", None)

    report = attempts.go()

    assert (report.exit_code, report.steps[0].done) == (ExitCode.DONE, 4)
    assert list(attempts.run.remarks()) == []


def test_a_further_attempt_does_not_run_a_finished_step_again(session: MemorySession):
    first, second = Taking(), Taking(fault=unavailable_at(0))
    attempts = Attempts(session, plan(step(Numbered(4), first), step(Numbered(4), second)))
    attempts.go()
    object.__setattr__(second, "fault", None)

    report = attempts.go()

    assert (len(first.taken), len(second.taken)) == (2, 2)
    assert report.exit_code is ExitCode.DONE


def test_a_further_attempt_at_a_listing_begins_where_it_stopped(session: MemorySession):
    sink = Taking(fault=unavailable_at(1))
    attempts = Attempts(session, plan(step(Listing([["a", "b", "c"], ["d"]]), sink, until_empty=True)))
    attempts.go()
    object.__setattr__(sink, "fault", None)

    report = attempts.go()

    assert sink.taken == [["a", "b"], ["c"], ["d"]]
    assert (report.exit_code, report.steps[0].done) == (ExitCode.DONE, 4)


def test_a_run_that_ended_can_be_gone_through_again_without_effect(session: MemorySession):
    sink = Taking()
    steps = (step(Numbered(3), sink), step(Listing([["a"]]), sink, until_empty=True))
    attempts = Attempts(session, plan(*steps))
    first = attempts.go()
    taken = list(sink.taken)

    second = attempts.go()

    assert sink.taken == taken
    assert second.lines()[1:] == first.lines()[1:]


# a full disk


def test_a_full_disk_ends_the_run_with_a_sentence_and_nothing_is_lost(session: MemorySession):
    sink = Taking(fault=failing("1000", fate=Fate.SKIPPED))
    attempts = Attempts(session, plan(step(Numbered(2000), sink)))
    with files_of_at_most(20_060):
        starved = attempts.go()
    taken = len(sink.taken)

    report = attempts.go()

    assert starved.exit_code is ExitCode.STORE_UNAVAILABLE
    assert str(starved.error) == (
        f"no space is left in {attempts.run.folder}, so nothing more was done: free some, then try again"
    )
    assert 0 < starved.steps[0].tried < 2000
    # the last one was taken, and that it was could not be written down
    assert starved.steps[0].begun == taken * 2 - starved.steps[0].tried == 2
    assert report.exit_code is ExitCode.DONE
    assert (report.steps[0].done, report.steps[0].skipped) == (1999, {"Stubborn": 1})
    assert len(sink.taken) - 1000 == len(sink.doubted) <= 1
    assert taken < 1000


def test_the_run_has_one_clock(session: MemorySession):
    assert session.now() == NOON
    session.clock.instant = NOON.plus(1)  # type: ignore[attr-defined]

    assert session.now() == NOON
