"""Writes docs/reference from the code itself: `uv run python docs/generate.py`. A test fails when a page is stale."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import io
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

import platformdirs

from sfs_core import (
    KINDS,
    Environment,
    ExitCode,
    OptionSpec,
    Plugins,
    SfsCommand,
    SfsError,
    declared,
    hookspecs,
    load_plugins,
    plugins_command,
)
from sfs_plugins.sagemaker_store.permissions import VERBS

REFERENCE: Final = Path(__file__).parent / "reference"
NOTE: Final = "<!-- Written by docs/generate.py from the code; edit the code, then run it again. -->\n"

MEANINGS: Final = {
    ExitCode.DONE: "Everything was done; a record may have been skipped, and the report says so.",
    ExitCode.BUG: "A bug in sagemaker-fs or a plugin; `-v` shows where.",
    ExitCode.USAGE: "What was asked for is not understood, or an input is bad; nothing was changed.",
    ExitCode.RECORDS_FAILED: "The run came to its end or was stopped, and some records failed or were not tried.",
    ExitCode.REFUSED: "A guard stood in the way.",
    ExitCode.PLAN_CHANGED: "What was shown is no longer what would be done, so nothing more was done.",
    ExitCode.DIFFERENCES: "Verification found differences.",
    ExitCode.DELETION_CAP: "More would be deleted than `--max-delete` or the connection allows.",
    ExitCode.NOT_FOUND: "A group, a record or a run is not there.",
    ExitCode.ACCESS_DENIED: "The store does not allow this to this principal.",
    ExitCode.STORE_UNAVAILABLE: "The store does not answer, or cannot be written to.",
    ExitCode.RECORDS_LOST: "A part gave another number of outcomes than it was given records: a bug in that part.",
    ExitCode.INTERRUPTED: "Stopped by Ctrl-C or SIGTERM; what was in flight is finished and written down.",
}


def rooms() -> set[str]:
    """Return the distributions that `sagemaker-fs` brings; the reference is about these."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    return set(project["dependencies"])


def documented() -> Plugins:
    """Return the plugins that the reference is about."""
    return Plugins([plugin for plugin in load_plugins({}, core=plugins_command).all if plugin.distribution in rooms()])


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    plugins = documented()
    return {
        "commands.md": "".join(_commands(plugins)),
        "hooks.md": "".join(_hooks(plugins)),
        "parts.md": "".join(_parts(plugins)),
        "exit-codes.md": "".join(_exit_codes()),
        "iam.md": "".join(_iam()),
    }


def _iam() -> Iterator[str]:
    yield f"# IAM permissions a verb needs\n\n{NOTE}\n"
    yield "On the store `sagemaker`, for the principal that runs the verb, on every connection the verb uses. "
    yield "`sagemaker-fs doctor` checks them, and a denied call names its action.\n"
    for verb, permissions in VERBS.items():
        yield f"\n## {verb}\n"
        rows = dict.fromkeys((one.action, one.resource, one.when) for one in permissions)
        yield _table(("action", "on", "when"), [(f"`{action}`", f"`{on}`", when) for action, on, when in rows])


def _commands(plugins: Plugins) -> Iterator[str]:
    yield f"# Commands\n\n{NOTE}\n"
    yield "Every verb with its arguments and options; `sagemaker-fs VERB --help` says the same.\n"
    yield "Groups are written `[CONNECTION:]GROUP`; see [use connections](../how-to/use-connections.md).\n"
    environment = _nowhere(plugins)
    for name, command in plugins.commands.items():
        made = command(environment)
        yield f"\n## {name}\n\n{made.description}\n\n```text\nsagemaker-fs {_usage(made)}\n```\n"
        provider = plugins.provider("sfs_commands", name)
        yield f"\nProvided by `{provider.distribution}`.\n" if provider else ""
        yield _argument_table(made)
        yield _option_table(made.specs())
    yield "\n## Every command\n\nOptions that go with any verb:\n"
    yield _table(
        ("option", "meaning"),
        [
            ("`--connection NAME`", "Connection for groups named without one."),
            ("`--log-format text\\|json`", "Form of what is said on stderr; JSON is one object a line."),
            *(
                (f"`--{spec.flag} {spec.value_name}`", f"{spec.help} Implies connection `{name}`.")
                for name, store in plugins.stores.items()
                for spec in declared(store)
                if spec.is_fixed
            ),
            ("`-q`, `--quiet`", "Leave out notes; errors, warnings, plans and questions stay."),
            ("`-v`, `--verbose`", "Show the traceback of a bug."),
            ("`-n`, `--no-interaction`", "Ask nothing, as without a terminal: what needs an answer is refused."),
            ("`-h`, `--help`", "Show what a command does."),
            ("`-V`, `--version`", "Show the version."),
        ],
    )


def _usage(command: SfsCommand) -> str:
    arguments = [
        f"{one.name.upper()}{'...' if one.is_list() else ''}" if one.is_required() else f"[{one.name.upper()}]"
        for one in command.definition.arguments
    ]
    return " ".join([str(command.name), *arguments, "[OPTIONS]"])


def _argument_table(command: SfsCommand) -> str:
    arguments = command.definition.arguments
    return _table(("argument", "meaning"), [(f"`{one.name.upper()}`", one.description) for one in arguments])


