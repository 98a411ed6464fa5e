"""The shape every command shares: options declared once, a session, and for changes plan, question, run, report."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, TextIO, TypeVar

from cleo.commands.command import Command
from cleo.helpers import argument as cleo_argument
from cleo.helpers import option as cleo_option
from cleo.io.inputs.argument import Argument
from cleo.io.io import IO

from sfs_core.clock import Clock, SystemClock
from sfs_core.connections import load_connections
from sfs_core.console import Console
from sfs_core.errors import (
    BadOption,
    ConnectionProtected,
    DeletionCapReached,
    ExitCode,
    NotConfirmed,
    NoTerminal,
    NotResumable,
    PlanChanged,
    UnknownPart,
)
from sfs_core.executor import run as execute
from sfs_core.journal import Journal, Locks, Run
from sfs_core.messages import Message, say
from sfs_core.model import FeatureGroup
from sfs_core.options import OptionSpec, declared, option, read
from sfs_core.plan import Plan, as_json
from sfs_core.plugins import KINDS, Plugins
from sfs_core.render import Output
from sfs_core.report import Report
from sfs_core.session import Session
from sfs_core.spool import Spooled, spooled

T = TypeVar("T")


@dataclass(frozen=True)
class Environment:
    """What a command is given by the process it runs in."""

    plugins: Plugins
    argv: Sequence[str]
    environ: Mapping[str, str]
    folder: Path
    state: Path
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    clock: Clock = field(default_factory=SystemClock)
    resuming: Run | None = None
    again: Callable[[Environment], int] | None = None
    """Runs the application once more with another environment: how a run is resumed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option that chooses a part by name, such as `--ids online`; each part's own options follow it, prefixed.

    `default` is always a built-in part's name, or None for no choice. `only` picks the parts it is about.
    """

    flag: str
    hook: str
    help: str
    default: str | None = None
    only: Callable[[type[Any]], bool] = lambda part: True

    def parts(self, plugins: Plugins) -> dict[str, type[Any]]:
        """Return the parts that can be chosen, by name."""
        return {name: part for name, part in plugins.parts(self.hook).items() if self.only(part)}


@dataclass(frozen=True)
class OutputOptions:
    """How an answer is written."""

    output: Output = option("Form of the answer.", default=Output.TABLE)


def argument(name: str, help: str, *, optional: bool = False, multiple: bool = False) -> Argument:
    """Declare an argument of a command."""
    return cleo_argument(name, help, optional=optional, multiple=multiple)


class SfsCommand(Command):
    """A command that only asks: override `answer`.

    `declares` are dataclasses whose options become flags, read back with `given`; `chooses` are parts chosen by name.
    """

    declares: ClassVar[tuple[type, ...]] = ()
    chooses: ClassVar[tuple[Choice, ...]] = ()

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._session: Session | None = None
        super().__init__()

    def configure(self) -> None:
        """Turn declarations into the flags of the command line."""
        super().configure()
        taken = set()
        for spec in self.specs():
            if spec.flag not in taken:
                taken.add(spec.flag)
                self._definition.add_option(_flag(spec))

    def specs(self) -> Iterator[OptionSpec]:
        """Yield every option of the command: its own, then each choice and its parts' own."""
        for declaration in self.declares:
            yield from declared(declaration)
        for choice in self.chooses:
            parts = choice.parts(self.environment.plugins)
            yield OptionSpec(choice.flag, choice.flag, str, choice.help, choice.default, "NAME", tuple(parts))
            for name, part in parts.items():
                yield from declared(part, f"{name}-")

    @property
    def session(self) -> Session:
        """What this run of the command carries."""
        assert self._session is not None  # noqa: S101  (set by execute, before anything of the command runs)
        return self._session

    def answer(self) -> ExitCode:
        """Do what the command is for."""
        return ExitCode.DONE

    def execute(self, io: IO) -> int:
        """Open a session, do the command, close the session."""
        self._io = io
        self._session = open_session(self.environment, io)
        try:
            return int(self.answer())
        finally:
            self._session.close()

    def given(self, declaration: type[T]) -> T:
        """Return what was given of a dataclass of options. Raises BadOption."""
        specs = declared(declaration)
        return declaration(**read(specs, {spec.flag: self.option(spec.flag) for spec in specs}))

    def chosen(self, choice: Choice, default: str | None = None, **context: object) -> Any:
        """Return the chosen part, made from `context` and its own options. Raises UnknownPart, BadOption."""
        parts = choice.parts(self.environment.plugins)
        name = self.option(choice.flag) or default or choice.default
        if name not in parts:
            raise UnknownPart(kind=KINDS[choice.hook], name=name, known=", ".join(parts) or "none")
        specs = declared(parts[name], f"{name}-")
        return parts[name](**context, **read(specs, {spec.flag: self.option(spec.flag) for spec in specs}))

    @property
    def stdout(self) -> TextIO:
        """Where answers go, and nothing else."""
        return self.environment.stdout


def open_session(environment: Environment, io: IO) -> Session:
    """Return the session of one command from its environment and the application's own flags."""
    stores = environment.plugins.stores
    flags = {
        spec.flag: io.input.option(spec.flag) for store in stores.values() for spec in declared(store) if spec.is_fixed
    }
    if io.input.option("log-format") not in ("text", "json"):
        raise BadOption(option="--log-format", value=io.input.option("log-format"), expected="text, json")
    console = Console(
        environment.stderr,
        json_lines=io.input.option("log-format") == "json",
        quiet=io.output.is_quiet(),
        answers=environment.stdin if io.is_interactive() else None,
    )
    return Session(
        connections=load_connections(environment.environ, environment.folder),
        stores=stores,
        console=console,
        state=environment.state,
        clock=environment.clock,
        connection_flag=io.input.option("connection"),
        store_flags={flag: value for flag, value in flags.items() if value is not None},
    )


