"""Record ids that a query of the offline store gives, and what an answer without any means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import EventTimeRange, FeatureGroup, Message, Refused, Session, option, say

if TYPE_CHECKING:
    import pyarrow as pa


class NoOfflineRecordIds(Refused):
    """An offline store shows no record ids, from which nothing follows: what was put lately lands there later."""

    sentence = (
        "the offline store of {group} shows no record ids, so nothing was done: what was put lately lands there up to "
        "15 minutes late; try again then, or give --ids online"
    )


class NoOwnRecordIds(Refused):
    """A table that was brought along shows nothing that lies under the group's own root."""

    sentence = (
        "table {table}, which was not made for {group}, shows no record ids under {root}, and others may not be the "
        "group's, so nothing was done: give --ids s3-scan or --ids online"
    )


@dataclass(frozen=True, slots=True)
class QueriedRecordIds:
    """The ids that the offline store has a version of, asked by query: `--ids athena`.

    Those of delete markers too; of a table that was brought along, which others may share, those alone that lie under
    the group's own root. Athena asks on AWS, which is charged by the bytes it scans, DuckDB on the local store.
    """

    name: ClassVar[str] = "athena"
    group: FeatureGroup
    event_time: EventTimeRange | None = option(
        "Only records with a version whose event time is from A on, before B.", default=None, value="A..B"
    )

    def describe(self) -> Message:
        """Return the noun phrase."""
        if self.event_time is None:
            return say("record ids of the offline store")
        start, end = self.event_time.start or "", self.event_time.end or ""
        return say("record ids of the offline store with event times {start}..{end}", start=start, end=end)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, each once, unordered. Raises StoreNotEnabled, NoOfflineRecordIds, NoOwnRecordIds."""
        found = session.store_of(self.group).offline_record_ids(self.group, self.event_time)
        return some_ids(found, _nothing_of(self.group))


def some_ids(batches: Iterator[pa.RecordBatch], nothing: Refused) -> Iterator[pa.RecordBatch]:
    """Yield batches as they are. Raises `nothing` where none of them has an id."""
    count = 0
    for batch in batches:
        count += batch.num_rows
        yield batch
    if not count:
        raise nothing


def _nothing_of(group: FeatureGroup) -> Refused:
    offline = group.offline
    if offline is None or offline.table is None or offline.own_table is not None:
        return NoOfflineRecordIds(group=group.address)
    table = f"{offline.table.database}.{offline.table.table}"
    return NoOwnRecordIds(group=group.address, table=table, root=offline.root)