def _option_table(specs: Iterable[OptionSpec]) -> str:
    unique = {spec.flag: spec for spec in specs}
    return _table(("option", "meaning", "default"), [_option_row(spec) for spec in unique.values()])


def _option_row(spec: OptionSpec) -> tuple[str, str, str]:
    value = "" if spec.is_flag else " " + ("|".join(spec.choices) or spec.value_name)
    several = " May be given several times, or with commas." if spec.is_list else ""
    return f"`--{spec.flag}{value}`", spec.help + several, _default(spec)


def _default(spec: OptionSpec) -> str:
    default = spec.default
    if default is dataclasses.MISSING:
        return "must be given"
    if default is None or default is False or default == ():
        return ""
    text = str(default.value if isinstance(default, Enum) else default)
    # where a machine keeps a user's data differs; the page shows one such place
    return "`" + text.replace(str(platformdirs.user_data_path("sagemaker-fs")), "~/.local/share/sagemaker-fs") + "`"


def _hooks(plugins: Plugins) -> Iterator[str]:
    yield f"# Hooks\n\n{NOTE}\n"
    yield "A plugin is a module that an entry point of the group `sagemaker_fs` names; `@hookimpl` marks its hooks.\n"
    yield "Hooks take nothing and return classes. None is called during a run. The order of plugins means nothing.\n"
    for hook in KINDS:
        function = getattr(hookspecs, hook)
        returns = function.__annotations__["return"]
        text = re.sub(r"docs/(\S+\.md)", r"[docs/\1](../\1)", str(_doc(function)))
        yield f"\n## {hook}\n\n```python\n@hookimpl\ndef {hook}() -> {returns}: ...\n```\n\n{text}\n"
        names = ", ".join(f"`{name}`" for name in plugins.parts(hook))
        yield f"\nBuilt in: {names}.\n" if names else ""


def _parts(plugins: Plugins) -> Iterator[str]:
    yield f"# Parts\n\n{NOTE}\n"
    yield "What can be chosen by name: stores (in a connection), record-id sources and strategies.\n"
    yield "A part's own options follow its name on the command line.\n"
    for hook, kind in KINDS.items():
        if hook == "sfs_commands":
            continue
        yield f"\n## {kind[0].upper()}{kind[1:]}{'s' if kind[-1] != 'y' else ''}\n".replace("strategys", "strategies")
        for name, part in plugins.parts(hook).items():
            provider = plugins.provider(hook, name)
            yield f"\n### {name}\n\n{_doc(part)}\n"
            yield f"\nProvided by `{provider.distribution}`.\n" if provider else ""
            yield _setting_table(part) if hook == "sfs_stores" else _option_table(declared(part, f"{name}-"))


def _setting_table(store: type[Any]) -> str:
    rows = [(f"`{spec.field}`", spec.help, _default(spec)) for spec in declared(store)]
    return _table(("setting of a connection", "meaning", "default"), rows)


def _exit_codes() -> Iterator[str]:
    # no plugin, so that nothing has loaded it
    importlib.import_module("sfs_plugins.iceberg.errors")
    yield f"# Exit codes\n\n{NOTE}\nEach number means one thing. Partial success is never 0.\n"
    yield _table(("code", "meaning"), [(f"{code.value}", MEANINGS[code]) for code in ExitCode])
    yield "\n## Errors\n\nWith `--log-format json` the name is in `error`, and the fields are in `fields`.\n"
    _load_rooms()
    # two rooms may have errors of one name: the order must not be that in which they were imported
    errors = sorted(set(_errors(SfsError)), key=lambda error: (error.exit_code, error.__name__, error.__module__))
    rows = [(f"`{error.__name__}`", str(error.exit_code.value), f"`` {error.sentence} ``") for error in errors]
    yield _table(("error", "code", "sentence"), [row for row in rows if row[2] != "`` {problem} ``"])


def _load_rooms() -> None:
    """Import every module of the core and the rooms: some are imported first when they are needed."""
    top = Path(__file__).parents[1]
    for room in (top / "sfs_core", *(top / "sfs_plugins").iterdir()):
        for path in sorted(room.rglob("*.py")):
            parts = path.relative_to(top).with_suffix("").parts
            if "testing" not in parts:
                importlib.import_module(".".join(parts).removesuffix(".__init__"))


def _errors(family: type[SfsError]) -> Iterator[type[SfsError]]:
    known = {name.removeprefix("sfs-").replace("-", "_") for name in rooms()}
    for error in family.__subclasses__():
        package, _, rest = error.__module__.partition(".")
        room = rest.partition(".")[0]
        if (package == "sfs_core" and room != "testing") or (package == "sfs_plugins" and room in known):
            yield error
        yield from _errors(error)


def _doc(documented: object) -> str:
    return inspect.getdoc(documented) or ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        " | ".join(cell.replace("\n", " ").replace("|", "\\|").replace("\\\\|", "\\|") for cell in row) for row in rows
    ]
    if not lines:
        return ""
    head = f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    return head + "".join(f"| {line} |\n" for line in lines)


def _nowhere(plugins: Plugins) -> Environment:
    """Return surroundings for commands that are only described."""
    nothing = io.StringIO()
    return Environment(plugins, (), {}, Path(), Path(os.devnull), nothing, nothing, nothing)


def write(say: Callable[[str], object] = print) -> None:
    """Write every page that changed."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            say(f"wrote {path}")


if __name__ == "__main__":
    write()
