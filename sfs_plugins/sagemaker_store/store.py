"""The store named `sagemaker`: one connection to Amazon SageMaker Feature Store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from sfs_core import (
    DAY,
    BadDefinition,
    BadRequest,
    Batch,
    Clock,
    Delete,
    EventTime,
    EventTimeRange,
    Fact,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureGroupNotFound,
    GroupChange,
    GroupQuery,
    GroupStatus,
    Identity,
    NewFeatureGroup,
    OfflineQuery,
    OnlineRecords,
    Put,
    RecordId,
    RecordNotFound,
    SfsError,
    StoreNotEnabled,
    TargetStore,
    check_change,
    check_value,
    in_flight,
    option,
    say,
)
from sfs_plugins.sagemaker_store import deleting, held, iceberg_table, listing, objects, offline, reading, tables
from sfs_plugins.sagemaker_store.athena import Athena
from sfs_plugins.sagemaker_store.calls import Calls
from sfs_plugins.sagemaker_store.clients import RUNTIME, Clients
from sfs_plugins.sagemaker_store.creating import create
from sfs_plugins.sagemaker_store.definitions import group_from, update_request
from sfs_plugins.sagemaker_store.errors import NotOwnGroup
from sfs_plugins.sagemaker_store.object_deletion import delete
from sfs_plugins.sagemaker_store.object_versions import keeps_versions, listed_versions
from sfs_plugins.sagemaker_store.objects import HeldObjects, inside
from sfs_plugins.sagemaker_store.ranges import open_ranges
from sfs_plugins.sagemaker_store.record_update import record_update
from sfs_plugins.sagemaker_store.writing import Writer

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class SageMakerStore:
    """Amazon SageMaker Feature Store by boto3: profile, Region, role and endpoint of one connection.

    What is not set is botocore's own chain: environment, configuration files, instance roles.
    """

    name: ClassVar[str] = "sagemaker"

    connection: str
    clock: Clock
    profile: str | None = option("AWS profile.", default=None, flag="profile")
    region: str | None = option("AWS Region.", default=None, flag="region")
    endpoint_url: str | None = option("Address that every AWS call goes to.", default=None, flag="endpoint-url")
    role_arn: str | None = option("Role that is assumed.", default=None)
    workgroup: str = option("Athena workgroup that reads offline stores.", default="primary", flag="athena-workgroup")
    athena_output: str | None = option(
        "S3 URI for Athena's results, if the workgroup has none.", default=None, flag="athena-output"
    )
    bucket_owner: str | None = option("Account that owns the offline store's buckets, if not your own.", default=None)
    offline_lag_minutes: float = option("Minutes until a record shows in the offline store.", default=15.0)
    _refused: dict[str, Any] = field(default_factory=dict, repr=False)
    _by_arn: set[str] = field(default_factory=set, repr=False)

    @property
    def offline_lag(self) -> timedelta:
        """How long an acknowledged record may take to show offline. Source: feature-store-offline."""
        return timedelta(minutes=self.offline_lag_minutes)

    @cached_property
    def clients(self) -> Clients:
        """The connection's clients."""
        return Clients(self.connection, self.profile, self.region, self.role_arn, self.endpoint_url)

    @cached_property
    def calls(self) -> Calls:
        """The wrapper round every call."""
        return Calls(self.connection, lambda: self.identity().principal, self._is_made)

    @property
    def throttles(self) -> int:
        """How often AWS asked this connection to go slower: each refused call, and each refused entry of one."""
        return self.calls.throttles

    def _is_made(self, name: str) -> bool:
        """Tell whether the control plane has a group that can be used: the runtime may not have heard of it yet."""
        try:
            return self.describe(name).status is GroupStatus.CREATED
        except FeatureGroupNotFound:
            return False

    @cached_property
    def _identity(self) -> Identity:
        answer = self.calls(self.clients.get("sts"), "GetCallerIdentity", self.connection)
        return Identity(answer["Account"], self.clients.region_name, answer["Arn"])

    def identity(self) -> Identity:
        """Return account, Region and principal, as STS knows them."""
        return self._identity

    def place(self) -> str:
        """Return Region and account; the Region alone where STS does not answer."""
        region = self.clients.region_name
        try:
            return f"{region} of account {self.identity().account}"
        except SfsError:
            return region

    @property
    def _control(self) -> Any:
        return self.clients.get("sagemaker")

    @property
    def _runtime(self) -> Any:
        return self.clients.get(RUNTIME)

    def groups(self, query: GroupQuery) -> Iterator[FeatureGroupName]:
        """Yield names page by page, filtered and sorted by the service."""
        return listing.names(self.calls, self._control, self.connection, query)

    def describe(self, name: str) -> FeatureGroup:
        """Return a group by its name or ARN."""
        try:
            answer = self.calls(self._control, "DescribeFeatureGroup", name, FeatureGroupName=name)
        except FeatureGroupNotFound as error:
            raise FeatureGroupNotFound(name=name, place=self.place()) from error
        group = group_from(self.connection, answer)
        if name.startswith("arn:"):
            self._by_arn.add(group.arn)
        return group

    def _on_wire(self, group: FeatureGroup) -> FeatureGroup:
        """Return a group by the name that requests give it: its ARN where it was asked for so.

        A group that another account shares is known by its ARN only (known ways to be wrong, line 49).
        """
        return replace(group, name=FeatureGroupName(group.arn)) if group.arn in self._by_arn else group

    def _asked_for(self, name: str) -> str:
        """Return the ARN that a group of this name was described by, else the name."""
        return next((arn for arn in self._by_arn if _is_of(arn, name)), name)

    def create(self, new: NewFeatureGroup) -> None:
        """Begin to make a group."""
        create(self.calls, self._control, new)

    def update(self, name: str, change: GroupChange) -> None:
        """Begin to change a group: one kind of change a call."""
        name = self._asked_for(name)
        check_change(self.describe(name), change)
        try:
            self.calls(self._control, "UpdateFeatureGroup", name, **update_request(name, change))
        except BadRequest as error:
            raise BadDefinition(name=name, problem=error.message.fields["problem"]) from error

    def delete(self, name: str) -> None:
        """Begin to delete a group. Raises NotOwnGroup for one of another account: the API takes a name only."""
        own = FeatureGroupName(name.rpartition("/")[2])
        here = f":{self.clients.region_name}:{self.identity().account}:feature-group/"
        for arn in {name, *self._by_arn}:
            if arn.startswith("arn:") and _is_of(arn, own) and here not in arn:
                raise NotOwnGroup(arn=arn, place=self.place())
        self.calls(self._control, "DeleteFeatureGroup", own, FeatureGroupName=own)

    def tags(self, name: str) -> Mapping[str, str]:
        """Return a group's tags."""
        return listing.tags(self.calls, self._control, self.describe(self._asked_for(name)))

    def read(
        self, group: FeatureGroup, ids: Sequence[RecordId], features: Sequence[str] | None = None
    ) -> OnlineRecords:
        """Return the records of `ids` by BatchGetRecord."""
        self._needs(group, TargetStore.ONLINE)
        return reading.read(self.calls, self._runtime, self._on_wire(group), ids, _wanted(group, features))

    def list_record_ids(self, group: FeatureGroup, *, soft_deleted: bool = False) -> Iterator[pa.RecordBatch]:
        """Yield ids by ListRecords, 100 a page."""
        self._needs(group, TargetStore.ONLINE)
        return reading.list_record_ids(self.calls, self._runtime, self._on_wire(group), soft_deleted=soft_deleted)

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        """Write records by BatchWriteRecord, or PutRecord where that is not permitted."""
        self._needs(group, *(how.targets or ()))
        if how.ttl is not None and group.online is None:
            raise BadDefinition(name=group.name, problem=say("a time to live needs an online store"))
        writer = Writer(self.calls, self._runtime, self._on_wire(group), how)
        writer.batch_refused = self._refused.setdefault(group.name, writer.batch_refused)
        return writer.facts(batches)

    def update_record(
        self, group: FeatureGroup, record_id: RecordId, features: Mapping[str, str | list[str]], how: Put
    ) -> None:
        """Change single features of a live record by UpdateRecord."""
        self._needs(group, TargetStore.ONLINE, *(how.targets or ()))
        for name, value in features.items():
            check_value(group.feature(name), value)
        if isinstance(features.get(group.event_time), str):
            group.parse_event_time(str(features[group.event_time]))
        name = self._on_wire(group).name
        try:
            self.calls(self._runtime, "UpdateRecord", name, **record_update(name, record_id, features, how))
        except FeatureGroupNotFound as error:
            raise RecordNotFound(record_id=record_id, group=group.name) from error

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        """Delete records by DeleteRecord, `max_workers` at once."""
        self._needs(group, *(how.targets or ()))
        named = self._on_wire(group)

        def work(batch: Batch) -> Fact:
            return deleting.delete(self.calls, self._runtime, named, batch, how)

        return in_flight(batches, work, how.max_workers)

    def holds(self, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
        """Tell for each version whether it has been written since `since`, as far as both stores show it."""
        offline = held.written(self.athena, self._known(group), records, since) if group.offline else None
        online = held.there(lambda ids: self.read(group, ids, (group.event_time,)).records, group, records)
        return held.holds(group, records, online, offline)

    def _known(self, group: FeatureGroup) -> FeatureGroup:
        """Return a group as it is now: the catalogue's names come from Describe, never from a guess."""
        return self.describe(self._on_wire(group).name)

    def versions(self, group: FeatureGroup, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
        """Yield offline records by Athena: the latest by UNLOAD, the history from its ordered CSV result."""
        self._needs(group, TargetStore.OFFLINE)
        return offline.versions(self.athena, self._known(group), query)

    @property
    def athena(self) -> Athena:
        """Athena as this connection asks it: workgroup, and a place for results."""
        return Athena(self.calls, self.clients, self.workgroup, self.athena_output, self.identity().account)

    def offline_record_ids(
        self, group: FeatureGroup, event_time: EventTimeRange | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield ids by an Athena query, whose answer is unloaded."""
        self._needs(group, TargetStore.OFFLINE)
        return offline.record_ids(self.athena, self._known(group), event_time)

    def open_object(self, group: FeatureGroup, key: str) -> BinaryIO:
        """Open an object that is read by ranges."""
        found, prefix = self._objects(group)
        return open_ranges(found, inside(found, prefix, group, key))

    def keeps_versions(self, group: FeatureGroup) -> bool | None:
        """Tell whether the root's bucket keeps older versions, now or from a time before; None where that is denied."""
        return keeps_versions(self._objects(group)[0])

    def object_versions(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield versions and delete markers by ListObjectVersions: those that are not current first."""
        self._needs(group, TargetStore.OFFLINE)
        return listed_versions(*self._objects(group))

    def drop_table(self, group: FeatureGroup) -> None:
        """Drop the group's own table by DeleteTable, once it was seen to lie at the group's root."""
        tables.drop(self.calls, self.clients.get("glue"), group)

    def offline_objects(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the objects under the group's own root."""
        self._needs(group, TargetStore.OFFLINE)
        found, prefix = self._objects(group)
        return objects.listed(found, prefix)

    def delete_objects(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete objects under the group's own root by DeleteObjects, unless an Iceberg table is made of them."""
        found, prefix = self._objects(group)
        with contextlib.suppress(FeatureGroupNotFound):
            iceberg_table.refuse_files(group, self._known(group))
        return delete(found, prefix, group, batches)

    def offline_days(self, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
        """Yield the event days of an Iceberg table, counted by Athena."""
        return iceberg_table.days(self.athena, self._iceberg(group))

    def delete_days(self, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Delete event days of an Iceberg table by Athena's DELETE."""
        self._iceberg(group)
        for batch in batches:
            days: list[str] = batch.records.column(DAY).to_pylist()
            iceberg_table.delete_days(self.athena, self._iceberg(group), days)
            yield Fact.of(batch)

    def compact(self, group: FeatureGroup) -> None:
        """Bring the files of an Iceberg table in order by Athena's OPTIMIZE and VACUUM."""
        iceberg_table.compact(self.athena, offline.table_of(self._iceberg(group)))

    def _iceberg(self, group: FeatureGroup) -> FeatureGroup:
        """Return a group as it is now, which must be the very one described, with an Iceberg table of its own."""
        now = self._known(group)
        iceberg_table.check_own(self.calls, self.clients.get("glue"), group, now)
        return now

    def _objects(self, group: FeatureGroup) -> tuple[HeldObjects, str]:
        bucket, prefix = objects.own_root(group)
        owner = self.bucket_owner or self.identity().account
        return HeldObjects(self.calls, self.clients.get("s3"), bucket, owner), prefix

    def settle(self, group: FeatureGroup) -> None:
        """Do nothing: the service brings buffered writes to S3 by itself, within 15 minutes."""

    def close(self) -> None:
        """Close what clients were made."""
        self.clients.close()

    def _needs(self, group: FeatureGroup, *stores: TargetStore) -> None:
        for store in stores:
            if store not in group.stores:
                raise StoreNotEnabled(group=group.address, store=store)


def _is_of(arn: str, name: str) -> bool:
    """Tell whether an ARN is of a group of this name: those of older groups have it in small letters."""
    return arn.lower().endswith(f"/{name.lower()}")


def _wanted(group: FeatureGroup, features: Sequence[str] | None) -> tuple[FeatureDefinition, ...]:
    if features is None:
        return group.features
    names = {group.feature(name).name for name in features} | {group.record_identifier}
    return tuple(feature for feature in group.features if feature.name in names)
