"""Records in bulk: `bulk-get`, `bulk-put`, `bulk-delete` and `export`."""

from __future__ import annotations

from sfs_core import SfsCommand, hookimpl
from sfs_plugins.bulk.bulk_delete import BulkDeleteCommand
from sfs_plugins.bulk.bulk_get import BulkGetCommand
from sfs_plugins.bulk.bulk_put import BulkPutCommand
from sfs_plugins.bulk.export import ExportCommand

__all__ = ["BulkDeleteCommand", "BulkGetCommand", "BulkPutCommand", "ExportCommand", "sfs_commands"]


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the commands of this room."""
    return (BulkDeleteCommand, BulkGetCommand, BulkPutCommand, ExportCommand)
