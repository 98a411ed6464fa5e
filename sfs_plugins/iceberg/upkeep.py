"""Letting go of what is old: snapshots that have reached their age, and files that nothing refers to any more.

Files are removed slowly rather than wrongly: only under the table's own location, only those that were there before
the table was looked at, that no snapshot and no kept metadata file refers to, and that are older than any writer's
unfinished commit may be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import ancestors_of

from sfs_core import files_under
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import entries_of, manifests_of
from sfs_plugins.iceberg.tables import committed

_MAX_AGE_MS = "history.expire.max-snapshot-age-ms"
_MIN_KEPT = "history.expire.min-snapshots-to-keep"
_DAY_SECONDS = 86_400.0
_HINT = "version-hint.text"


def expire(table: Table, max_age_ms: int | None = None, min_kept: int | None = None) -> int:
    """Let go of snapshots that are older than an age, and return how many; what the table holds stays the same.

    The newest `min_kept` of the table's history stay, and whatever a branch or a tag shows. Both bounds are the
    table's own properties when None (`history.expire.max-snapshot-age-ms`, five days unless set;
    `history.expire.min-snapshots-to-keep`, 1). Source: feature-store-iceberg-metadata-management.
    """

    def let_go(table: Table) -> int:
        properties = table.properties
        age = int(properties.get(_MAX_AGE_MS, 432_000_000)) if max_age_ms is None else max_age_ms
        kept = max(1, int(properties.get(_MIN_KEPT, 1)) if min_kept is None else min_kept)
        protected = _protected(table, kept)
        before = time.time() * 1000 - age
        old = [one for one in table.snapshots() if one.timestamp_ms <= before and one.snapshot_id not in protected]
        if old:
            table.maintenance.expire_snapshots().by_ids([one.snapshot_id for one in old]).commit()
        return len(old)

    return committed(table, let_go)


def _protected(table: Table, kept: int) -> set[int]:
    """Return the snapshots to stay at any age: the newest of the history, all of other branches, and tagged ones."""
    history = ancestors_of(table.current_snapshot(), table.metadata)
    protected = {snapshot.snapshot_id for _, snapshot in zip(range(kept), history, strict=False)}
    for name, ref in table.metadata.refs.items():
        protected.add(ref.snapshot_id)
        if name != MAIN_BRANCH:
            head = table.snapshot_by_id(ref.snapshot_id)
            protected |= {snapshot.snapshot_id for snapshot in ancestors_of(head, table.metadata)}
    return protected


def remove_orphans(table: Table, grace_seconds: float = _DAY_SECONDS) -> int:
    """Remove files under the table's location that nothing refers to and that are older than a grace; return how many.

    The grace is for writers that have not committed yet. Links are left alone, and are not followed. Raises
    OutsideFolder, having removed nothing, if the table refers to what is no object of the folder.
    """
    files = cast(FolderIO, table.io)
    # written down before the table is looked at: what is committed from now on is not among them
    candidates = list(files_under(files.path(f"{table.location().rstrip('/')}/metadata").parent))
    table.refresh()
    kept = _referred_to(table)
    count = 0
    for path in candidates:
        if path not in kept and path.name != _HINT and _is_older(path, grace_seconds):
            path.unlink(missing_ok=True)
            count += 1
    return count


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return path.stat().st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False


def _referred_to(table: Table) -> set[Path]:
    """Return every file that the table, a snapshot of it or its log of metadata files names."""
    files = cast(FolderIO, table.io)
    # one that is not understood (OutsideFolder) stops all: what it protects is not known
    return {files.path(location) for location in _locations(table)}


def _locations(table: Table) -> Iterator[str]:
    yield table.metadata_location
    yield from (entry.metadata_file for entry in table.metadata.metadata_log)
    for statistics in (*table.metadata.statistics, *table.metadata.partition_statistics):
        yield statistics.statistics_path
    for snapshot in table.snapshots():
        yield snapshot.manifest_list
        yield from (manifest.manifest_path for manifest in manifests_of(table, snapshot))
        yield from (entry.data_file.file_path for entry in entries_of(table, snapshot))
