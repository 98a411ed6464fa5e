"""Looking back: every run that changed something on this machine, what became of it, and going on with it."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.runs.list import RunsList
from sfs_plugins.runs.resume import RunsResume
from sfs_plugins.runs.show import RunsShow

__all__ = ["RunsList", "RunsResume", "RunsShow", "sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands."""
    return (RunsList, RunsShow, RunsResume)
