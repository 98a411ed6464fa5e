"""Moving a feature group's records into another one, and comparing two: the commands `migrate` and `verify`."""

from __future__ import annotations

from sfs_core import MigrateStrategy, SfsCommand, hookimpl
from sfs_plugins.migrate.command import MigrateCommand
from sfs_plugins.migrate.history import HistoryRecords
from sfs_plugins.migrate.strategies import LatestRecords, ListedRecords
from sfs_plugins.migrate.verify_command import VerifyCommand


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands."""
    return (MigrateCommand, VerifyCommand)


@hookimpl
def sfs_migrate_strategies() -> tuple[type[MigrateStrategy], ...]:
    """Return the strategies."""
    return (LatestRecords, HistoryRecords, ListedRecords)
