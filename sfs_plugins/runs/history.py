"""What the commands of this room tell of a run: its state, its target, its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sfs_core import ExitCode, Run, is_going_on


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    """A process is working on it, or asking its question."""
    PLANNED = "planned"
    """It was killed before its plan was confirmed; nothing was changed, and the next run of a command removes it."""
    INTERRUPTED = "interrupted"
    """It was stopped, or killed, perhaps while its result was looked at, and can be resumed."""
    FAILED = "failed"
    """It ended by itself without having done everything."""
    DONE = "done"


def state_of(run: Run) -> RunState:
    """Return how far a run is."""
    if is_going_on(run):
        return RunState.RUNNING
    if run.plan is None:
        return RunState.PLANNED
    report = run.report
    if report is None or report["exit_code"] == ExitCode.INTERRUPTED:
        return RunState.INTERRUPTED
    if report["exit_code"] != ExitCode.DONE:
        return RunState.FAILED
    return RunState.DONE if run.is_over else RunState.INTERRUPTED


def target_of(run: Run) -> str | None:
    """Return the addresses of the groups a run changes, None if it has no plan or changes none."""
    plan = run.plan or {"changes": ()}
    return ", ".join(group["group"] for group in plan["changes"]) or None


def steps_of(run: Run) -> list[dict[str, Any]]:
    """Return every step of a run's plan and what became of its records, as far as it is written down.

    Keys are `number`, `step`, `done`, `skipped` and `failed` (counts by reason), and once the run has ended by itself
    `left`, what has no outcome.
    """
    plan, report, counts = run.plan, run.report, run.counts()
    if report is not None and state_of(run) is not RunState.RUNNING:
        keys = ("step", "done", "skipped", "failed", "left")
        return [{"number": number, **_some(step, keys)} for number, step in enumerate(report["steps"], 1)]
    steps = []
    for number, line in enumerate(plan["lines"] if plan else (), 1):
        ended, source = counts.get(number), plan["steps"][number - 1]["source"] if plan else {}
        # what did not get into the spool is counted with the plan, the rest in the journal
        fates = {fate: Counter(source.get(fate)) + Counter(getattr(ended, fate, {})) for fate in ("skipped", "failed")}
        step = {"number": number, "step": line, "done": ended.done if ended else 0}
        steps.append(step | {fate: dict(counted) for fate, counted in fates.items()})
    return steps


def _some(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: values[key] for key in keys}
