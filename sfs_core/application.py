"""The Cleo application and `main()`: from the command line to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import platformdirs
from cleo.application import Application
from cleo.commands.command import Command
from cleo.commands.help_command import HelpCommand
from cleo.exceptions import CleoCommandNotFoundError, CleoError
from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.inputs.definition import Definition
from cleo.io.inputs.option import Option
from cleo.io.io import IO
from cleo.io.outputs.stream_output import StreamOutput

from sfs_core import plugins_command
from sfs_core.answer_stream import AnswerUnwritable, answer_stream, give_up
from sfs_core.clock import Clock, SystemClock
from sfs_core.command import Environment
from sfs_core.console import Console
from sfs_core.errors import ExitCode, Interrupted, SfsError, UsageError
from sfs_core.messages import say, speak
from sfs_core.options import declared
from sfs_core.plugins import Plugins, PluginState, broken, load_plugins, refuse_if_strict

NAME = "sagemaker-fs"


class BadCommandLine(UsageError):
    """The command line is not understood."""

    sentence = "{problem}; `sagemaker-fs {command}--help` shows what there is"


class Bug(SfsError):
    """Something went wrong that should not be able to."""

    sentence = "this is a bug in sagemaker-fs or one of its plugins ({kind}: {problem}); -v shows where"


class Overview(HelpCommand):
    """Help: of one command, or without a name the overview of all."""

    description = "Shows what a command does, or every command."

    def handle(self) -> int:
        """Write help to stdout."""
        if self._command is None and self.argument("command_name") == "help":
            from cleo.descriptors.text_descriptor import TextDescriptor

            assert self._application is not None  # noqa: S101  (set when the command was added)
            TextDescriptor().describe(self._io, self._application)
            return 0
        return super().handle()


class GivenArguments(ArgvInput):
    """The command line; `-` after an option is its value (standard input), where Cleo would miss one."""

    def _add_long_option(self, name: str, value: Any) -> None:
        known = self._definition.has_option(name) and self._definition.option(name).accepts_value()
        if known and value is None and self._parsed[:1] == ["-"]:
            value = self._parsed.pop(0)
        super()._add_long_option(name, value)


class SfsApplication(Application):
    """The commands of every loaded plugin. Without one, an overview; unknown ones are a usage error."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(NAME, version("sfs-core"))
        self.set_display_name(NAME)
        # Cleo's own default is `list`, which here asks a store
        self._default_command = "help"
        self._plugins = environment.plugins
        self.auto_exits(False)
        self.catch_exceptions(False)
        again = replace(environment, again=lambda other: SfsApplication(other).run_argv(other))
        for name, command in environment.plugins.commands.items():
            try:
                self.add(command(again))
            except Exception as error:  # a third party's command may fail in any way, and the tool must not
                plugin = environment.plugins.provider("sfs_commands", name)
                if plugin is not None and plugin.is_built_in:
                    raise
                if plugin is not None:
                    plugin.set_aside(PluginState.BROKEN, broken(error))

    @property
    def default_commands(self) -> list[Command]:
        """Cleo's own commands that are kept."""
        from cleo.commands.completions_command import CompletionsCommand

        return [Overview(), CompletionsCommand()]

    @property
    def _default_definition(self) -> Definition:
        definition = super()._default_definition
        connection = say("Connection for groups named without one.")
        definition.add_option(Option("--connection", flag=False, description=str(connection)))
        log_format = say("Form of what is said on stderr. [text|json]")
        definition.add_option(Option("--log-format", flag=False, description=str(log_format), default="text"))
        for store in self._plugins.stores.values():
            for spec in declared(store):
                if spec.is_fixed and not definition.has_option(spec.flag):
                    definition.add_option(Option(f"--{spec.flag}", flag=False, description=str(say(spec.help))))
        return definition

    def run_argv(self, environment: Environment) -> int:
        """Run one command line; failures are raised, not rendered."""
        given = GivenArguments([NAME, *environment.argv])
        given.set_stream(environment.stdin)
        if given.first_argument is None:
            # Cleo's overview takes any option, and a misspelt one would look as if it had been obeyed
            given.bind(self.definition)
        io = IO(given, StreamOutput(environment.stdout), StreamOutput(environment.stderr))
        self._configure_io(io)
        return self._run(io)


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    folder: Path | None = None,
    clock: Clock | None = None,
    plugins: Iterable[tuple[str, object]] = (),
) -> int:
    """Run one command line and return its exit code; every failure becomes one sentence on stderr.

    `plugins` are further plugins by name, for tests.
    """
    console = Console(stderr, json_lines=_wants_json(argv))
    console.verbose = any(flag in argv for flag in ("-v", "-vv", "-vvv", "--verbose"))
    speak(environ)
    known: Iterable[str] = ()
    try:
        environment = Environment(
            plugins=load_plugins(environ, plugins, plugins_command),
            argv=argv,
            environ=environ,
            folder=folder or Path.cwd(),
            state=state_folder(environ),
            stdin=stdin,
            stdout=answer_stream(stdout),
            stderr=stderr,
            clock=clock or SystemClock(),
        )
        known = environment.plugins.commands
        return _run(environment, console)
    except BrokenPipeError:
        # whoever read the answer has gone
        give_up(stdout)
        return int(ExitCode.DONE)
    except (Exception, KeyboardInterrupt) as error:  # the last resort: every failure becomes a sentence and a code
        failure = _failure(error, argv, known)
        if isinstance(error, AnswerUnwritable):
            give_up(stdout)
        if console.verbose and isinstance(failure, Bug):
            raise
        console.error(failure)
        return int(failure.exit_code)


