"""`runs show`: one run's plan, what became of each step, and each record that was not done."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sfs_core import ExitCode, Output, OutputOptions, Run, SfsCommand, argument, render, render_one, say
from sfs_plugins.runs.history import state_of, steps_of, target_of

REMARKS = ("step", "round", "batch", "row", "fate", "code", "message", "record")
SHOWN = 20


class RunsShow(SfsCommand):
    """Show one run."""

    name = "runs show"
    description = (
        "Show a run: its plan, what became of each step, and each record that failed or was skipped "
        "(with --output jsonl or csv those records alone, as they come)."
    )
    arguments = [argument("run", "Name of the run, or how it begins.")]  # noqa: RUF012  (Cleo's)
    declares = (OutputOptions,)

    def answer(self) -> ExitCode:
        """Write the run to stdout. Raises RunNotFound, RunAmbiguous."""
        run = Run.load(self.session.state, self.argument("run"))
        output = self.given(OutputOptions).output
        if output in (Output.JSONL, Output.CSV):
            render(run.remarks(), REMARKS, output, self.stdout)
        elif output is Output.TABLE:
            self._tables(run)
        else:
            plan, remarks = run.plan, list(run.remarks())
            render_one({**_facts(run), "steps": steps_of(run), "plan": plan, "remarks": remarks}, output, self.stdout)
        return ExitCode.DONE

    def _tables(self, run: Run) -> None:
        plan = run.plan
        render_one(_facts(run), Output.TABLE, self.stdout)
        if plan is not None:
            steps = [
                {**step, "skipped": _counts(step["skipped"]), "failed": _counts(step["failed"])}
                for step in steps_of(run)
            ]
            self.stdout.write("\n")
            render(steps, ("number", "step", "done", "skipped", "failed", "left"), Output.TABLE, self.stdout)
            self.stdout.writelines(f"! {note}\n" for note in plan["notes"])
        remarks = run.remarks()
        self._remarks(run, list(islice(remarks, SHOWN)), remarks)

    def _remarks(self, run: Run, first: list[Mapping[str, Any]], others: Iterator[Mapping[str, Any]]) -> None:
        if first:
            self.stdout.write("\n")
            render(first, ("step", "fate", "code", "message", "record"), Output.TABLE, self.stdout)
        left = sum(1 for _ in others)
        if left:
            text = "{count:,} more: `sagemaker-fs runs show {run} --output jsonl` writes them all"
            self.session.console.note(say(text, count=left, run=run.name))


def _facts(run: Run) -> dict[str, Any]:
    report = run.report or {}
    return {
        "run": run.name,
        "state": state_of(run).value,
        "title": run.plan["title"] if run.plan else None,
        "target": target_of(run),
        "when": run.at.iso(),
        "command_line": shlex.join(["sagemaker-fs", *run.facts["argv"]]),
        "folder": str(run.folder),
        "exit_code": report.get("exit_code"),
        "seconds": report.get("seconds"),
        "throttles": report.get("throttles"),
        "error": (report.get("error") or {}).get("message"),
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in counts.items())
