"""The contracts between the core and its parts: sources, transforms, sinks and strategies (a store's is in `store`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from sfs_core.event_time import EventTime
from sfs_core.facts import Batch, Fact, Remark
from sfs_core.messages import Message
from sfs_core.model import FeatureGroup, TargetStore
from sfs_core.store import EventTimeRange

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.plan import Plan
    from sfs_core.session import Session


class Source(Protocol):
    """Where records or record ids come from. A frozen dataclass: its fields are printed and compared with the plan."""

    def describe(self) -> Message:
        """Return a noun phrase, as in `3 from record ids in FILE`: the count is put before it."""
        ...

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of any size, in an order that need not repeat: what has to repeat is spooled first."""
        ...


@runtime_checkable
class RecordIdSource(Source, Protocol):
    """A source of record ids, chosen by `--ids NAME`.

    A frozen dataclass with `name`, a first field `group: FeatureGroup`, and any options as further fields. Batches
    have the one column `record_id` (string, no nulls; see `record_ids()`); an id may come more than once.
    Kept by `sfs_core.testing.RecordIdSourceContract`.
    """

    name: ClassVar[str]


class Transform(Protocol):
    """A pure change of batches on their way into the spool: check, look up, map, drop."""

    def describe(self) -> Message:
        """Return what it does, as a verb phrase for the plan."""
        ...

    def apply(self, records: pa.RecordBatch, session: Session) -> tuple[pa.RecordBatch, Sequence[Remark]]:
        """Return the records that go on, and a remark for each row of `records` that does not."""
        ...


class Sink(Protocol):
    """Where records go. A frozen dataclass, like a source; it is asked `into` once a step (or once a round)."""

    def describe(self) -> Message:
        """Return what it does, as in `hard-delete from prod:orders`."""
        ...

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield one fact a batch as each completes, in any order.

        Takes no further batch than it has room to work on. A failure of one record is a remark; a failure of the
        store (unavailable, denied) is raised, and then nothing more is taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """What a clear strategy plans for.

    `ids` None means every record the online store lists; else those ids and no others are deleted, from a source that
    repeats. `at` is the run's clock; `settle` is how long buffered writes may take to land in the offline store.
    `keeps_versions` tells whether objects that are deleted stay in older versions, None where that is not known.
    """

    group: FeatureGroup
    ids: Source | None
    at: EventTime
    max_workers: int
    batch_records: int
    settle: timedelta = timedelta(0)
    keeps_versions: bool | None = False


class ClearStrategy(Protocol):
    """One way to empty one store of a feature group, chosen by `--online-by` or `--offline-by`.

    A frozen dataclass whose fields are its options. Pure: it refuses early (raises Refused) and reads nothing.
    """

    name: ClassVar[str]
    clears: ClassVar[TargetStore]

    def plan(self, request: ClearRequest) -> Plan:
        """Return the steps that empty `clears` of the request's group; the last one proves it empty."""
        ...


@dataclass(frozen=True, slots=True)
class MigrateRequest:
    """What a migrate strategy reads: the source, and which of its records."""

    source: FeatureGroup
    target: FeatureGroup
    event_time: EventTimeRange | None
    where: str | None
    ids: RecordIdSource | None
    at: EventTime


@dataclass(frozen=True, slots=True)
class MigrateRoute:
    """What a migrate strategy answers: a source of records, and how its records are to be put.

    `skip_newer`: leave a record whose target holds the same or a newer event time (and count it). `replay`: rows
    may be delete markers, which become soft deletes.
    """

    records: Source
    through: tuple[Transform, ...]
    skip_newer: bool
    replay: bool


class MigrateStrategy(Protocol):
    """One way to read a feature group for a migration, chosen by `--what`. A frozen dataclass, pure."""

    name: ClassVar[str]

    def route(self, request: MigrateRequest) -> MigrateRoute:
        """Return where the records come from. Raises Refused where the source has not got the store it needs."""
        ...
