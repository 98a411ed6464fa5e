"""The shape every command shares: options declared once, and a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    ExitCode,
    UnknownPart,
)
from sfs_core.journal import Run
from sfs_core.messages import say
from sfs_core.options import OptionSpec, declared, option, read
from sfs_core.plugins import KINDS, Plugins
from sfs_core.render import Output
from sfs_core.session import Session

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
    forced: bool = False
    """Whether the run that is resumed goes on deleting without being confirmed again."""
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
        """Turn declarations into arguments and flags of the command line, in the user's language."""
        self.description = str(say(self.description))
        for declaration in self.arguments:
            shown = Argument(
                declaration.name,
                declaration.is_required(),
                declaration.is_list(),
                str(say(declaration.description)),
                declaration.default,
            )
            self._definition.add_argument(shown)
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
        """Return the chosen part, made from `context` and its own options. Raises UnknownPart, BadOption.

        What `context` gives is not asked of the command line.
        """
        parts = choice.parts(self.environment.plugins)
        name = self.option(choice.flag) or default or choice.default
        if name not in parts:
            raise UnknownPart(kind=KINDS[choice.hook], name=name, known=", ".join(parts) or "none")
        specs = [spec for spec in declared(parts[name], f"{name}-") if spec.field not in context]
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
        stdin=environment.stdin,
        folder=environment.folder,
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
