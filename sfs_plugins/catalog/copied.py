"""A definition taken from a feature group that is there, perhaps in another account."""

from __future__ import annotations

from dataclasses import replace

from sfs_core import FeatureGroupName, NewFeatureGroup, OfflineStore, OnlineStore, Session, UsageError, say
from sfs_plugins.catalog.describe import tags_of
from sfs_plugins.catalog.found import found_group
from sfs_plugins.catalog.group_options import GroupOptions

_SERVICE_TAGS = "aws:"


def copied(
    session: Session, address: str, connection: str, name: FeatureGroupName, given: GroupOptions
) -> NewFeatureGroup:
    """Return a definition like that of the group at `address`, for a group `name` of `connection`.

    What belongs to one account (bucket, role, KMS keys) goes along only within it. Raises FeatureGroupNotFound, and
    UsageError where another account's bucket would have to be used.
    """
    group = found_group(session, address)
    new = NewFeatureGroup(
        name=name,
        record_identifier=group.record_identifier,
        event_time=group.event_time,
        features=group.features,
        online=group.online,
        offline=group.offline,
        role_arn=group.role_arn,
        throughput=group.throughput,
        description=group.description,
        tags=tuple((k, v) for k, v in (tags_of(group, session) or {}).items() if not k.startswith(_SERVICE_TAGS)),
    )
    here, there = (session.store(one).identity() for one in (group.connection, connection))
    if (here.account, here.region) == (there.account, there.region):
        return as_new(new)
    if new.offline is not None and not given.offline and not given.no_offline:
        text = "{source} has its objects in {uri}, in another account or Region: give --offline S3URI or --no-offline"
        raise UsageError(problem=say(text, source=group.address, uri=new.offline.s3_uri))
    return _without_account(as_new(new))


def as_new(new: NewFeatureGroup) -> NewFeatureGroup:
    """Return a definition without where an earlier group's offline store lies: a new one gets a place of its own.

    A table that the service neither makes nor changes stays named, as it is only associated.
    """
    if new.offline is None:
        return new
    offline = new.offline
    table = offline.table if offline.disable_glue_table else None
    return replace(new, offline=replace(_configured(offline), table=table))


def _configured(offline: OfflineStore) -> OfflineStore:
    return replace(offline, resolved_uri=None, status=None, blocked_reason=None)


def _without_account(new: NewFeatureGroup) -> NewFeatureGroup:
    online: OnlineStore | None = new.online and replace(new.online, kms_key_id=None)
    offline = new.offline and replace(new.offline, kms_key_id=None)
    return replace(new, online=online, offline=offline, role_arn=None)
