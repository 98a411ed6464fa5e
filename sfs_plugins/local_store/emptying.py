"""An Iceberg offline store emptied by the day, and a whole group taken away: what was buffered settles first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from sfs_core import DAY, Batch, Clock, Fact
from sfs_plugins.local_store.errors import told_of
from sfs_plugins.local_store.objects import OwnRoot
from sfs_plugins.local_store.opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa


def days(opened: Opened, clock: Clock) -> Iterator[pa.RecordBatch]:
    """Yield each event day, and how many versions it has."""
    opened.settle(clock.now(), everything=True)
    with told_of(opened.held.database.folder):
        yield from opened.iceberg_files().days()


def delete_days(again: Callable[[], Opened], batches: Iterable[Batch], clock: Clock) -> Iterator[Fact]:
    """Delete days, a snapshot for each batch; the group is opened `again` for each, since it may have gone."""
    again()
    for batch in batches:
        opened = again()
        opened.settle(clock.now(), everything=True)
        with told_of(opened.held.database.folder):
            opened.iceberg_files().delete_days(batch.records.column(DAY).to_pylist())
        yield Fact.of(batch)


def compact(opened: Opened, root: OwnRoot, clock: Clock) -> None:
    """Bring the files of the table in order, and let go of old snapshots. Raises TableElsewhere, nothing changed."""
    opened.settle(clock.now(), everything=True)
    with told_of(opened.held.database.folder):
        opened.iceberg_files().compact(root.uri)


def take_away(opened: Opened, clock: Clock) -> None:
    """Take away what a group being deleted holds; its offline objects stay, and what was buffered is among them."""
    database = opened.held.database
    while database.exists():
        opened.settle(clock.now(), everything=True)
        if opened.mark_gone():
            break
    if database.exists() and opened.is_iceberg:
        with told_of(database.folder):
            opened.iceberg_files().leave()
    opened.held.remove()
