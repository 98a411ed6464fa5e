"""The group that records are migrated into: found, or made like the source; and never the source itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sfs_core import (
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FeatureGroupNotFound,
    FeatureType,
    GroupStatus,
    Message,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    Refused,
    Session,
    Store,
    TargetStore,
    UnknownFeature,
    check_new_group,
    is_of_type,
    say,
)
from sfs_plugins.migrate.mapping import MappingOptions


class SameGroup(Refused):
    """Source and target are one feature group."""

    sentence = "{source} and {target} are the same feature group, so nothing was changed: give another target"


class SharedRoot(Refused):
    """The offline stores of source and target lie in one another."""

    sentence = "the offline stores of {source} and {target} overlap at {root}, so nothing was changed"


class TargetDiffers(Refused):
    """The target is there, and is not what would be made."""

    sentence = (
        "{target} is there already and {problem}, so nothing was changed: leave out --create-target, or delete it"
    )


@dataclass(frozen=True, slots=True)
class Target:
    """Where records go: `new` is what it is made from, None where it is there."""

    group: FeatureGroup
    new: NewFeatureGroup | None = None


def existing(session: Session, address: str) -> Target:
    """Return a target that is there. Raises FeatureGroupNotFound, GroupNotReady."""
    return Target(session.group(address))


def to_be_made(session: Session, address: str, source: FeatureGroup, mapping: MappingOptions) -> Target:
    """Return a target that is to be like the source, after mapping, with an online store besides.

    Raises BadDefinition, BadOption, UnknownFeature (a mapping of features that the source has not).
    """
    connection, name = session.address(address)
    if name.startswith("arn:"):
        raise FeatureGroupNotFound(name=name, place=session.store(connection).place())
    new = _like(source, name, mapping, session.store_of(source).tags(source.name))
    check_new_group(new)
    group = FeatureGroup(
        connection,
        new.name,
        new.record_identifier,
        new.event_time,
        new.features,
        new.online,
        new.offline,
        description=new.description,
        role_arn=new.role_arn,
        throughput=new.throughput,
    )
    return Target(group, new)


def _like(source: FeatureGroup, name: str, mapping: MappingOptions, tags: Mapping[str, str]) -> NewFeatureGroup:
    renames = mapping.renames()
    for feature in (*renames, *mapping.drop):
        if feature not in {definition.name for definition in source.features}:
            raise UnknownFeature(group=source.address, feature=feature)
    return NewFeatureGroup(
        name=FeatureGroupName(name),
        record_identifier=renames.get(source.record_identifier, source.record_identifier),
        event_time=renames.get(source.event_time, source.event_time),
        features=tuple(_features(source, mapping)),
        online=source.online or OnlineStore(),
        offline=_offline(source.offline),
        role_arn=source.role_arn,
        throughput=source.throughput,
        description=source.description,
        # tags of the service's own cannot be given
        tags=tuple(sorted(pair for pair in tags.items() if not pair[0].startswith("aws:"))),
    )


def _features(source: FeatureGroup, mapping: MappingOptions) -> Iterator[FeatureDefinition]:
    """Yield the source's features as they are mapped, then those that only have a default."""
    renames, names = mapping.renames(), set()
    for feature in source.features:
        if feature.name not in mapping.drop:
            renamed = replace(feature, name=renames.get(feature.name, feature.name))
            names.add(renamed.name)
            yield renamed
    for name, text in mapping.defaults().items():
        if name not in names:
            yield FeatureDefinition(name, _type_of(text))


def _type_of(text: str) -> FeatureType:
    kinds = (FeatureType.INTEGRAL, FeatureType.FRACTIONAL)
    return next((kind for kind in kinds if is_of_type(text, kind)), FeatureType.STRING)


def _offline(offline: OfflineStore | None) -> OfflineStore | None:
    """Return what a new offline store like another is made from: the same S3Uri, a root and a table of its own."""
    if offline is None:
        return None
    return OfflineStore(
        offline.s3_uri,
        table_format=offline.table_format,
        disable_glue_table=offline.disable_glue_table,
        kms_key_id=offline.kms_key_id,
    )


def refuse_another(found: FeatureGroup, wanted: FeatureGroup) -> None:
    """Raise TargetDiffers where a target that is there is not the one that was to be made."""
    problem = _difference(found, wanted)
    if problem is not None:
        raise TargetDiffers(target=found.address, problem=problem)


def _difference(found: FeatureGroup, wanted: FeatureGroup) -> Message | None:
    if found.status not in (GroupStatus.CREATED, GroupStatus.CREATING):
        return say("is {status}", status=found.status)
    if (found.record_identifier, found.event_time) != (wanted.record_identifier, wanted.event_time):
        return say("has another record identifier or event time")
    if found.features != wanted.features:
        return say("has other features")
    if found.stores != wanted.stores:
        return say("has other stores ({stores})", stores=", ".join(found.stores))
    return None


def refuse_missing_online(group: FeatureGroup) -> None:
    """Raise TargetDiffers where --create-target was to give an online store, and the group there has none."""
    if TargetStore.ONLINE not in group.stores:
        raise TargetDiffers(target=group.address, problem=say("has no online store"))


def refuse_same(session: Session, source: FeatureGroup, target: FeatureGroup) -> None:
    """Raise SameGroup where two groups are one, however they are named; SharedRoot where their objects would mix."""
    if _place(session.store_of(source), source) == _place(session.store_of(target), target):
        raise SameGroup(source=source.address, target=target.address)
    if source.offline is None or target.offline is None:
        return
    mine, theirs = source.offline.root, target.offline.root
    same_store = _place(session.store_of(source)) == _place(session.store_of(target))
    if same_store and mine and theirs and (mine.startswith(theirs) or theirs.startswith(mine)):
        raise SharedRoot(source=source.address, target=target.address, root=max(mine, theirs))


def _place(store: Store, group: FeatureGroup | None = None) -> tuple[str, ...]:
    """Return what tells a store, or a group of it, from every other; a folder is one whatever path leads to it."""
    name = () if group is None else (group.name.lower(),)
    return (store.name, os.path.realpath(store.place()), *name)
