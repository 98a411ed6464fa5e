"""Going on with an earlier run: which one can be gone on with, as what command, and what is asked before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sfs_core.command import Environment
from sfs_core.damage import understood
from sfs_core.errors import NotConfirmed, NotResumable, Refused
from sfs_core.journal import Journal, Run
from sfs_core.messages import say
from sfs_core.plan import Plan, Step
from sfs_core.session import Session
from sfs_core.spool import Spooled

KEPT_VARIABLES: Final = ("SFS_CONFIG", "SFS_CONNECTION")
"""Environment variables that are part of what a run was asked for."""


class DeletesAgain(Refused):
    """A run that deletes is gone on with, and there is nobody to ask whether what was put since may go too."""

    sentence = (
        "run {run} was confirmed at {at}, and going on deletes what was put into {group} since, too; there is no "
        "terminal to ask on, so nothing was changed: give --force if that is meant"
    )


def is_among(argv: Sequence[str], flag: str, value: Any) -> bool:
    """Tell whether an option was given on another command line with the same value."""
    values = [] if value is True else value if isinstance(value, list) else [value]
    words = {word for text in argv for word in (text, *text.split("=", 1))}
    return f"--{flag}" in words and {str(one) for one in values} <= words


def check_resumable(run: Run) -> None:
    """Raise NotResumable for a run that changed nothing yet, that came to its end, or whose spool is gone.

    One that did everything but was stopped while its result was looked at has its spool still, and goes on with that.
    """
    if run.plan is None:
        raise NotResumable(run=run.name, problem=say("it was never confirmed, so nothing was changed: start it anew"))
    if run.is_over:
        raise NotResumable(run=run.name, problem=say("it came to its end"))
    if not (run.folder / "spool").exists():
        raise NotResumable(run=run.name, problem=say("what it wrote down is gone: start it anew"))


def resume(environment: Environment, name: str, more: Sequence[str] = (), *, force: bool = False) -> int:
    """Go on with an earlier run, as its command, with its own options and `more`, and its own clock.

    With `force` it goes on deleting without being confirmed again. Raises RunNotFound, NotResumable.
    """
    run = Run.load(environment.state, name)
    check_resumable(run)
    assert environment.again is not None  # noqa: S101  (the application sets it)
    others = {name: value for name, value in environment.environ.items() if name not in KEPT_VARIABLES}
    here = Path.cwd()
    with understood(run.folder / "run.json", run.name):
        environ, folder = {**others, **run.facts["environ"]}, Path(run.facts["cwd"])
    if folder.is_dir():
        os.chdir(folder)
    try:
        return environment.again(
            replace(
                environment,
                argv=[*run.facts["argv"], *more],
                environ=environ,
                folder=folder,
                resuming=run,
                forced=force,
            )
        )
    finally:
        os.chdir(here)


def confirm_again(plan: Plan, run: Run, journal: Journal, session: Session) -> None:
    """Ask before an earlier run goes on deleting: others may have put new records under the same ids meanwhile.

    Nothing is asked where no step that is left deletes. Raises DeletesAgain, NotConfirmed.
    """
    steps = enumerate(plan.steps, 1)
    left = [(number, step) for number, step in steps if not _is_over(step, journal, number)]
    if plan.confirm is None or not any(step.destroys for _, step in left):
        return
    group = plan.confirm
    if not session.console.can_ask:
        raise DeletesAgain(run=run.name, at=run.at, group=group.address)
    session.console.note(
        say(
            "run {run} was confirmed at {at}: {left:,} of what it wrote down to delete are left, and what was put into "
            "{group} since then is deleted too, also where it has the same record ids",
            run=run.name, at=run.at, group=group.address,
            left=sum(_left(step.source, journal, number) for number, step in left if step.destroys),
        )
    )  # fmt: skip
    if session.console.ask(say("Type {name} to go on:", name=group.name)) != group.name:
        raise NotConfirmed(name=group.name)


def _is_over(step: Step, journal: Journal, number: int) -> bool:
    """Tell whether a step came to its end: one that lists until nothing is left, by a round that had nothing to do.

    One with a round to be tried again did not.
    """
    known = {place for place in (*journal.places, *journal.finished) if place[0] == number}
    if not known or not known <= journal.finished:
        return False
    return not step.until_empty or journal.earlier(*max(known)).total().records == 0


def _left(source: object, journal: Journal, number: int) -> int:
    """Return how much of what was written down for a step has no end yet; what is listed later is not known yet."""
    return source.count - journal.earlier(number, 0).total().records if isinstance(source, Spooled) else 0
