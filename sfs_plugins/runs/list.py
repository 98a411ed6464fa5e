"""`runs list`: every run that changed something, newest last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfs_core import ExitCode, OutputOptions, Run, RunDamaged, SfsCommand, render
from sfs_plugins.runs.history import state_of, steps_of, target_of

COLUMNS = ("run", "command", "target", "when", "state", "done", "skipped", "failed")


class RunsList(SfsCommand):
    """List the runs of this machine."""

    name = "runs list"
    description = "List every run that changed something from this machine, newest last."
    declares = (OutputOptions,)

    def answer(self) -> ExitCode:
        """Write the list to stdout; a run whose folder is damaged is told of on stderr."""

        def tell(error: RunDamaged) -> None:
            self.session.console.warn(error.message)

        lines = []
        for run in Run.all(self.session.state, tell):
            try:
                lines.append(_line(run))
            except RunDamaged as error:
                tell(error)
        render(lines, COLUMNS, self.given(OutputOptions).output, self.stdout)
        return ExitCode.DONE


def _line(run: Run) -> Mapping[str, Any]:
    steps = steps_of(run)
    counts = {fate: sum(sum(step[fate].values()) for step in steps) for fate in ("skipped", "failed")}
    return {
        "run": run.name,
        "command": run.facts["command"],
        "target": target_of(run),
        "when": run.at.iso(),
        "state": state_of(run).value,
        "done": sum(step["done"] for step in steps),
        **counts,
    }
