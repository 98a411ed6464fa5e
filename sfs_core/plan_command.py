"""The shape of every command that changes something: plan, question, run, report."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Final

from sfs_core.command import SfsCommand
from sfs_core.errors import (
    DeletionCapReached,
    ExitCode,
    NotConfirmed,
    NoTerminal,
    NotResumable,
    PlanChanged,
    SfsError,
    StoreUnavailable,
)
from sfs_core.executor import run as execute
from sfs_core.journal import Journal, Run
from sfs_core.locks import Locks, drop_abandoned
from sfs_core.messages import Message, say
from sfs_core.model import FeatureGroup
from sfs_core.options import OptionSpec, declared, option
from sfs_core.plan import Plan, as_json
from sfs_core.report import Report
from sfs_core.resuming import KEPT_VARIABLES, check_resumable, confirm_again, is_among, resume
from sfs_core.roots import versions_note
from sfs_core.session import Session
from sfs_core.spool import Spooled, spooled

_OF_RESUMING: Final = ("resume", "force", "unprotect")
"""Options that may stand beside `--resume` though the run began without them."""
_SAME_SIGNAL_SECONDS: Final = 0.3


@dataclass(frozen=True)
class RunOptions:
    """Options of every command that changes something by a plan."""

    dry_run: bool = option("Show the plan, exact counts included, and change nothing.", default=False)
    force: bool = option("Do not ask. The plan, the deletion cap and protection stay.", default=False)
    unprotect: bool = option("Allow a protected connection to be changed.", default=False)
    max_delete: int | None = option("Refuse to delete more records or objects than this.", default=None)
    resume: str | None = option("Go on with an interrupted run, with its own options.", default=None, value="RUN")


class PlanCommand(SfsCommand):
    """A command that changes something: override `plan`, and `verify` where the result is looked at afterwards.

    The plan is spooled, shown and confirmed; what it stands on is looked at again; then it is run and reported.
    """

    def plan(self) -> Plan:
        """Return what will be done; read, change nothing. On resume it must come out equal."""
        raise AssertionError("a PlanCommand says what it plans")

    def check_written_down(self, plan: Plan) -> None:
        """Raise Refused where what was written down, which `plan` could not know yet, stands in the way."""

    def verify(self, plan: Plan, report: Report) -> ExitCode:
        """Look at the result of a run that came to its end, and return what the command ends with."""
        return report.exit_code

    def specs(self) -> Iterator[OptionSpec]:
        """Yield every option of the command."""
        yield from super().specs()
        yield from declared(RunOptions)

    @property
    def run_folder(self) -> Run:
        """The run under way."""
        assert self._run is not None  # noqa: S101  (set by answer)
        return self._run

    _run: Run | None = None

    def keeps_versions(self, group: FeatureGroup) -> bool | None:
        """Return whether a group's bucket keeps older versions, None where that is not known, as the run found it.

        A run that is gone on with keeps to that, so that its plan repeats, and says where it is not so any more.
        """
        found = self.session.store_of(group).keeps_versions(group)
        known: bool | None = self.run_folder.remember("keeps_versions", lambda: found)
        if found != known:
            for note in versions_note(group, found):
                self.session.console.note(note)
        return known

    def answer(self) -> ExitCode:
        """Plan, ask, run and report; or go on with an earlier run."""
        given, resuming = self.given(RunOptions), self.environment.resuming
        if given.resume and resuming is None:
            self._check_resumed(given.resume)
            more = ["--unprotect"] if given.unprotect else []
            return ExitCode(resume(self.environment, given.resume, more, force=given.force))
        drop_abandoned(self.session.state)
        environ = {name: value for name, value in self.environment.environ.items() if name in KEPT_VARIABLES}
        facts = {"cwd": str(self.environment.folder), "environ": environ, "host": socket.gethostname()}
        run = resuming or Run.new(self.session.state, str(self.name), self.environment.argv, self.session.now(), facts)
        self._run, self.session.started = run, run.at
        locks = Locks(self.session.state, run)
        locks.hold()
        try:
            if resuming is not None:
                # another process may have brought it to its end since it was looked up
                check_resumable(run)
            journal = Journal(run)
        except BaseException:
            locks.release()
            raise
        try:
            plan = self._planned(given, run, journal, locks)
            if plan is None:
                return ExitCode.DONE
            return self._carry_out(plan, run, journal)
        finally:
            locks.release()
            journal.close()
            if run.plan is None:
                run.discard()

    def _check_resumed(self, name: str) -> None:
        """Refuse to go on with a run that is of another command, or of other arguments, than those given beside it."""
        run = Run.load(self.session.state, name)
        given = {value for key, value in self.io.input.arguments.items() if key != "command" and value}
        alike = run.facts["command"] == self.name and given <= {*run.facts["argv"]}
        if not alike or not all(is_among(run.facts["argv"], *option) for option in self._given_options()):
            was = shlex.join(run.facts["argv"])
            raise NotResumable(run=run.name, problem=say("it is `{was}`, which is not what is asked for here", was=was))

    def _given_options(self) -> Iterator[tuple[str, Any]]:
        """Yield flag and value of each option on this command line that decides what is done, and where."""
        values = {spec.flag: self.option(spec.flag) for spec in self.specs() if spec.flag not in _OF_RESUMING}
        for flag, value in {**values, **self.session.store_flags, "connection": self.session.connection_flag}.items():
            if value not in (None, False, []):
                yield flag, value

    def _planned(self, given: RunOptions, run: Run, journal: Journal, locks: Locks) -> Plan | None:
        """Return the plan, spooled and confirmed; None where it was only to be shown."""
        plan = self._capped(self.plan(), given)
        first = run.plan is None
        if not given.dry_run:
            self._refuse_early(plan, given)
        if not given.dry_run:
            for group in plan.changes:
                locks.take(self._identity(group), group.address)
        plan = spooled(plan, run.folder / "spool", self.session, journal.reject)
        self._show(plan)
        self._check_cap(plan)
        self.check_written_down(plan)
        if given.dry_run:
            return None
        if first:
            self._confirm(plan, given)
            self._check_unchanged()
        elif run.plan != self._frozen(plan):
            raise PlanChanged(what=say("the plan of run {run}", run=run.name))
        elif not self.environment.forced:
            confirm_again(plan, run, journal, self.session)
        if first:
            run.write("plan.json", self._frozen(plan))
        return plan

    def _frozen(self, plan: Plan) -> dict[str, Any]:
        import json

        lines = [step.line().english() for step in plan.steps]
        content = {**plan.to_json(), "lines": lines, "identities": [self._identity(group) for group in plan.changes]}
        frozen: dict[str, Any] = json.loads(json.dumps(content, default=str))
        return frozen

    def _capped(self, plan: Plan, given: RunOptions) -> Plan:
        if plan.confirm is None:
            return plan
        configured = self.session.connection(plan.confirm.connection).max_delete
        return replace(plan, max_delete=configured if given.max_delete is None else given.max_delete)

    def _refuse_early(self, plan: Plan, given: RunOptions) -> None:
        if plan.confirm is None:
            return
        self.session.check_protection(plan.confirm.connection, unprotected=given.unprotect)
        if self.run_folder.plan is None and not given.force and not self.session.console.can_ask:
            raise NoTerminal(name=plan.confirm.name)

    def _identity(self, group: FeatureGroup) -> str:
        store = self.session.store_of(group)
        identity = store.identity()
        return f"{store.name} {identity.account} {identity.region} {store.place()} {group.name}"

    def _show(self, plan: Plan) -> None:
        lines = plan.lines()
        for group in plan.changes:
            lines.insert(1, f"  {self.session.where(group.connection, group.name)}")
        self.session.console.show("plan", lines, {"plan": plan.to_json()})

    def _check_cap(self, plan: Plan) -> None:
        for step in plan.steps:
            if not step.destroys or plan.max_delete is None or not isinstance(step.source, Spooled):
                continue
            count, things = step.source.deletes, step.source.source
            if count > plan.max_delete:
                group = plan.confirm.address if plan.confirm else ""
                raise DeletionCapReached(group=group, count=count, things=things, cap=plan.max_delete)

    def _confirm(self, plan: Plan, given: RunOptions) -> None:
        if plan.confirm is None or given.force:
            return
        if self.session.console.ask(say("Type {name} to go on:", name=plan.confirm.name)) != plan.confirm.name:
            raise NotConfirmed(name=plan.confirm.name)

    def _check_unchanged(self) -> None:
        """Look at every group again: minutes may have passed since the plan was made."""
        for address, before in self.session.described().items():
            if as_json(self.session.look_up(address)) != as_json(before):
                raise PlanChanged(what=address)

    def _carry_out(self, plan: Plan, run: Run, journal: Journal) -> ExitCode:
        # an earlier attempt's report is no longer true
        (run.folder / "report.json").unlink(missing_ok=True)
        with stoppable(self.session):
            report = execute(plan, self.session, journal)
        try:
            run.write("report.json", report.to_json())
        except StoreUnavailable as error:
            report.error = report.error or error
        console = self.session.console
        console.show("report", report.lines(), {"report": report.to_json()})
        if report.error is not None:
            console.error(report.error)
        if report.exit_code is not ExitCode.DONE:
            console.note(_next(run, report))
        if not report.is_ended:
            return report.exit_code
        # what was skipped on purpose does not keep the rest from being looked at, nor make the whole a success
        try:
            verified = self.verify(plan, report)
        except (SfsError, KeyboardInterrupt):
            text = "`sagemaker-fs runs resume {run}` looks at the result again, and changes nothing that is done"
            console.note(say(text, run=run.name))
            raise
        if report.exit_code is ExitCode.DONE:
            run.drop_spool()
        return report.exit_code or verified


def _next(run: Run, report: Report) -> Message:
    if report.is_ended:
        return say("`sagemaker-fs runs show {run}` lists the records that failed, each with its reason", run=run.name)
    text = "`sagemaker-fs runs show {run}` lists what was not done; `sagemaker-fs runs resume {run}` tries again"
    return say(text, run=run.name)


@contextlib.contextmanager
def stoppable(session: Session) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) finish what is in flight, and the second one stop at once.

    At once is as after a kill: the run can be resumed. A signal that comes in the same moment as the first is taken
    for the same, because some wrappers pass on what the terminal has sent already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    asked: list[float] = []

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if asked and time.monotonic() - asked[0] > _SAME_SIGNAL_SECONDS:
            # requests in flight are in threads, which nothing can interrupt and every other way out waits for
            os._exit(ExitCode.INTERRUPTED)
        if not asked:
            asked.append(time.monotonic())
            session.stop.set()
            # the signal may have come in the middle of another line
            with contextlib.suppress(RuntimeError):
                text = (
                    "stopping: what is in flight is finished first; once more stops at once, "
                    "and `sagemaker-fs runs list` names the run to go on with"
                )
                session.console.note(say(text))

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
