"""Single records: get, put, delete-record."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.records.delete_record import DeleteRecordCommand
from sfs_plugins.records.get import GetCommand
from sfs_plugins.records.put import PutCommand

__all__ = ["sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands that see and change one record."""
    return (GetCommand, PutCommand, DeleteRecordCommand)
