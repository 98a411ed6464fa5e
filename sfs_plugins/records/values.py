"""Values between a person and the store: JSON and `name=value` to the service's texts, and texts to JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NoReturn

from sfs_core import BadRecord, BadValue, FeatureDefinition, FeatureGroup, FeatureType, UsageError, Value, say


class RecordUnreadable(UsageError):
    """A record is not written as one."""

    sentence = "{source} is not a record: {problem}"


def parse_json_record(text: str, group: FeatureGroup) -> dict[str, Value]:
    """Return the record that a JSON object holds, nulls left out; numbers exactly as they are written.

    Raises RecordUnreadable, UnknownFeature, BadValue (an object, or a list where one value belongs).
    """
    try:
        content = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_each_name_once
        )
    except (ValueError, RecursionError) as error:
        raise RecordUnreadable(source="--record", problem=error) from error
    if not isinstance(content, dict):
        problem = say('give an object of names and values, as {{"id": "1"}}')
        raise RecordUnreadable(source="--record", problem=problem)
    features = {name: group.feature(name) for name in content}
    return {name: _text(features[name], value) for name, value in content.items() if value is not None}


def parse_assignments(texts: Iterable[str], group: FeatureGroup) -> dict[str, Value]:
    """Return the record that `name=value` texts hold; a collection's value is a JSON list.

    Raises RecordUnreadable, UnknownFeature, BadValue.
    """
    record: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            problem = say("give name=value, or the whole record with --record JSON")
            raise RecordUnreadable(source=repr(text), problem=problem)
        if name in record:
            raise RecordUnreadable(source=repr(text), problem=say("{name} is given twice", name=name))
        feature = group.feature(name)
        record[name] = _listed(feature, value) if feature.collection else value
    return record


def _listed(feature: FeatureDefinition, text: str) -> Value:
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        expected = say('a JSON list, as ["a", "b"]')
        raise BadValue(feature=feature.name, type=feature.type_text, value=text, expected=expected) from error
    return _text(feature, value)


def _text(feature: FeatureDefinition, value: object) -> Value:
    """Return a JSON value as the service's text; types are checked later, here only the form."""
    if isinstance(value, list):
        return [_one(feature, item) for item in value]
    return _one(feature, value)


def _one(feature: FeatureDefinition, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    expected = say("a text, a number or a list of them")
    raise BadValue(feature=feature.name, type=feature.type_text, value=value, expected=expected)


def _refuse(name: str) -> NoReturn:
    raise ValueError(str(say("{name} is no value of a feature; leave it out", name=name)))


def _each_name_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record: dict[str, object] = {}
    for name, value in pairs:
        if name in record:
            raise ValueError(str(say("{name!r} is given twice", name=name)))
        record[name] = value
    return record


def json_values(group: FeatureGroup, record: Mapping[str, Value]) -> dict[str, object]:
    """Return a record with numbers for Integral (exact) and Fractional, texts for String, lists for collections.

    An event time in Unix seconds that a double does not hold exactly stays text, so that nothing of it is lost.
    """
    return {name: _json_value(group, group.feature(name), value) for name, value in record.items()}


def _json_value(group: FeatureGroup, feature: FeatureDefinition, value: Value) -> object:
    if isinstance(value, list):
        return [_json_value(group, feature, item) for item in value]
    if feature.type is FeatureType.INTEGRAL:
        return int(value)
    if feature.type is FeatureType.FRACTIONAL:
        number = float(value)
        is_exact = feature.name != group.event_time or Decimal(repr(number)) == Decimal(value)
        return number if is_exact else value
    return value


def need_something(record: Mapping[str, Value]) -> None:
    """Raise BadRecord for a record without a value."""
    if not record:
        problem = say("no record was given: give name=value for each feature, or --record JSON")
        raise BadRecord(problem=problem)
