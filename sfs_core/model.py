"""The domain as frozen values: feature groups, their features and stores. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NewType, Self

from sfs_core.errors import BadDuration, BadFeatureType, UnknownFeature
from sfs_core.event_time import NANOS, EventTime

RecordId = NewType("RecordId", str)
FeatureGroupName = NewType("FeatureGroupName", str)

API_INVOCATION_TIME: Final = "api_invocation_time"
WRITE_TIME: Final = "write_time"
IS_DELETED: Final = "is_deleted"
SYSTEM_COLUMNS: Final = (API_INVOCATION_TIME, WRITE_TIME, IS_DELETED)


class FeatureType(StrEnum):
    """The type of a feature's values. Source: API CreateFeatureGroup."""

    STRING = "String"
    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"


class CollectionType(StrEnum):
    """How a feature holds several values; InMemory groups only. Source: feature-store-collection-types."""

    LIST = "List"
    SET = "Set"
    VECTOR = "Vector"


_TYPE = re.compile(r"(String|Integral|Fractional)(?::(List|Set|Vector)(?:\((\d+)\))?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FeatureDefinition:
    """A feature's name and type; `dimension` is set for a Vector only."""

    name: str
    type: FeatureType
    collection: CollectionType | None = None
    dimension: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the definition that `name:Type[:List|Set|Vector(n)]` names. Raises BadFeatureType."""
        name, _, kind = text.partition(":")
        match = _TYPE.fullmatch(kind)
        if match is None or not name:
            raise BadFeatureType(text=text)
        collection = CollectionType(match[2].capitalize()) if match[2] else None
        if (collection is CollectionType.VECTOR) != (match[3] is not None):
            raise BadFeatureType(text=text)
        return cls(name, FeatureType(match[1].capitalize()), collection, int(match[3]) if match[3] else None)

    @property
    def type_text(self) -> str:
        """The type as `parse` reads it: `Fractional`, `String:List`, `Fractional:Vector(3)`."""
        if self.collection is None:
            return str(self.type)
        size = f"({self.dimension})" if self.dimension is not None else ""
        return f"{self.type}:{self.collection}{size}"


class TtlUnit(StrEnum):
    """Units of a time to live."""

    SECONDS = "Seconds"
    MINUTES = "Minutes"
    HOURS = "Hours"
    DAYS = "Days"
    WEEKS = "Weeks"


_UNIT_SECONDS = {
    TtlUnit.SECONDS: 1,
    TtlUnit.MINUTES: 60,
    TtlUnit.HOURS: 3_600,
    TtlUnit.DAYS: 86_400,
    TtlUnit.WEEKS: 604_800,
}
_TTL_LETTERS = {unit.value[0].lower(): unit for unit in TtlUnit}


@dataclass(frozen=True, slots=True)
class TtlDuration:
    """A time to live, counted from the record's *event time*. Source: feature-store-time-to-live."""

    unit: TtlUnit
    value: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the duration of a text such as `30d`. Raises BadDuration."""
        match = re.fullmatch(r"([1-9]\d{0,8})([smhdw])", text)
        if match is None:
            raise BadDuration(text=text)
        return cls(_TTL_LETTERS[match[2]], int(match[1]))

    @property
    def nanoseconds(self) -> int:
        """Length in nanoseconds."""
        return self.value * _UNIT_SECONDS[self.unit] * NANOS

    def __str__(self) -> str:
        return f"{self.value}{self.unit.value[0].lower()}"


class StorageType(StrEnum):
    """Online store tiers; only InMemory takes collections, and it has no offline store."""

    STANDARD = "Standard"
    STANDARD_V2 = "Standard_V2"
    IN_MEMORY = "InMemory"


class TargetStore(StrEnum):
    """The two stores of a feature group, as `TargetStores` names them."""

    ONLINE = "OnlineStore"
    OFFLINE = "OfflineStore"


class DeletionMode(StrEnum):
    """Soft delete hides a record and leaves a tombstone; hard delete removes it. Source: API DeleteRecord."""

    SOFT = "SoftDelete"
    HARD = "HardDelete"


class TableFormat(StrEnum):
    """The offline store's table format."""

    GLUE = "Glue"
    ICEBERG = "Iceberg"


class GroupStatus(StrEnum):
    """The life-cycle of a feature group. Source: API DescribeFeatureGroup."""

    CREATING = "Creating"
    CREATED = "Created"
    CREATE_FAILED = "CreateFailed"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"


class ThroughputMode(StrEnum):
    """How capacity is bought; the wire's own spelling."""

    ON_DEMAND = "OnDemand"
    PROVISIONED = "Provisioned"


@dataclass(frozen=True, slots=True)
class Throughput:
    """Throughput mode; units are per second and set for Provisioned only."""

    mode: ThroughputMode = ThroughputMode.ON_DEMAND
    read_units: int | None = None
    write_units: int | None = None


@dataclass(frozen=True, slots=True)
class OnlineStore:
    """A group's online store. `ttl` is the group's default for records written without their own."""

    storage_type: StorageType = StorageType.STANDARD
    ttl: TtlDuration | None = None
    kms_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class GlueTable:
    """Where the catalogue has the offline store."""

    database: str
    table: str
    catalog: str = "AwsDataCatalog"


@dataclass(frozen=True, slots=True)
class OfflineStore:
    """A group's offline store.

    `s3_uri` is what was configured and may be shared by other groups; `resolved_uri` (the service's
    ResolvedOutputS3Uri, ending in `/data`) is this group's alone, and unknown (None) before the group is made.
    `status` is Active, Blocked or Disabled.
    """

    s3_uri: str
    resolved_uri: str | None = None
    table_format: TableFormat = TableFormat.GLUE
    table: GlueTable | None = None
    disable_glue_table: bool = False
    kms_key_id: str | None = None
    status: str | None = None
    blocked_reason: str | None = None

    @property
    def root(self) -> str | None:
        """The prefix that holds this group's objects and nothing else, ending in `/`: the resolved URI less `data`."""
        if self.resolved_uri is None:
            return None
        return self.resolved_uri.rstrip("/").removesuffix("/data") + "/"

    @property
    def own_table(self) -> GlueTable | None:
        """The table that was made for this group; None if there is none, or one that was brought along."""
        return None if self.disable_glue_table else self.table


@dataclass(frozen=True, slots=True)
class NewFeatureGroup:
    """What a feature group is made from (CreateFeatureGroup's request)."""

    name: FeatureGroupName
    record_identifier: str
    event_time: str
    features: tuple[FeatureDefinition, ...]
    online: OnlineStore | None = None
    offline: OfflineStore | None = None
    role_arn: str | None = None
    throughput: Throughput = Throughput()
    description: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """A feature group as its store describes it."""

    connection: str
    name: FeatureGroupName
    record_identifier: str
    event_time: str
    features: tuple[FeatureDefinition, ...]
    online: OnlineStore | None
    offline: OfflineStore | None
    arn: str = ""
    status: GroupStatus = GroupStatus.CREATED
    failure_reason: str | None = None
    created_at: EventTime | None = None
    last_modified_at: EventTime | None = None
    last_update_status: str | None = None
    last_update_failure: str | None = None
    description: str | None = None
    role_arn: str | None = None
    throughput: Throughput = Throughput()
    online_bytes: int | None = field(default=None, compare=False)

    @property
    def address(self) -> str:
        """`connection:name`, as the user writes it."""
        return f"{self.connection}:{self.name}"

    @property
    def stores(self) -> tuple[TargetStore, ...]:
        """The stores that are enabled, online first."""
        both = ((TargetStore.ONLINE, self.online), (TargetStore.OFFLINE, self.offline))
        return tuple(store for store, enabled in both if enabled is not None)

    @property
    def event_time_in_seconds(self) -> bool:
        """Whether event times are Unix seconds (Fractional) rather than ISO 8601 (String)."""
        return self.feature(self.event_time).type is FeatureType.FRACTIONAL

    def feature(self, name: str) -> FeatureDefinition:
        """Return a feature's definition. Raises UnknownFeature."""
        for definition in self.features:
            if definition.name == name:
                return definition
        raise UnknownFeature(group=self.address, feature=name)

    def parse_event_time(self, text: str) -> EventTime:
        """Return the instant of an event time of this group. Raises BadEventTime."""
        return EventTime.parse(text, seconds=self.event_time_in_seconds)

    def event_time_text(self, instant: EventTime) -> str:
        """Return an instant as this group's event-time feature writes it."""
        return instant.text(seconds=self.event_time_in_seconds)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks, and where to: shown before anything is changed."""

    account: str
    region: str
    principal: str
