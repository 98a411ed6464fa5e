"""The local store served over AWS's own wire protocol on 127.0.0.1: `sagemaker-fs sandbox start`."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.sandbox.command import EnvCommand, StartCommand, StatusCommand, StopCommand

__all__ = ["sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands that start, stop and describe a sandbox."""
    return (StartCommand, StopCommand, StatusCommand, EnvCommand)
