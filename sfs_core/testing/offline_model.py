"""The rules of an offline store, written out: an append-only log of versions, kept in objects by the hour.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md,
`§` the sections of the facts that the model was written from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sfs_core.arrow import to_text
from sfs_core.errors import BadOption, Refused, StoreUnavailable
from sfs_core.event_time import EventTime
from sfs_core.facts import Remark
from sfs_core.messages import say
from sfs_core.model import FeatureDefinition, FeatureGroup, FeatureType, TableFormat
from sfs_core.rules import Value
from sfs_core.store import EventTimeRange, OfflineQuery, Versions


@dataclass(frozen=True, slots=True)
class Version:
    """A row of the offline store: a record as it was put, or a delete marker (id and event time only) (§4.2)."""

    record_id: str
    record: Mapping[str, Value]
    event_time: EventTime
    api_invocation_time: EventTime
    write_time: EventTime
    is_deleted: bool = False

    @property
    def rank(self) -> tuple[EventTime, EventTime, EventTime]:
        """By what the latest version of a record is found (§4.4); event times compare as instants [23]."""
        return self.event_time, self.api_invocation_time, self.write_time

    @property
    def day(self) -> str:
        """The day of the event time, UTC: what an Iceberg table is partitioned by (§4.1)."""
        return self.event_time.iso()[:10]


@dataclass
class Objects:
    """A bucket: the versions of every object, by its key. Objects outlive the group that wrote them [38]."""

    rows: dict[str, list[Version]] = field(default_factory=dict)
    written: int = 0

    def append(self, root: str, versions: Iterable[Version]) -> None:
        """Write versions under a root, one object for each hour of event time, UTC [27]; nothing is replaced [31]."""
        by_hour: dict[str, list[Version]] = {}
        for version in versions:
            by_hour.setdefault(_hour(version.event_time), []).append(version)
        for hour, rows in by_hour.items():
            self.written += 1
            latest = max(row.event_time for row in rows).iso()[:19].replace("-", "").replace(":", "")
            self.rows[f"{root}data/{hour}/{latest}Z_{self.written:016}.parquet"] = rows

    def delete_days(self, root: str, days: Iterable[str]) -> None:
        """Delete every version of some event days under a root, markers too; an object left empty goes (§4.5)."""
        gone = set(days)
        for key, rows in self.under(root).items():
            left = [row for row in rows if row.day not in gone]
            self.rows.pop(key)
            self.rows.update({key: left} if left else {})

    def delete(self, root: str, keys: Sequence[str]) -> list[Remark]:
        """Delete objects, and return a remark for each key that is not under the root."""
        remarks = []
        for row, key in enumerate(keys):
            if key.startswith(root):
                self.rows.pop(key, None)
            else:
                problem = say("{key} is not under {root}, so it is not deleted", key=key, root=root)
                remarks.append(Remark.failed(row, Refused(problem=problem)))
        return remarks

    def sizes(self, root: str) -> dict[str, int]:
        """Return how large each object under a root may be taken to be."""
        return {key: 1 + sum(len(str(version)) for version in rows) for key, rows in self.under(root).items()}

    def at(self, root: str, key: str) -> list[Version]:
        """Return the versions of one object. Raises Refused for a key not under the root, StoreUnavailable."""
        if not key.startswith(root):
            raise Refused(problem=say("{key} is not under {root}, so it is not read", key=key, root=root))
        if key not in self.rows:
            raise StoreUnavailable(store="memory", problem=say("{key} is not there", key=key))
        return self.rows[key]

    def under(self, root: str) -> dict[str, list[Version]]:
        """Return the objects under a root, which ends in `/` so that no sibling is among them (§7, prefix safety)."""
        return {key: rows for key, rows in sorted(self.rows.items()) if key.startswith(root)}

    def versions(self, root: str) -> list[Version]:
        """Return all versions under a root."""
        return [version for rows in self.under(root).values() for version in rows]


def _hour(instant: EventTime) -> str:
    text = instant.iso()
    return f"year={text[:4]}/month={text[5:7]}/day={text[8:10]}/hour={text[11:13]}"


def stored_value(definition: FeatureDefinition, text: Value) -> Value:
    """Return a value as the offline store gives it back: numbers are bigint and double there, not texts (§4.2)."""
    import pyarrow as pa

    if isinstance(text, list) or definition.type is FeatureType.STRING:
        return text
    if definition.type is FeatureType.INTEGRAL:
        return str(int(Decimal(text)))
    return str(to_text(pa.array([float(text)]))[0].as_py())


def chosen(
    versions: Sequence[Version], query: OfflineQuery, features: Sequence[FeatureDefinition]
) -> Iterator[Version]:
    """Yield the versions a query asks for (§4.4).

    Bounds on event time and write time come first; then versions are ranked; then delete markers are dropped, so
    that a deleted record does not come back as it was before [32]; then the condition and the limit.
    """
    bounded = sorted((v for v in versions if _within(v, query)), key=lambda version: version.rank)
    if query.versions is Versions.HISTORY:
        bounded.sort(key=lambda version: (version.event_time, version.record_id))
    if query.versions is Versions.LATEST:
        latest = {version.record_id: version for version in bounded}  # the last one of an id stays
        bounded = [version for version in latest.values() if not version.is_deleted]
    if query.where is not None:
        bounded = _where(query.where, bounded, features)
    yield from bounded[: query.limit]


def _within(version: Version, query: OfflineQuery) -> bool:
    between = query.event_time or EventTimeRange(None, None)
    return (
        (between.start is None or version.event_time >= between.start)
        and (between.end is None or version.event_time < between.end)
        and (query.written_by is None or version.write_time <= query.written_by)
    )


def _where(condition: str, versions: Sequence[Version], features: Sequence[FeatureDefinition]) -> list[Version]:
    """Return the versions that meet an SQL condition over feature names. SQLite evaluates it: plain SQL only."""
    columns = ", ".join(f'"{feature.name}"' for feature in features)
    marks = ", ".join("?" for _ in features)
    database = sqlite3.connect(":memory:")
    try:
        database.execute(f"CREATE TABLE versions ({columns})")
        rows = [[_number(feature, version.record.get(feature.name)) for feature in features] for version in versions]
        database.executemany(f"INSERT INTO versions VALUES ({marks})", rows)
        kept = database.execute(f"SELECT rowid FROM versions WHERE ({condition}) ORDER BY rowid").fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        expected = say("an SQL condition over feature names ({problem})", problem=error)
        raise BadOption(option="--where", value=condition, expected=expected) from error
    finally:
        database.close()
    return [versions[row - 1] for (row,) in kept]


def _number(definition: FeatureDefinition, value: Value | None) -> str | int | float | None:
    if value is None or isinstance(value, list):
        return None
    if definition.type is FeatureType.STRING:
        return value
    return int(Decimal(value)) if definition.type is FeatureType.INTEGRAL else float(value)


def is_iceberg(group: FeatureGroup) -> bool:
    """Tell whether a group's offline store is an Iceberg table."""
    return group.offline is not None and group.offline.table_format is TableFormat.ICEBERG
