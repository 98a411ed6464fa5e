"""Records on the wire as lines of values: the names of features are looked at once for all records that have the same.

A line's names and values go on as they are; it never becomes a dictionary, since columns are made of lines at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sfs_core import FeatureGroup, SfsError, TargetStore, TtlDuration, TtlUnit, Value, check_record, text_type
from sfs_plugins.sandbox.groups import Described
from sfs_plugins.sandbox.translation import of_error, validation_error

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Kind:
    """What records must have in common to be put together."""

    group: str
    names: tuple[str, ...]
    targets: tuple[TargetStore, ...] | None = None
    ttl: TtlDuration | None = None


Line = tuple[Kind, FeatureGroup, Sequence[Value]]
"""A record to put: its kind, its group, and a value for each of the kind's names."""

_NAME, _TEXT = itemgetter("FeatureName"), itemgetter("ValueAsString")


def line_of(described: Described, record: Sequence[dict[str, Any]], entry: dict[str, Any], ttl: Any) -> Line:
    """Return a record as a line. Raises Failure for names and forms; what values say is checked by the store.

    `ttl` is the time to live of the whole request, for an entry that has none of its own.
    """
    names = tuple(map(_NAME, record))
    try:
        # the usual record has a text for every name, and nothing but
        values: Sequence[Value] = list(map(_TEXT, record))
        is_usual = None not in values and not described.has_collections and max(map(len, record)) == 2
    except KeyError:
        is_usual = False
    if not is_usual:
        names, values = _unusual(record)
    kind = described.kinds.get(names)
    if kind is None:
        _check_names(described, names)
        kind = Kind(described.group.name, names)
        described.kinds[names] = kind
    if not is_usual:
        _check_whole(described.group, dict(zip(names, values, strict=True)))
    if ttl is not None or "TargetStores" in entry or "TtlDuration" in entry:
        kind = Kind(kind.group, names, targets_of(entry), ttl_of(entry) or ttl)
    return kind, described.group, values


def _unusual(record: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], list[Value]]:
    """Return names and values of a record with lists, or with features that say nothing, which are left out."""
    given = [(value["FeatureName"], value_of(value)) for value in record]
    names = [name for name, _ in given]
    if len(set(names)) != len(names):
        raise _twice()
    there = [(name, value) for name, value in given if value is not None]
    return tuple(name for name, _ in there), [value for _, value in there]


def _twice() -> Exception:
    return validation_error("a FeatureName is given more than once in the Record.")


def value_of(value: dict[str, Any]) -> Value | None:
    """Return what a FeatureValue says: a text, a list of texts, or nothing. Raises Failure for both at once."""
    text, items = value.get("ValueAsString"), value.get("ValueAsStringList")
    if text is not None and items is not None:
        raise validation_error(f"feature [{value['FeatureName']}] has both ValueAsString and ValueAsStringList.")
    return text if items is None else items


def _check_names(described: Described, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        raise _twice()
    for name in names:
        if name not in described.names:
            raise validation_error(f"FeatureGroup {described.group.name} has no feature named [{name}].")


def _check_whole(group: FeatureGroup, record: dict[str, Value]) -> None:
    """Check a record by itself: lists and texts cannot be told apart once they are columns."""
    try:
        check_record(group, record)
    except SfsError as error:
        raise of_error(error, group.name) from error


def columns(group: FeatureGroup, names: Sequence[str], values: Sequence[Sequence[Value]]) -> pa.RecordBatch:
    """Return lines that have the same names as a batch."""
    import pyarrow as pa

    arrays = [
        pa.array(column, text_type(group.feature(name)))
        for name, column in zip(names, zip(*values, strict=True), strict=True)
    ]
    return pa.record_batch(arrays, names=list(names))


def targets_of(parameters: dict[str, Any]) -> tuple[TargetStore, ...] | None:
    """Return the target stores of a request, None for all. Raises Failure for one named twice."""
    names = parameters.get("TargetStores")
    if names is None:
        return None
    if len(set(names)) != len(names):
        raise validation_error("TargetStores names a store more than once.")
    return tuple(TargetStore(name) for name in names)


def ttl_of(parameters: dict[str, Any]) -> TtlDuration | None:
    """Return the time to live of a request or an entry."""
    given = parameters.get("TtlDuration")
    return None if given is None else TtlDuration(TtlUnit(given["Unit"]), given["Value"])
