"""Files of Iceberg tables removed: by VACUUM and DROP TABLE, slowly rather than wrongly.

Nothing is removed where another table, or a feature group, lies in the same place; nor what a running statement reads;
nor what was never part of the table and is younger than a day: a writer may be about to commit it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.statement import Work
from sfs_plugins.sandbox.glue.catalog import Table

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable

_DAY_SECONDS = 86_400.0
_AGE_MS = "history.expire.max-snapshot-age-ms"
_FIVE_DAYS_MS = 432_000_000
_MS = 1000
_BUCKET_AND_FOLDER = 2


def check_alone(work: Work, table: Table) -> None:
    """Raise QueryFailed where a table's place is not its own alone, or is a whole bucket."""
    location = table["StorageDescriptor"]["Location"]
    place = _parts(location)
    if len(place) < _BUCKET_AND_FOLDER:
        raise QueryFailed(f"GENERIC_INTERNAL_ERROR: Path missing in file system location: {location}")
    for name, other in work.engine.catalogue.places():
        both = list(zip(place, _parts(other), strict=False))
        is_in_or_around = all(one == another for one, another in both)
        if name != (table["DatabaseName"], table["Name"]) and is_in_or_around:
            raise unsupported(f"this sandbox removes no files of {location}: {'.'.join(name)} is kept at {other}")


def _parts(location: str) -> list[str]:
    """Return the bucket and the folders of a place, whichever way it is spelt: `s3a://b//x/` is `s3://b/x`."""
    return [part for part in location.partition("://")[2].split("/") if part]


def vacuum(work: Work, table: IcebergTable) -> None:
    """Let go of snapshots by the table's properties, then remove what only those named, and old orphans."""
    from sfs_plugins.iceberg.upkeep import expire, remove_orphans

    with work.engine.running.lock:
        before = referred_to(table)
        expire(table)
        table.refresh()
        _remove(work, table, before - referred_to(table))
        # a file that a statement reads is of a snapshot, current or let go of just now: the latter are not so old
        age = int(table.properties.get(_AGE_MS, _FIVE_DAYS_MS)) / _MS
        if not work.engine.running.files():
            remove_orphans(table, max(age, _DAY_SECONDS))


def drop(work: Work, table: Table, opened: IcebergTable) -> None:
    """Strike a table out, then remove the files that it names. Raises QueryFailed, nothing changed."""
    if work.engine.catalogue.is_a_groups(table["DatabaseName"], table["Name"]):
        raise unsupported(f"{table['Name']} is the table of a live feature group: delete the feature group first")
    check_alone(work, table)
    undo(work, table, opened)


def undo(work: Work, table: Table, opened: IcebergTable) -> None:
    """Strike a table out and remove the files that it names."""
    with work.engine.running.lock:
        files = referred_to(opened)
        work.engine.catalogue.drop_table(table["DatabaseName"], table["Name"])
        _remove(work, opened, files)


def referred_to(table: IcebergTable) -> set[Path]:
    """Return every file that a table names: metadata, manifests and data, of each snapshot that it keeps.

    Raises SfsError for a name that is no object: what it stands for is not known, so nothing may be removed.
    """
    from sfs_plugins.iceberg.file_io import FolderIO
    from sfs_plugins.iceberg.reading import entries_of, manifests_of

    named = [table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)]
    named += [one.statistics_path for one in (*table.metadata.statistics, *table.metadata.partition_statistics)]
    for snapshot in table.snapshots():
        named.append(snapshot.manifest_list)
        named += [manifest.manifest_path for manifest in manifests_of(table, snapshot)]
        named += [entry.data_file.file_path for entry in entries_of(table, snapshot)]
    files = cast(FolderIO, table.io)
    return {files.path(location) for location in named}


def _remove(work: Work, table: IcebergTable, paths: Iterable[Path]) -> None:
    """Remove files that lie under a table's own place and that no running statement reads."""
    from sfs_plugins.iceberg.file_io import FolderIO

    files, busy = cast(FolderIO, table.io), work.engine.running.files()
    root = files.path(f"{table.location().rstrip('/')}/metadata").parent
    for path in sorted(paths):
        if path.is_relative_to(root) and path not in busy:
            path.unlink(missing_ok=True)
