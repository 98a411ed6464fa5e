"""The contract of a store, and what stores are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol, runtime_checkable

from sfs_core.event_time import EventTime
from sfs_core.facts import Batch, Fact
from sfs_core.model import (
    DeletionMode,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    GroupStatus,
    Identity,
    NewFeatureGroup,
    RecordId,
    TargetStore,
    Throughput,
    TtlDuration,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """Which feature groups to list, and in which order; filters are the service's (API ListFeatureGroups)."""

    name_contains: str | None = None
    status: GroupStatus | None = None
    offline_status: str | None = None
    created_after: EventTime | None = None
    created_before: EventTime | None = None
    sort_by: str = "Name"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class GroupChange:
    """One change of a feature group: exactly one of these is set, as UpdateFeatureGroup wants it."""

    add_features: tuple[FeatureDefinition, ...] = ()
    ttl: TtlDuration | None = None
    remove_ttl: bool = False
    storage_type: str | None = None
    throughput: Throughput | None = None


@dataclass(frozen=True, slots=True)
class OnlineRecords:
    """Records of an online store: text columns, and beside each record when it expires (ISO 8601 UTC, or null)."""

    records: pa.RecordBatch
    expires_at: pa.StringArray


@dataclass(frozen=True, slots=True)
class EventTimeRange:
    """`A..B`: from A on, before B; either may be open."""

    start: EventTime | None
    end: EventTime | None


class Versions(StrEnum):
    """Which versions of each record the offline store is asked for."""

    LATEST = "latest"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class OfflineQuery:
    """What is asked of an offline store.

    `event_time` and `written_by` (on write_time) bound the versions *before* they are ranked; `where` is an SQL
    condition over feature names, on what is left *after*. `features` None means all.
    """

    versions: Versions = Versions.LATEST
    features: tuple[str, ...] | None = None
    event_time: EventTimeRange | None = None
    where: str | None = None
    written_by: EventTime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """How records are put: `targets` None means every enabled store; `ttl` is each record's own time to live.

    `max_workers` bounds the requests in flight.
    """

    targets: tuple[TargetStore, ...] | None = None
    ttl: TtlDuration | None = None
    max_workers: int = 4


@dataclass(frozen=True, slots=True)
class Delete:
    """How records are deleted."""

    mode: DeletionMode = DeletionMode.SOFT
    targets: tuple[TargetStore, ...] | None = None
    max_workers: int = 4


class GroupCatalogue(Protocol):
    """Feature groups by their names, in one account and Region."""

    def identity(self) -> Identity:
        """Return account, Region and principal."""
        ...

    def place(self) -> str:
        """Return where groups are looked for, in words: `eu-west-1 of account 1111`, or a folder."""
        ...

    def groups(self, query: GroupQuery) -> Iterator[FeatureGroupName]:
        """Yield the names of all groups that match, offline-only ones too, in the order asked for."""
        ...

    def describe(self, name: str) -> FeatureGroup:
        """Return a group by its name or ARN, whatever its status."""
        ...

    def create(self, new: NewFeatureGroup) -> None:
        """Begin to make a group; `describe` tells when it is Created. Raises GroupExists, BadDefinition."""
        ...

    def update(self, name: str, change: GroupChange) -> None:
        """Begin to change a group; `describe` tells when. Raises BadDefinition, GroupNotReady."""
        ...

    def delete(self, name: str) -> None:
        """Begin to delete a group: its online records go, its offline objects and table stay."""
        ...

    def tags(self, name: str) -> Mapping[str, str]:
        """Return a group's tags."""
        ...


