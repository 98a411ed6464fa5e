"""The service's rules for values, records and definitions. Source: feature-store-quotas, the API models."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sfs_core.errors import BadDefinition, BadRecord, BadValue, MissingFeature
from sfs_core.messages import Message, say
from sfs_core.model import (
    SYSTEM_COLUMNS,
    CollectionType,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    NewFeatureGroup,
    StorageType,
    TableFormat,
    ThroughputMode,
)

if TYPE_CHECKING:
    from sfs_core.store import GroupChange

Value = str | list[str]

MAX_RECORD_BYTES: Final = 358_400
MAX_RECORD_ID_BYTES: Final = 2_048
MAX_FEATURES: Final = 2_500
MAX_ADDITIONS: Final = 100
MAX_DIMENSION: Final = 8_192
MAX_CAPACITY_UNITS: Final = 10_000_000
MAX_DESCRIPTION: Final = 128
MAX_TAGS: Final = 50
NAME: Final = re.compile(r"[a-zA-Z0-9](?:[_-]*[a-zA-Z0-9]){0,63}")
S3_URI: Final = re.compile(r"(?:https|s3)://([^/]+)/?(.*)")

_INTEGRAL_FORM: Final = r"[+-]?[0-9]+"
_FRACTIONAL_FORM: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INTEGRAL = re.compile(_INTEGRAL_FORM)
_FRACTIONAL = re.compile(_FRACTIONAL_FORM)
_EXPECTED = {
    FeatureType.INTEGRAL: say("a whole number from -9223372036854775808 to 9223372036854775807"),
    FeatureType.FRACTIONAL: say("a decimal or scientific number within double precision"),
}


def is_of_type(text: str, feature_type: FeatureType) -> bool:
    """Tell whether a text is a value of the type. NaN, infinities and blanks around numbers are not."""
    if feature_type is FeatureType.STRING:
        return True
    if feature_type is FeatureType.INTEGRAL:
        # int() refuses thousands of digits, leading zeros too
        return bool(_INTEGRAL.fullmatch(text)) and -(2**63) <= Decimal(text) < 2**63
    return bool(_FRACTIONAL.fullmatch(text)) and math.isfinite(float(text))


def check_value(definition: FeatureDefinition, value: Value) -> None:
    """Raise BadValue unless `value` (a text, or a list of texts for a collection) fits the feature's type."""
    if isinstance(value, list) != (definition.collection is not None):
        form = say("a list of values") if definition.collection else say("one value, not a list")
        raise BadValue(feature=definition.name, type=definition.type_text, value=value, expected=form)
    for text in value if isinstance(value, list) else [value]:
        if not is_of_type(text, definition.type):
            expected = _EXPECTED[definition.type]
            raise BadValue(feature=definition.name, type=definition.type_text, value=text, expected=expected)
    if isinstance(value, list):
        _check_collection(definition, value)


def _check_collection(definition: FeatureDefinition, values: list[str]) -> None:
    expected: Message | None = None
    if definition.collection is CollectionType.VECTOR and len(values) != definition.dimension:
        expected = say("{dimension} values", dimension=definition.dimension)
    if definition.collection is CollectionType.SET and len(set(values)) != len(values):
        expected = say("each value once")
    if expected is not None:
        raise BadValue(feature=definition.name, type=definition.type_text, value=values, expected=expected)


def check_record(group: FeatureGroup, record: Mapping[str, Value]) -> None:
    """Raise unless a record (feature name to value, absent features left out) may be put into the group.

    Raises UnknownFeature, MissingFeature, BadValue, BadEventTime, BadRecord (sizes).
    """
    for name, value in record.items():
        check_value(group.feature(name), value)
    check_key(group, record.get(group.record_identifier), record.get(group.event_time))
    if record_bytes(record) > MAX_RECORD_BYTES:
        raise BadRecord(problem=say("a record may have {limit} bytes, and this one has more", limit=MAX_RECORD_BYTES))


def check_key(group: FeatureGroup, record_id: Value | None, event_time: Value | None) -> None:
    """Raise unless a record id and an event time are there and of the form the group needs."""
    for name, value, role in (
        (group.record_identifier, record_id, say("record identifier")),
        (group.event_time, event_time, say("event time")),
    ):
        if not isinstance(value, str) or not value:
            raise MissingFeature(feature=name, group=group.name, role=role)
    if len(str(record_id).encode()) > MAX_RECORD_ID_BYTES:
        raise BadRecord(problem=say("a record id may have {limit} bytes", limit=MAX_RECORD_ID_BYTES))
    group.parse_event_time(str(event_time))


def record_bytes(record: Mapping[str, Value]) -> int:
    """Return a record's size for planning: feature names and values in UTF-8 (how the service counts is not known)."""
    texts = (text for value in record.values() for text in (value if isinstance(value, list) else (value,)))
    return sum(len(name.encode()) for name in record) + sum(len(text.encode()) for text in texts)


def check_new_group(new: NewFeatureGroup) -> None:
    """Raise BadDefinition unless the service would accept the definition. Source: API CreateFeatureGroup."""
    for problem in _definition_problems(new):
        raise BadDefinition(name=new.name, problem=problem)


def _definition_problems(new: NewFeatureGroup) -> Iterator[Message]:
    if not NAME.fullmatch(new.name):
        yield say("a name has 1 to 64 letters, digits, - and _, and begins and ends with a letter or digit")
    if len(new.description or "") > MAX_DESCRIPTION:
        yield say("a description has at most {limit} characters", limit=MAX_DESCRIPTION)
    if len(new.tags) > MAX_TAGS:
        yield say("a feature group has at most {limit} tags", limit=MAX_TAGS)
    yield from _feature_problems(new.features)
    yield from _key_problems(new)
    yield from _store_problems(new)


