"""A definition whose features are taken from a file of records, and what was made of it, said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sfs_core import (
    FeatureDefinition,
    FeatureGroupName,
    FeatureType,
    NewFeatureGroup,
    Session,
    UsageError,
    say,
    say_count,
)
from sfs_plugins.catalog.group_options import GroupOptions
from sfs_plugins.catalog.infer import Inferred, infer


def inferred(session: Session, path: Path, name: FeatureGroupName, given: GroupOptions) -> NewFeatureGroup:
    """Return a definition with the features of a file; what was inferred is said. Raises FileUnreadable, UsageError."""
    found = infer(path)
    known = [feature.name for feature in found.features]
    for flag, feature in (("--record-id", given.record_id), ("--event-time", given.event_time)):
        if feature not in known:
            text = "{flag} must name one of the columns of {path}: {columns}"
            raise UsageError(problem=say(text, flag=flag, path=path, columns=", ".join(known)))
    features = tuple(_as_key(feature, given) for feature in found.features)
    _tell(session, path, replace(found, features=features))
    return NewFeatureGroup(name, str(given.record_id), str(given.event_time), features)


def _as_key(feature: FeatureDefinition, given: GroupOptions) -> FeatureDefinition:
    """Return a feature as the service takes it: record ids are no fractions, and Unix seconds may have decimals."""
    if feature.name == given.record_id and feature.type is FeatureType.FRACTIONAL:
        return replace(feature, type=FeatureType.STRING)
    if feature.name == given.event_time and feature.type is FeatureType.INTEGRAL:
        return replace(feature, type=FeatureType.FRACTIONAL)
    return feature


def _tell(session: Session, path: Path, found: Inferred) -> None:
    note = session.console.note
    text = ("inferred from {count} record of {path}:", "inferred from {count} records of {path}:")
    note(say_count(*text, found.records, path=path))
    for feature in found.features:
        empty = feature.name in found.empty
        text_of_one = "  {name}:{type} (it has no value, so String is a guess)" if empty else "  {name}:{type}"
        note(say(text_of_one, name=feature.name, type=feature.type_text))
    if found.left_out:
        note(say("  left out, as the service writes them itself: {names}", names=", ".join(found.left_out)))