def _flag(spec: OptionSpec) -> Any:
    help_text = str(say(spec.help))
    if spec.choices:
        help_text += f" [{'|'.join(spec.choices)}]"
    default = (
        spec.default if isinstance(spec.default, (str, int, float)) and not isinstance(spec.default, bool) else None
    )
    if default is not None:
        help_text += f" (default: {default})"
    return cleo_option(
        spec.flag, None, help_text, flag=spec.is_flag, value_required=not spec.is_flag, multiple=spec.is_list
    )


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

    def answer(self) -> ExitCode:
        """Plan, ask, run and report; or go on with an earlier run."""
        given, resuming = self.given(RunOptions), self.environment.resuming
        if given.resume and resuming is None:
            return ExitCode(resume(self.environment, given.resume))
        facts = {"cwd": str(self.environment.folder)}
        run = resuming or Run.new(self.session.state, str(self.name), self.environment.argv, self.session.now(), facts)
        self._run, self.session.started = run, run.at
        journal = Journal(run)
        locks = Locks(self.session.state, run.name)
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

    def _planned(self, given: RunOptions, run: Run, journal: Journal, locks: Locks) -> Plan | None:
        """Return the plan, spooled and confirmed; None where it was only to be shown."""
        plan = self._capped(self.plan(), given)
        first = run.plan is None
        if first and not given.dry_run:
            self._refuse_early(plan, given)
        if not given.dry_run:
            for group in plan.changes:
                locks.take(self._identity(group), group.address)
        plan = spooled(plan, run.folder / "spool", self.session, journal.reject)
        self._show(plan)
        self._check_cap(plan)
        if given.dry_run:
            return None
        if first:
            self._confirm(plan, given)
            self._check_unchanged()
        elif run.plan != self._frozen(plan):
            raise PlanChanged(what=say("the plan of run {run}", run=run.name))
        if first:
            run.write("plan.json", self._frozen(plan))
        return plan

    def _frozen(self, plan: Plan) -> dict[str, Any]:
        import json

        content = {**plan.to_json(), "identities": [self._identity(group) for group in plan.changes]}
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
        connection = self.session.connection(plan.confirm.connection)
        if connection.protected and not given.unprotect:
            raise ConnectionProtected(connection=connection.name, path=connection.origin)
        if not given.force and not self.session.console.can_ask:
            raise NoTerminal(name=plan.confirm.name)

    def _identity(self, group: FeatureGroup) -> str:
        store = self.session.store_of(group)
        identity = store.identity()
        return f"{store.name} {identity.account} {identity.region} {store.place()} {group.name}"

    def _show(self, plan: Plan) -> None:
        lines = plan.lines()
        for group in plan.changes:
            identity = self.session.store_of(group).identity()
            fields = {"group": group.address, "account": identity.account, "region": identity.region}
            text = "  in {group}: account {account}, Region {region}, as {principal}"
            lines.insert(1, str(say(text, principal=identity.principal, **fields)))
        self.session.console.show("plan", lines, {"plan": plan.to_json()})

    def _check_cap(self, plan: Plan) -> None:
        for step in plan.steps:
            count = step.source.count if isinstance(step.source, Spooled) else 0
            if step.destroys and plan.max_delete is not None and count > plan.max_delete:
                group = plan.confirm.address if plan.confirm else ""
                raise DeletionCapReached(group=group, count=count, things=step.source.describe(), cap=plan.max_delete)

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
        with stoppable(self.session):
            report = execute(plan, self.session, journal)
        run.write("report.json", report.to_json())
        if report.exit_code is ExitCode.DONE:
            run.drop_spool()
        console = self.session.console
        console.show("report", report.lines(), {"report": report.to_json()})
        if report.error is not None:
            console.error(report.error)
        if report.exit_code is not ExitCode.DONE:
            console.note(_next(run))
        if report.error is not None or not all(step.finished for step in report.steps):
            return report.exit_code
        # what was skipped on purpose does not keep the rest from being looked at, nor make the whole a success
        verified = self.verify(plan, report)
        return report.exit_code or verified


def _next(run: Run) -> Message:
    text = "`sagemaker-fs runs show {run}` lists what was not done; `sagemaker-fs runs resume {run}` tries again"
    return say(text, run=run.name)


def resume(environment: Environment, name: str) -> int:
    """Go on with an earlier run, as its command, with its own options and clock. Raises RunNotFound, NotResumable."""
    run = Run.load(environment.state, name)
    if run.plan is None:
        raise NotResumable(run=run.name, problem=say("it was never confirmed, so nothing was changed: start it anew"))
    if run.report is not None and run.report["exit_code"] == ExitCode.DONE:
        raise NotResumable(run=run.name, problem=say("it came to its end"))
    if not (run.folder / "spool").exists():
        raise NotResumable(run=run.name, problem=say("what it wrote down is gone: start it anew"))
    assert environment.again is not None  # noqa: S101  (the application sets it)
    here = Path.cwd()
    folder = Path(run.facts["cwd"])
    if folder.is_dir():
        os.chdir(folder)
    try:
        return environment.again(replace(environment, argv=run.facts["argv"], folder=folder, resuming=run))
    finally:
        os.chdir(here)


@contextlib.contextmanager
def stoppable(session: Session) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) finish what is in flight, and the second one stop at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        if session.stop.is_set():
            raise KeyboardInterrupt
        session.stop.set()
        session.console.note(say("stopping: what is in flight is finished first; once more stops at once"))

    before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