def _run(environment: Environment, console: Console) -> int:
    application = SfsApplication(environment)
    refuse_if_strict(environment.plugins, environment.environ)
    _warn_of_plugins(environment.plugins, console)
    code = application.run_argv(environment)
    environment.stdout.flush()
    return code


def _begins(argv: Sequence[str], name: str) -> bool:
    words = name.split()
    return list(argv[: len(words)]) == words


def _failure(error: BaseException, argv: Sequence[str], known: Iterable[str]) -> SfsError:
    """Return what the user is told; what nobody foresaw is told apart as a bug. `known` are the commands' names."""
    if isinstance(error, SfsError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted()
    if isinstance(error, CleoError):
        problem = " ".join(str(error).split()).rstrip(".")
        is_known = not isinstance(error, CleoCommandNotFoundError)
        command = next((f"{name} " for name in known if is_known and _begins(argv, name)), "")
        return BadCommandLine(problem=problem[:1].lower() + problem[1:], command=command)
    return Bug(kind=type(error).__name__, problem=error)


def _wants_json(argv: Sequence[str]) -> bool:
    return "--log-format=json" in argv or any(pair == ("--log-format", "json") for pair in pairwise(argv))


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of runs and locks: SFS_STATE_DIR, else the user's own state folder."""
    if environ.get("SFS_STATE_DIR"):
        return Path(environ["SFS_STATE_DIR"]).expanduser()
    return platformdirs.user_state_path(NAME)


def _warn_of_plugins(plugins: Plugins, console: Console) -> None:
    text = "plugin {name} ({distribution}) is set aside: {reason}; `sagemaker-fs plugins` shows all"
    for plugin in plugins.aside:
        console.warn(say(text, name=plugin.name, distribution=plugin.distribution, reason=plugin.reason))


def main() -> int:
    """Run the command line of this process."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # closed by whoever started this: nothing else may get its number, or it would be written to
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    argv = sys.argv[1:]
    if argv in (["--version"], ["-V"]):
        sys.stdout.write(f"{NAME} {version('sfs-core')}\n")
        return 0
    return run(argv, environ=os.environ, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
