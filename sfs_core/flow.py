"""Sources and transforms that speak to any store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core.arrow import check
from sfs_core.facts import RECORD_ID, Remark
from sfs_core.messages import Message, say
from sfs_core.model import (
    FeatureGroup,
)
from sfs_core.store import OfflineQuery, Versions

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session


def kept(records: pa.RecordBatch, remarks: Sequence[Remark]) -> pa.RecordBatch:
    """Return the records that no remark speaks of, in order."""
    if not remarks:
        return records
    import pyarrow as pa

    gone = {remark.row for remark in remarks}
    return records.take(pa.array([row for row in range(records.num_rows) if row not in gone], pa.int64()))


@dataclass(frozen=True, slots=True)
class Given:
    """A source of one batch that is at hand."""

    name: Message
    records: pa.RecordBatch

    def describe(self) -> Message:
        """Return its name."""
        return self.name

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield the one batch."""
        yield self.records


@dataclass(frozen=True, slots=True)
class CheckRecords:
    """Lets through the records that may be put into a group; the others fail, each with its own sentence."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        return say("check")

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the good records and a remark for each bad one. Raises UnknownFeature for a column."""
        remarks = check(records, self.group)
        return kept(records, remarks), remarks


@dataclass(frozen=True, slots=True)
class LookUpRecords:
    """Turns record ids into the records the online store holds; an id without a record is skipped: `NotFound`."""

    group: FeatureGroup
    features: tuple[str, ...] | None = None

    def describe(self) -> Message:
        """Return what it does."""
        return say("look up in {group}", group=self.group.address)

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records found, in the order of the ids, and a remark for each id not found."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = records.column(RECORD_ID)
        found = session.store_of(self.group).read(self.group, ids.to_pylist(), self.features).records
        places = pc.index_in(ids, found.column(self.group.record_identifier))
        missing = pc.indices_nonzero(pc.is_null(places)).to_pylist()
        message = say("no record in the online store")
        return found.take(pc.drop_null(places).cast(pa.int64())), [
            Remark.skipped(row, "NotFound", message) for row in missing
        ]


@dataclass(frozen=True, slots=True)
class OnlineRecordIds:
    """The record ids that the online store lists; with `soft_deleted` those of tombstones too."""

    group: FeatureGroup
    soft_deleted: bool = False

    def describe(self) -> Message:
        """Return the noun phrase."""
        if self.soft_deleted:
            return say("record ids of the online store, soft-deleted ones too")
        return say("record ids of the online store")

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, unordered, perhaps with duplicates."""
        return session.store_of(self.group).list_record_ids(self.group, soft_deleted=self.soft_deleted)


@dataclass(frozen=True, slots=True)
class OfflineObjects:
    """The objects under a group's own root, buffered writes brought to disk first where the store can.

    With `versions` also every older version, and every delete marker of S3.
    """

    group: FeatureGroup
    versions: bool = False

    def describe(self) -> Message:
        """Return the noun phrase."""
        root = self.group.offline.root if self.group.offline else None
        if self.versions:
            return say("objects under {root}, older versions too", root=root)
        return say("objects under {root}", root=root)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of `key` and `size`; of versions also `version` and `is_current`."""
        store = session.store_of(self.group)
        store.settle(self.group)
        return store.object_versions(self.group) if self.versions else store.offline_objects(self.group)


@dataclass(frozen=True, slots=True)
class OfflineDays:
    """The event days that an Iceberg offline store has versions of, buffered ones included."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("event days in the offline store of {group}", group=self.group.address)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of `day`, and in `records` how many versions it has."""
        store = session.store_of(self.group)
        store.settle(self.group)
        return store.offline_days(self.group)


@dataclass(frozen=True, slots=True)
class OfflineRecords:
    """Records of the offline store, by a query."""

    group: FeatureGroup
    query: OfflineQuery

    def describe(self) -> Message:
        """Return the noun phrase."""
        if self.query.versions is Versions.HISTORY:
            return say("every version in the offline store of {group}", group=self.group.address)
        return say("the latest records in the offline store of {group}", group=self.group.address)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of records; the history in order, with the system columns."""
        return session.store_of(self.group).versions(self.group, self.query)
