"""The Cleo application and `main()`: from the command line to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TextIO

import platformdirs
from cleo.application import Application
from cleo.commands.command import Command
from cleo.commands.help_command import HelpCommand
from cleo.exceptions import CleoError
from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.inputs.definition import Definition
from cleo.io.inputs.option import Option
from cleo.io.io import IO
from cleo.io.outputs.stream_output import StreamOutput

from sfs_core import plugins_command
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
        definition.add_option(
            Option("--connection", flag=False, description="Connection for groups named without one.")
        )
        definition.add_option(
            Option(
                "--log-format", flag=False, description="Form of what is said on stderr. [text|json]", default="text"
            )
        )
        for store in self._plugins.stores.values():
            for spec in declared(store):
                if spec.is_fixed and not definition.has_option(spec.flag):
                    definition.add_option(Option(f"--{spec.flag}", flag=False, description=str(say(spec.help))))
        return definition

    def run_argv(self, environment: Environment) -> int:
        """Run one command line; failures are raised, not rendered."""
        given = ArgvInput([NAME, *environment.argv])
        given.set_stream(environment.stdin)
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
    try:
        environment = Environment(
            plugins=load_plugins(environ, plugins, plugins_command),
            argv=argv,
            environ=environ,
            folder=folder or Path.cwd(),
            state=state_folder(environ),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            clock=clock or SystemClock(),
        )
        application = SfsApplication(environment)
        refuse_if_strict(environment.plugins, environ)
        _warn_of_plugins(environment.plugins, console)
        code = application.run_argv(environment)
        stdout.flush()
    except SfsError as error:
        console.error(error)
        return int(error.exit_code)
    except CleoError as error:
        known = argv[0] + " " if argv and not argv[0].startswith("-") and "does not exist" not in str(error) else ""
        problem = " ".join(str(error).split()).rstrip(".")
        console.error(BadCommandLine(problem=problem[:1].lower() + problem[1:], command=known))
        return int(ExitCode.USAGE)
    except KeyboardInterrupt:
        console.error(Interrupted())
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # whoever read the answer has gone; Python would complain once more as it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception as error:  # the last resort: a bug is told apart from a failure the user can act on
        if console.verbose:
            raise
        console.error(Bug(kind=type(error).__name__, problem=error))
        return int(ExitCode.BUG)
    return code


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
    argv = sys.argv[1:]
    if argv in (["--version"], ["-V"]):
        sys.stdout.write(f"{NAME} {version('sfs-core')}\n")
        return 0
    return run(argv, environ=os.environ, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
