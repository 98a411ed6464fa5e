"""The options that settle what a definition leaves open, or that change it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sfs_core import (
    BadOption,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    OptionsConflict,
    StorageType,
    TableFormat,
    TtlDuration,
    UsageError,
    option,
    say,
)


@dataclass(frozen=True)
class GroupOptions:
    """Options of `create`; each goes before what the schema, the other group or the file says."""

    record_id: str | None = option("Feature that holds the record id.", default=None, value="FEATURE")
    event_time: str | None = option("Feature that holds the event time.", default=None, value="FEATURE")
    online: bool = option("Give it an online store.", default=False)
    no_online: bool = option("Give it no online store.", default=False)
    storage_type: StorageType | None = option("Tier of the online store.", default=None)
    ttl: TtlDuration | None = option(
        "Time to live of online records, counted from the event time, as 30d.", default=None
    )
    no_ttl: bool = option("Give it no time to live.", default=False)
    offline: str | None = option("Give it an offline store under this S3 URI.", default=None, value="S3URI")
    no_offline: bool = option("Give it no offline store.", default=False)
    table_format: TableFormat | None = option("Table format of the offline store.", default=None)
    role_arn: str | None = option("Role that the service writes the offline store with.", default=None)
    kms_key: str | None = option("KMS key of both stores; an InMemory store takes none.", default=None)
    tag: tuple[str, ...] = option("Tag as key=value; give it again for more.", default=(), value="KEY=VALUE")
    description: str | None = option("What the group is for.", default=None, value="TEXT")


def with_options(new: NewFeatureGroup, given: GroupOptions) -> NewFeatureGroup:
    """Return a definition with the options applied. Raises OptionsConflict, BadOption, UsageError."""
    return replace(
        new,
        record_identifier=given.record_id or new.record_identifier,
        event_time=given.event_time or new.event_time,
        online=_online(new.online, given),
        offline=_offline(new.offline, given),
        role_arn=given.role_arn or new.role_arn,
        description=given.description or new.description,
        tags=tuple({**dict(new.tags), **dict(map(_tag, given.tag))}.items()),
    )


def _online(store: OnlineStore | None, given: GroupOptions) -> OnlineStore | None:
    _check_one(given.online, "--online", given.no_online, "--no-online")
    _check_one(given.ttl, "--ttl", given.no_ttl, "--no-ttl")
    store = None if given.no_online else store or (OnlineStore() if given.online else None)
    if store is None:
        for flag, value in (("--storage-type", given.storage_type), ("--ttl", given.ttl)):
            _check_needless(flag, value, "--online")
        return None
    store = replace(store, storage_type=given.storage_type or store.storage_type)
    store = replace(store, ttl=None if given.no_ttl else given.ttl or store.ttl)
    takes_key = store.storage_type is not StorageType.IN_MEMORY
    return replace(store, kms_key_id=given.kms_key or store.kms_key_id) if takes_key else store


def _offline(store: OfflineStore | None, given: GroupOptions) -> OfflineStore | None:
    _check_one(given.offline, "--offline", given.no_offline, "--no-offline")
    if given.no_offline or (store is None and given.offline is None):
        _check_needless("--table-format", given.table_format, "--offline S3URI")
        return None
    store = store or OfflineStore(given.offline or "")
    return replace(
        store,
        s3_uri=given.offline or store.s3_uri,
        table_format=given.table_format or store.table_format,
        kms_key_id=given.kms_key or store.kms_key_id,
    )


def _check_one(first: object, first_flag: str, second: object, second_flag: str) -> None:
    if first and second:
        raise OptionsConflict(first=first_flag, second=second_flag)


def _check_needless(flag: str, value: object, needed: str) -> None:
    if value is not None:
        problem = say(
            "{flag} speaks of a store that the group would not have: give {needed} too", flag=flag, needed=needed
        )
        raise UsageError(problem=problem)


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise BadOption(option="--tag", value=text, expected=say("key=value, as team=ml"))
    return key, value
