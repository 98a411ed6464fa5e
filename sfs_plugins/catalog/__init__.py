"""Feature groups themselves: list, describe, create, update, delete."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.catalog.create import CreateCommand
from sfs_plugins.catalog.delete import DeleteCommand
from sfs_plugins.catalog.describe import DescribeCommand
from sfs_plugins.catalog.list_groups import ListCommand
from sfs_plugins.catalog.update import UpdateCommand

__all__ = ["sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands that see and change feature groups, not their records."""
    return (ListCommand, DescribeCommand, CreateCommand, UpdateCommand, DeleteCommand)
