"""Telling which versions have been written already, after an interrupted run: by both stores, neither of them whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sfs_core import IS_DELETED, EventTime, FeatureGroup, RecordId
from sfs_plugins.sagemaker_store.offline import table_of
from sfs_plugins.sagemaker_store.query import written_since

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.athena import Athena

_QUERY_CHARACTERS: Final = 200_000
"""Room for ids in one query, of the 262,144 characters that Athena takes."""

Version = tuple[str, EventTime, bool]


@dataclass
class Written:
    """How often each version shows in the offline store: written since the run began, and before."""

    since: Counter[Version] = field(default_factory=Counter)
    before: Counter[Version] = field(default_factory=Counter)


def holds(
    group: FeatureGroup, records: pa.RecordBatch, online: Mapping[str, EventTime], offline: Written | None
) -> Sequence[bool]:
    """Tell for each version whether it has been written, the first so many times that it was.

    Buffered rows are not seen offline, so what the online store has counts once; but not where an older row explains
    it: writing a version twice shows nowhere but as a duplicate offline, and leaving one out would lose it.
    """
    left = Counter(offline.since) if offline else Counter()
    answers = []
    for version in _versions(group, records):
        record_id, event_time, is_marker = version
        is_online = not is_marker and online.get(record_id) == event_time
        if version not in left and is_online and not (offline and offline.before[version]):
            left[version] = 1
        answers.append(left[version] > 0)
        left[version] -= 1
    return answers


def there(
    read: Callable[[Sequence[RecordId]], pa.RecordBatch], group: FeatureGroup, records: pa.RecordBatch
) -> Mapping[str, EventTime]:
    """Return the event time that the online store has for each record id, where there is an online store."""
    if group.online is None:
        return {}
    found = read(list(dict.fromkeys(records.column(group.record_identifier).to_pylist())))
    columns = (found.column(name).to_pylist() for name in (group.record_identifier, group.event_time))
    return {record_id: group.parse_event_time(text) for record_id, text in zip(*columns, strict=True)}


def written(athena: Athena, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Written | None:
    """Return what the offline store shows of these records' versions; None where no table tells."""
    if group.offline is None or group.offline.table is None:
        return None
    found = Written()
    for ids in _cut(list(dict.fromkeys(records.column(group.record_identifier).to_pylist()))):
        for batch in athena.rows(written_since(group, ids, since), table_of(group)):
            for record_id, text, marker, late in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                counted = found.since if late == "true" else found.before
                counted[record_id, group.parse_event_time(text), marker == "true"] += 1
    return found


def _cut(ids: Sequence[str]) -> list[list[str]]:
    """Return ids in parts that each fit into a query."""
    parts: list[list[str]] = []
    room = 0
    for one in ids:
        length = 2 * len(one) + 4
        if length > room:
            parts.append([])
            room = _QUERY_CHARACTERS
        parts[-1].append(one)
        room -= length
    return parts


def _versions(group: FeatureGroup, records: pa.RecordBatch) -> Sequence[Version]:
    columns = [records.column(name).to_pylist() for name in (group.record_identifier, group.event_time)]
    has_markers = IS_DELETED in records.schema.names
    markers = records.column(IS_DELETED).to_pylist() if has_markers else [False] * records.num_rows
    return [
        (record_id, group.parse_event_time(text), bool(marker))
        for record_id, text, marker in zip(*columns, markers, strict=True)
    ]
