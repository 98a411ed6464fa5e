"""The main job on real public data, on the user's own disk, in under a minute: the command `demo`."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.demo.command import DemoCommand

__all__ = ["DemoCommand", "sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the command."""
    return (DemoCommand,)
