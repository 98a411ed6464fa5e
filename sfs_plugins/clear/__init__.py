"""Emptying a feature group: the command `clear`, and the ways to empty an online or an offline store."""

from __future__ import annotations

from sfs_core import ClearStrategy, SfsCommand, hookimpl
from sfs_plugins.clear.by_record import HardDelete, SoftDelete
from sfs_plugins.clear.command import ClearCommand
from sfs_plugins.clear.objects import DeleteObjects
from sfs_plugins.clear.rows import DeleteRows

__all__ = [
    "ClearCommand", "DeleteObjects", "DeleteRows", "HardDelete", "SoftDelete", "sfs_clear_strategies", "sfs_commands",
]  # fmt: skip


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the command."""
    return (ClearCommand,)


@hookimpl
def sfs_clear_strategies() -> tuple[type[ClearStrategy], ...]:
    """Return the strategies."""
    return (HardDelete, SoftDelete, DeleteObjects, DeleteRows)