class RecordStore(Protocol):
    """Records of a feature group: read and listed online, written and deleted in either store."""

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        """Return the records the online store holds for `ids`.

        An id without a live record is absent from the answer; order is not kept. Columns are `features` (all when
        None) in definition order, and the record identifier always. Raises UnknownFeature, StoreNotEnabled.
        """
        ...

    def list_record_ids(self, group: FeatureGroup, *, soft_deleted: bool = False) -> Iterator[pa.RecordBatch]:
        """Yield the online store's record ids in batches with the column `record_id`, unordered.

        Soft-deleted ones only when asked for; expired ones never. Not a snapshot: under writers an id may come
        twice or not at all. Raises StoreNotEnabled. Source: API ListRecords.
        """
        ...

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        """Write records as PutRecord does, each replacing the whole record; yield a fact a batch.

        System columns are ignored.
        Online a record counts only if its event time is strictly later than what is there; offline it is always
        appended. Records of one id are applied in the order given. A record that breaks a rule is a failed remark.
        Acknowledged means durable. Raises StoreNotEnabled, BadDefinition (a TTL without an online store).
        """
        ...

    def update_record(
        self, group: FeatureGroup, record_id: RecordId, features: Mapping[str, str | list[str]], how: Put
    ) -> None:
        """Change single features of a live record (API UpdateRecord; Standard_V2 and InMemory only).

        Equal or newer event time applies, none keeps the stored one. Raises RecordNotFound, BadRequest (older).
        """
        ...

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        """Delete records; a batch has the columns `record_id` and `event_time` (each deletion's own, as text).

        Soft: hidden if the event time is later than the stored one, a delete marker is appended offline either way.
        Hard: removed if later; else the record fails with the code `EventTimeNotLater`, and no marker is written.
        A record that is not there is done. Source: API DeleteRecord.
        """
        ...

    def holds(self, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
        """Tell for each record whether this very version (id and event time) has been written since `since`.

        Asked of batches in doubt after an interrupted run. Offline, a store that cannot see its buffered rows
        answers by its online side alone: once, whenever that was written, and not where an older offline version
        explains it (a False leads to a second version offline). Delete markers are recognised by the column
        `is_deleted`. A version that is asked for several times is held the first so many times that it was written.
        """
        ...


class OfflineVersions(Protocol):
    """What an offline store tells of its records: versions, ids, and how late it is."""

    @property
    def offline_lag(self) -> timedelta:
        """How long an acknowledged record may take to show in the offline store."""
        ...

    def settle(self, group: FeatureGroup) -> None:
        """Bring buffered offline writes to disk where the store can; else do nothing."""
        ...

    def versions(self, group: FeatureGroup, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
        """Yield what the offline store holds, text columns by the query's features.

        LATEST: one record an id, ranked by event time as an instant, then api_invocation_time, then write_time,
        delete markers dropped after ranking; unordered. HISTORY: every version with the system columns, ordered by
        event time, then record id (so that versions that tie are neighbours), api_invocation_time, write_time.
        Raises StoreNotEnabled, BadOption (`where`).
        """
        ...

    def offline_record_ids(
        self, group: FeatureGroup, event_time: EventTimeRange | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the ids that the offline store holds a version of, delete markers' too: the column `record_id`.

        Each once, unordered; `event_time` bounds the versions that count. What is still buffered is not among them,
        so that no ids does not mean no records. Raises StoreNotEnabled.
        """
        ...


class OfflineObjects(Protocol):
    """What an offline store is made of: objects under its root, and the table over them."""

    def offline_objects(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the objects under the group's own root: columns `key` (an s3:// URI) and `size` in bytes.

        Raises Refused for a root that is not this group's alone.
        """
        ...

    def open_object(self, group: FeatureGroup, key: str) -> BinaryIO:
        """Return an object under the group's own root as a file that can be sought in; the caller closes it.

        Of a store behind a wire only what is read is fetched. Raises Refused for a key outside the root, and
        StoreUnavailable or BadRequest for an object that is not there.
        """
        ...

    def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete objects by `key`; a key outside the group's own root is refused, whatever the rest says.

        Where a batch has the columns of `object_versions`, that version is deleted for good, and a current one only
        after the older ones of its batch. Raises FilesOfATable while a group's Iceberg table is made of them.
        """
        ...

    def keeps_versions(self, group: FeatureGroup) -> bool | None:
        """Tell whether an object of the group's root that is deleted by `key` leaves its bytes in an older version.

        None where that may not be asked. Source: S3 API GetBucketVersioning; also of a bucket that has stopped.
        """
        ...

    def object_versions(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield every version and delete marker of an object under the group's own root.

        Columns `key` and `size` as `offline_objects` has them, `version` (null in a store without versions) and
        `is_current`. The current ones come last: deleted in this order, no object comes back in an older version.
        Raises Refused for a root that is not this group's alone. Source: S3 API ListObjectVersions.
        """
        ...

    def drop_table(self, group: FeatureGroup) -> None:
        """Take the group's own table out of the catalogue; one that is not there is done.

        The very table that the group's description names, and only if it was made for the group and lies at its root.
        Raises Refused otherwise. Works for a group that is deleted already. Source: Glue API DeleteTable.
        """
        ...


class IcebergTables(Protocol):
    """Offline stores whose table format is Iceberg: emptied by event days, never file by file."""

    def offline_days(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the event days (UTC) that an Iceberg offline store has records of.

        Those of buffered records are among them where the store can bring these to disk. Columns are `day`
        (`YYYY-MM-DD`; each day once, in any order) and `records`, how many versions it has, delete markers included.
        Raises StoreNotEnabled, NotAnIcebergTable, and Refused for versions whose event time begins with no day.
        """
        ...

    def delete_days(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete every version of event days of an Iceberg offline store; a batch has the column `day`.

        The online store is left as it is. A day without records is done. What a snapshot still shows stays on disk
        until `compact` lets go of it. Raises StoreNotEnabled, NotAnIcebergTable, and Refused for a description of a
        group that has been made anew since.
        """
        ...

    def compact(self, group: FeatureGroup) -> None:
        """Bring the files of an Iceberg offline store in order; what it tells stays the same.

        Small files become large ones, snapshots that have reached their age (the table's own setting) are let go of,
        and so are the files that only they show: Athena's OPTIMIZE and VACUUM. Raises StoreNotEnabled,
        NotAnIcebergTable.
        """
        ...


@runtime_checkable
class Store(GroupCatalogue, RecordStore, OfflineVersions, OfflineObjects, IcebergTables, Protocol):
    """A feature store. A dataclass whose fields are its connection's settings; the constructor opens nothing slow.

    Kept by `sfs_core.testing.StoreContract`. Safe to use from several threads. Limits of an API (25 or 100 a call)
    are the store's own affair: it takes batches of any size and cuts them. Every method may raise AccessDenied and
    StoreUnavailable (after every retry), and FeatureGroupNotFound where it names a group.
    """

    name: ClassVar[str]

    @property
    def throttles(self) -> int:
        """How often the store was asked to go slower since it was opened, tried again or not, entry by entry.

        It never falls. A store that no service stands behind says 0.
        """
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...