def _feature_problems(features: tuple[FeatureDefinition, ...]) -> Iterator[Message]:
    if not 1 <= len(features) <= MAX_FEATURES:
        yield say("a feature group has 1 to {limit} features", limit=MAX_FEATURES)
    names = [feature.name for feature in features]
    for name in names:
        if not NAME.fullmatch(name):
            yield say("{name!r} is not a feature name: 1 to 64 letters, digits, - and _ inside", name=name)
        if name.lower() in SYSTEM_COLUMNS:
            yield say("{name!r} is reserved by the service", name=name)
    for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) != len(names) else ()):
        yield say("feature {name!r} is defined twice", name=name)
    for feature in features:
        if feature.collection is CollectionType.VECTOR and feature.type is not FeatureType.FRACTIONAL:
            yield say("the values of vector {name!r} must be Fractional", name=feature.name)
        if feature.collection is CollectionType.VECTOR and not 1 <= (feature.dimension or 0) <= MAX_DIMENSION:
            yield say("vector {name!r} needs a dimension from 1 to {limit}", name=feature.name, limit=MAX_DIMENSION)
    if sum(feature.collection is CollectionType.VECTOR for feature in features) > 1:
        yield say("a feature group has at most one vector")


def _key_problems(new: NewFeatureGroup) -> Iterator[Message]:
    by_name = {feature.name: feature for feature in new.features}
    identifier, event_time = by_name.get(new.record_identifier), by_name.get(new.event_time)
    if identifier is None or identifier.collection or identifier.type is FeatureType.FRACTIONAL:
        yield say("the record identifier {name!r} must be a String or Integral feature", name=new.record_identifier)
    if event_time is None or event_time.collection or event_time.type is FeatureType.INTEGRAL:
        yield say("the event time {name!r} must be a String or Fractional feature", name=new.event_time)
    if new.record_identifier == new.event_time:
        yield say("record identifier and event time must be two features")
    iceberg = new.offline is not None and new.offline.table_format is TableFormat.ICEBERG
    if iceberg and event_time is not None and event_time.type is not FeatureType.STRING:
        yield say("an Iceberg table needs a String event time")


def _store_problems(new: NewFeatureGroup) -> Iterator[Message]:
    if new.online is None and new.offline is None:
        yield say("it needs an online store, an offline store, or both")
    in_memory = new.online is not None and new.online.storage_type is StorageType.IN_MEMORY
    if in_memory and new.offline is not None:
        yield say("an InMemory online store cannot have an offline store beside it")
    if in_memory and new.online is not None and new.online.kms_key_id:
        yield say("an InMemory online store cannot have a KMS key of your own")
    if not in_memory and any(feature.collection for feature in new.features):
        yield say("collections need an InMemory online store")
    if new.throughput.mode is ThroughputMode.PROVISIONED:
        if new.online is not None and new.online.storage_type is not StorageType.STANDARD:
            yield say("provisioned throughput needs a Standard online store, or none")
        units = (new.throughput.read_units, new.throughput.write_units)
        if any(unit is None or not 0 <= unit <= MAX_CAPACITY_UNITS for unit in units):
            yield say("provisioned throughput needs read and write units from 0 to {limit}", limit=MAX_CAPACITY_UNITS)
    if new.offline is not None:
        if not S3_URI.fullmatch(new.offline.s3_uri) or len(new.offline.s3_uri) > 1024:
            yield say("{uri!r} is not an S3 URI such as s3://bucket/prefix", uri=new.offline.s3_uri)
        if new.offline.disable_glue_table and new.offline.table_format is TableFormat.ICEBERG:
            yield say("an Iceberg table cannot do without its Glue table")


def check_change(group: FeatureGroup, change: GroupChange) -> None:
    """Raise BadDefinition unless the service would accept a change. Source: API UpdateFeatureGroup."""
    for problem in _change_problems(group, change):
        raise BadDefinition(name=group.name, problem=problem)


def _change_problems(group: FeatureGroup, change: GroupChange) -> Iterator[Message]:
    kinds = [change.add_features, change.ttl or change.remove_ttl, change.storage_type, change.throughput]
    if sum(bool(kind) for kind in kinds) != 1:
        yield say("one kind of change at a time: features, time to live, storage type or throughput")
    if len(change.add_features) > MAX_ADDITIONS:
        yield say("at most {limit} features at a time can be added", limit=MAX_ADDITIONS)
    if change.add_features:
        yield from _feature_problems(group.features + change.add_features)
        in_memory = group.online is not None and group.online.storage_type is StorageType.IN_MEMORY
        if not in_memory and any(feature.collection for feature in change.add_features):
            yield say("collections need an InMemory online store")
    if (change.ttl or change.remove_ttl) and group.online is None:
        yield say("a time to live needs an online store")
    if change.storage_type and (
        group.online is None
        or (group.online.storage_type, change.storage_type) != (StorageType.STANDARD, StorageType.STANDARD_V2)
    ):
        yield say("a storage type changes from Standard to Standard_V2 only")
    if change.throughput and change.throughput.mode is ThroughputMode.PROVISIONED:
        if group.online is not None and group.online.storage_type is not StorageType.STANDARD:
            yield say("provisioned throughput needs a Standard online store, or none")
        units = (change.throughput.read_units, change.throughput.write_units)
        if any(unit is None or not 0 <= unit <= MAX_CAPACITY_UNITS for unit in units):
            yield say("provisioned throughput needs read and write units from 0 to {limit}", limit=MAX_CAPACITY_UNITS)
