"""Feature groups as the embedded store writes them down: definition, place of the offline store, times of change."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from sfs_core import (
    NANOS,
    BadDefinition,
    CollectionType,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    GlueTable,
    GroupChange,
    GroupStatus,
    Message,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    StorageType,
    TableFormat,
    TargetStore,
    Throughput,
    ThroughputMode,
    TtlDuration,
    TtlUnit,
    check_new_group,
    say,
)

_S3_URI = re.compile(r"(?:https|s3)://([^/]+)/?(.*)", re.DOTALL)
_MAX_PART_BYTES = 200


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A feature group on disk; `number` is never given twice, so a group made anew finds nothing of the old one.

    Times are nanoseconds since 1970: of the change, and of when the change shows as done.
    """

    number: int
    new: NewFeatureGroup
    arn: str
    created: int
    ready: int
    updated: int | None = None
    update_ready: int | None = None
    gone: int | None = None
    failure: str | None = None
    """Why the group could not be made; it stays, to be looked at and deleted."""

    @property
    def root(self) -> str | None:
        """The prefix of the group's own offline objects, ending in `/`."""
        return self.new.offline.root if self.new.offline else None

    @property
    def offline_status(self) -> str | None:
        """The status of the offline store, None without one."""
        return self.new.offline.status if self.new.offline else None

    @property
    def is_iceberg(self) -> bool:
        """Whether the offline store is an Iceberg table."""
        return self.new.offline is not None and self.new.offline.table_format is TableFormat.ICEBERG

    def partition_problem(self, added: tuple[FeatureDefinition, ...]) -> Message | None:
        """Return what is wrong if an added feature has the name that the Iceberg table's partitions have already."""
        name = f"{self.new.event_time}_trunc".lower()
        if self.is_iceberg and any(feature.name.lower() == name for feature in added):
            return say("the partitions of its Iceberg table have the name {name!r} already", name=name)
        return None

    @property
    def stores(self) -> tuple[TargetStore, ...]:
        """The stores that are enabled, online first."""
        both = ((TargetStore.ONLINE, self.new.online), (TargetStore.OFFLINE, self.new.offline))
        return tuple(store for store, enabled in both if enabled is not None)

    def status(self, now: EventTime) -> GroupStatus:
        """Return the group's status at an instant."""
        if self.gone is not None:
            return GroupStatus.DELETING
        if self.failure is not None and now.nanoseconds >= self.ready:
            return GroupStatus.CREATE_FAILED
        return GroupStatus.CREATING if now.nanoseconds < self.ready else GroupStatus.CREATED

    def is_gone(self, now: EventTime) -> bool:
        """Tell whether the group has been deleted by then."""
        return self.gone is not None and self.gone <= now.nanoseconds

    def is_updating(self, now: EventTime) -> bool:
        """Tell whether a change is under way."""
        return self.update_ready is not None and now.nanoseconds < self.update_ready

    def described(self, connection: str, now: EventTime, online_bytes: int | None) -> FeatureGroup:
        """Return the group as `describe` gives it."""
        new = self.new
        update = None if self.updated is None else ("InProgress" if self.is_updating(now) else "Successful")
        return FeatureGroup(
            connection=connection,
            name=new.name,
            record_identifier=new.record_identifier,
            event_time=new.event_time,
            features=new.features,
            online=new.online,
            offline=new.offline,
            arn=self.arn,
            status=self.status(now),
            failure_reason=self.failure if self.status(now) is GroupStatus.CREATE_FAILED else None,
            created_at=EventTime(self.created),
            last_modified_at=EventTime(self.updated or self.created),
            last_update_status=update,
            description=new.description,
            role_arn=new.role_arn,
            throughput=new.throughput,
            online_bytes=online_bytes,
        )

    def changed(self, change: GroupChange) -> StoredGroup:
        """Return the group with a change applied, which must have passed its check."""
        new = self.new
        if change.add_features:
            new = replace(new, features=new.features + change.add_features)
        if new.online is not None and (change.ttl or change.remove_ttl):
            new = replace(new, online=replace(new.online, ttl=change.ttl))
        if new.online is not None and change.storage_type:
            new = replace(new, online=replace(new.online, storage_type=StorageType(change.storage_type)))
        if change.throughput:
            new = replace(new, throughput=change.throughput)
        return replace(self, new=new)

    def to_json(self) -> str:
        """Return the group as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    @lru_cache(maxsize=512)
    def from_json(cls, text: str, number: int) -> StoredGroup:
        """Return the group of a JSON text; the same text is read once, since every put asks for its group."""
        fields = json.loads(text)
        return cls(**{**fields, "number": number, "new": _definition(fields["new"])})


def _definition(fields: dict[str, Any]) -> NewFeatureGroup:
    online, offline, throughput = fields["online"], fields["offline"], fields["throughput"]
    if online is not None:
        ttl = online["ttl"] and TtlDuration(TtlUnit(online["ttl"]["unit"]), online["ttl"]["value"])
        online = OnlineStore(StorageType(online["storage_type"]), ttl, online["kms_key_id"])
    if offline is not None:
        table = offline["table"] and GlueTable(**offline["table"])
        offline = OfflineStore(
            **{**offline, "table": table, "table_format": TableFormat(offline["table_format"])},
        )
    return NewFeatureGroup(
        **{
            **fields,
            "features": tuple(_feature(feature) for feature in fields["features"]),
            "online": online,
            "offline": offline,
            "throughput": Throughput(**{**throughput, "mode": ThroughputMode(throughput["mode"])}),
            "tags": tuple((name, value) for name, value in fields["tags"]),
        }
    )


def _feature(fields: dict[str, Any]) -> FeatureDefinition:
    collection = fields["collection"] and CollectionType(fields["collection"])
    return FeatureDefinition(fields["name"], FeatureType(fields["type"]), collection, fields["dimension"])


def placed(offline: OfflineStore, name: str, account: str, region: str, epoch: int) -> OfflineStore:
    """Return an offline store with its resolved URI and table, named as feature-store-offline says."""
    prefix = "/".join(["s3:/", *_parts(offline.s3_uri)])
    root = f"{prefix}/{account}/sagemaker/{region}/offline-store/{name}-{epoch}"
    table = offline.table or GlueTable("sagemaker_featurestore", f"{name.replace('-', '_')}_{epoch}")
    return replace(
        offline,
        resolved_uri=f"{root}/data",
        table=None if offline.disable_glue_table and offline.table is None else table,
        status="Active",
        blocked_reason=None,
    )


def epoch_of(instant: EventTime) -> int:
    """Return whole Unix seconds."""
    return instant.nanoseconds // NANOS


def _parts(s3_uri: str) -> list[str]:
    """Return the bucket and the parts of the prefix; one slash or more at the end is no part."""
    match = _S3_URI.fullmatch(s3_uri)
    return [] if match is None else [match[1], *(match[2].rstrip("/").split("/") if match[2].rstrip("/") else [])]


def check_makeable(new: NewFeatureGroup) -> None:
    """Raise BadDefinition unless the service would make the group, and a folder can hold it."""
    check_new_group(new)
    problem = _folder_problem(new.offline, new.features) if new.offline else None
    if problem is not None:
        raise BadDefinition(name=new.name, problem=problem)


def _folder_problem(offline: OfflineStore, features: tuple[FeatureDefinition, ...]) -> Message | None:
    parts = _parts(offline.s3_uri)
    is_iceberg = offline.table_format is TableFormat.ICEBERG
    if is_iceberg and not (find_spec("pyiceberg") and find_spec("sfs_plugins.iceberg")):
        return say("the embedded store keeps Iceberg tables once sfs-local-store[iceberg] is installed")
    if any(part in ("", ".", "..") or not _is_file_name(part) for part in parts):
        return say("{uri!r} cannot be a folder of the embedded store: name plain parts", uri=offline.s3_uri)
    return case_problem(features)


def _is_file_name(part: str) -> bool:
    return len(part.encode()) <= _MAX_PART_BYTES and not any(c in '\\:*?"<>|' or ord(c) < 32 for c in part)


def case_problem(features: tuple[FeatureDefinition, ...]) -> Message | None:
    """Return what is wrong if two features differ in case alone: the offline table could not tell them apart."""
    seen: dict[str, str] = {}
    for feature in features:
        other = seen.setdefault(feature.name.lower(), feature.name)
        if other != feature.name:
            return say("an offline store cannot tell {first!r} from {second!r}", first=other, second=feature.name)
    return None
