"""Where record ids come from: the online store's own listing, files, and the offline store."""

from __future__ import annotations

from sfs_core import RecordIdSource, hookimpl
from sfs_plugins.record_ids.file import FileRecordIds
from sfs_plugins.record_ids.online import ListedRecordIds
from sfs_plugins.record_ids.queried import QueriedRecordIds
from sfs_plugins.record_ids.scanned import ScannedRecordIds

__all__ = ["FileRecordIds", "ListedRecordIds", "QueriedRecordIds", "ScannedRecordIds", "sfs_record_id_sources"]


@hookimpl
def sfs_record_id_sources() -> tuple[type[RecordIdSource], ...]:
    """Return the sources of this room."""
    return (ListedRecordIds, FileRecordIds, QueriedRecordIds, ScannedRecordIds)
