"""Carries out any plan: pulls batches through each step, journals every fact, and loses none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from sfs_core.damage import RunDamaged
from sfs_core.errors import DeletionCapReached, Interrupted, PartLostRecords, SfsError, StillThere
from sfs_core.facts import Batch, Fact
from sfs_core.journal import Journal
from sfs_core.messages import say
from sfs_core.plan import OnError, Plan, Step
from sfs_core.progress import Progress
from sfs_core.report import Report, StepReport
from sfs_core.spool import Spooled, spool

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session

MAX_ROUNDS: Final = 10
"""How often a step lists again before it gives up on what keeps coming back."""


def run(plan: Plan, session: Session, journal: Journal) -> Report:
    """Carry out a spooled plan and return what became of it; the journal says where an earlier run stopped.

    Steps go in order, and one that fails, is stopped, or leaves a record failed under `on_error` stop ends the run.
    A failure of the store does not escape: it is the report's `error`.
    """
    report = Report(journal.run.name, [_ahead(step) for step in plan.steps])
    began = time.monotonic()
    try:
        for number, step in enumerate(plan.steps, 1):
            _StepRun(plan, step, number, session, journal, report).run()
            if not report.steps[number - 1].finished:
                break
    except SfsError as error:
        report.error = error
    report.seconds, report.throttles = time.monotonic() - began, session.throttles
    return report


def _ahead(step: Step) -> StepReport:
    """Return the report of a step that has not begun: what is written down for it is left to be done."""
    report = StepReport(step.line())
    if isinstance(step.source, Spooled):
        report.records, report.deletes = step.source.read, step.source.deletes
        report.skipped.update(step.source.skipped)
        report.failed.update(step.source.failed)
    return report


@dataclass
class _StepRun:
    """One step under way."""

    plan: Plan
    step: Step
    number: int
    session: Session
    journal: Journal
    whole: Report
    halted: bool = False
    outstanding: dict[int, pa.RecordBatch] = field(default_factory=dict)

    @property
    def report(self) -> StepReport:
        return self.whole.steps[self.number - 1]

    def run(self) -> None:
        try:
            self._run()
        except SfsError:
            self.report.begun = sum(batch.num_rows for batch in self.outstanding.values())
            raise

    def _run(self) -> None:
        self._wait()
        if not self.step.until_empty:
            assert isinstance(self.step.source, Spooled)  # noqa: S101  (plans are spooled before they are shown)
            self.report.finished = self._round(self.step.source, 0)
            return
        self.report.finished = self._emptied()

    def _emptied(self) -> bool:
        """List and work until a listing finds nothing; return whether one did. Raises StillThere.

        An earlier attempt's listings are worked off first, and count neither as rounds nor as proof.
        """
        round_number = fresh = 0
        while True:
            path = self.journal.run.folder / "spool" / f"{self.number}-{round_number}.parquet"
            is_fresh = not path.with_suffix(".json").exists()
            if is_fresh and self.journal.knows(self.number, round_number):
                raise RunDamaged(file=path.name, run=self.journal.run.name, problem=say("it is gone"))
            source = spool(self.step, path, self.session, self.plan)
            if source.count == 0 and (is_fresh or (self.number, round_number) in self.journal.finished):
                self.journal.finish(self.number, round_number)
                return True
            fresh += is_fresh
            if fresh > MAX_ROUNDS:
                raise StillThere(what=self.step.source.describe(), left=source.count, rounds=MAX_ROUNDS)
            self.report.records += source.count
            self.report.deletes += source.deletes
            if source.count and not self._round(source, round_number):
                return False
            round_number += 1

    def _wait(self) -> None:
        if self.step.after and (self.number, 0) not in self.journal.finished:
            self.session.console.note(say("waiting {minutes:g} minutes", minutes=self.step.after.total_seconds() / 60))
            if self.session.stop.wait(self.step.after.total_seconds()):
                raise Interrupted

    def _round(self, source: Spooled, round_number: int) -> bool:
        """Work through one listing; return whether all of it came to its end without a failure that stops."""
        self._cap()
        self.report.add(self.journal.earlier(self.number, round_number).total())
        if (self.number, round_number) in self.journal.finished:
            # what a later step put must not be taken by an earlier one
            return True
        facts = self.step.into.into(self._batches(source, round_number), self.session)
        with Progress(self.session.console, self.step.into.describe(), source.count) as progress:
            for fact in facts:
                failed = self._account(fact, round_number)
                progress.add(fact.batch.records.num_rows, failed, self.session.throttles)
        if self.session.stop.is_set() and self.report.left:
            raise Interrupted
        if self.outstanding:
            self._lost(0)
        if self.halted or self.report.left:
            return False
        self.journal.finish(self.number, round_number)
        return True

    def _cap(self) -> None:
        """Hold the deletion cap over every step that deletes the same kind of thing, rounds found later included."""
        cap = self.plan.max_delete
        alike = (type(step.into) is type(self.step.into) for step in self.plan.steps)
        count = sum(step.deletes for step, counts in zip(self.whole.steps, alike, strict=True) if counts)
        if self.step.destroys and cap is not None and count > cap:
            group = self.plan.confirm.address if self.plan.confirm else ""
            raise DeletionCapReached(group=group, count=count, things=say("records or objects"), cap=cap)

    def _batches(self, source: Spooled, round_number: int) -> Iterator[Batch]:
        earlier = self.journal.earlier(self.number, round_number)
        for number, records in enumerate(source.slices(self.step.batch_records)):
            if earlier.attempt_of(number):
                continue
            if self.session.stop.is_set() or self.halted:
                return
            in_doubt = number in earlier.begun
            if not in_doubt:
                self.journal.begin(self.number, round_number, number)
            self.outstanding[number] = records
            yield Batch(number, records, in_doubt)

    def _account(self, fact: Fact, round_number: int) -> int:
        """Write a fact down and count it; return how many of its records failed."""
        given = self.outstanding.get(fact.batch.number)
        accounted = fact.done + len(fact.remarks)
        rows = {remark.row for remark in fact.remarks}
        if given is None or accounted != given.num_rows or len(rows) != len(fact.remarks):
            self._lost(accounted, given)
        if not rows <= {*range(given.num_rows)}:
            self._lost(fact.done, given)
        ended = self.journal.end(self.number, round_number, fact)
        # not before it is written down: until then nobody knows that it ended
        del self.outstanding[fact.batch.number]
        self.report.add(ended)
        failed = self.report.failed.total()
        stops = self.plan.on_error is OnError.STOP and failed > 0
        bound = self.plan.max_errors
        self.halted = self.halted or stops or (bound is not None and bound.exceeded(failed, self.report.tried))
        return ended.failed.total()

    def _lost(self, accounted: int, given: pa.RecordBatch | None = None) -> NoReturn:
        records = given.num_rows if given is not None else sum(batch.num_rows for batch in self.outstanding.values())
        raise PartLostRecords(part=type(self.step.into).__name__, given=records, accounted=accounted)
