"""`sagemaker-fs plugins`: what is installed, what became of it, what it provides; there even with no plugin."""

from __future__ import annotations

from typing import Any

from sfs_core.command import OutputOptions, SfsCommand
from sfs_core.errors import ExitCode
from sfs_core.hookspecs import hookimpl
from sfs_core.plugins import KINDS, Plugin
from sfs_core.render import Output, render

COLUMNS = ("name", "state", "distribution", "version", "provides", "reason")


class PluginsCommand(SfsCommand):
    """Answers with every plugin that was found, whatever became of it."""

    name = "plugins"
    description = "Show every plugin: whether it is loaded, where it comes from, what it provides."
    declares = (OutputOptions,)

    def answer(self) -> ExitCode:
        """Write a line a plugin."""
        output = self.given(OutputOptions).output
        provided = _in_words if output in (Output.TABLE, Output.CSV) else _by_hook
        lines = ({**_facts(plugin), "provides": provided(plugin)} for plugin in self.environment.plugins.all)
        render(lines, COLUMNS, output, self.stdout)
        return ExitCode.DONE


def _facts(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "state": plugin.state.value,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "reason": plugin.reason,
    }


def _by_hook(plugin: Plugin) -> dict[str, list[str]]:
    return {hook: sorted(parts) for hook, parts in plugin.provides.items() if parts}


def _in_words(plugin: Plugin) -> str:
    return "; ".join(f"{KINDS[hook]} {', '.join(names)}" for hook, names in _by_hook(plugin).items())


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the core's own command."""
    return (PluginsCommand,)
