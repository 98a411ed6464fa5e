"""The online store of a feature group: one SQLite table, one line a record id, and the rules of event time.

`record` is NULL for the trace that a soft delete leaves. An expired record counts as gone wherever it is met.
Source of the rules: API PutRecord, UpdateRecord, DeleteRecord; the store of `sfs_core.testing` has them written out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from sfs_core import HIGHEST, NANOS, EventTime, TtlDuration, instants

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    record_id TEXT PRIMARY KEY, seconds INTEGER NOT NULL, nanos INTEGER NOT NULL,
    expires_seconds INTEGER, expires_nanos INTEGER, written_us INTEGER NOT NULL, record TEXT);
CREATE TABLE IF NOT EXISTS gone (gone INTEGER);
"""
_PAGE_IDS = 10_000
_READ_IDS = 500
_LAST_SECONDS, _LAST_NANOS = divmod(HIGHEST.nanoseconds, NANOS)


@dataclass(frozen=True, slots=True)
class Item:
    """What is there for a record id: `record` is its encoded text, None for the trace of a soft delete."""

    event_time: EventTime
    expires_at: EventTime | None
    record: str | None


@dataclass(frozen=True, slots=True)
class Lines:
    """Records ready to be bound: ids, event times as seconds and nanoseconds, and encoded texts."""

    ids: list[str]
    seconds: list[int]
    nanos: list[int]
    records: list[str]


def put(connection: sqlite3.Connection, lines: Lines, ttl: TtlDuration | None, now: EventTime) -> None:
    """Put records in order; one counts only if strictly later than what is there."""
    expires_seconds, expires_nanos = _expiries(lines, ttl)
    values = zip(
        lines.ids, lines.seconds, lines.nanos, expires_seconds, expires_nanos, repeat(now.nanoseconds // 1000),
        lines.records,
    )  # fmt: skip
    connection.executemany(_PUT.format(gone=_gone(now)), values)


_PUT = """
INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (record_id) DO UPDATE SET
    seconds = excluded.seconds, nanos = excluded.nanos, expires_seconds = excluded.expires_seconds,
    expires_nanos = excluded.expires_nanos, written_us = excluded.written_us, record = excluded.record
WHERE (excluded.seconds, excluded.nanos) > (records.seconds, records.nanos) OR {gone}
"""


def _expiries(lines: Lines, ttl: TtlDuration | None) -> tuple[Iterator[int | None], Iterator[int | None]]:
    """Return when each record expires, at the latest at the end of time."""
    if ttl is None:
        return repeat(None), repeat(None)
    length = ttl.nanoseconds // NANOS
    seconds = (min(second + length, _LAST_SECONDS) for second in lines.seconds)
    pairs = zip(lines.seconds, lines.nanos, strict=True)
    nanos = (nano if second + length <= _LAST_SECONDS else _LAST_NANOS for second, nano in pairs)
    return seconds, nanos


def expiry(event_time: EventTime, ttl: TtlDuration) -> EventTime:
    """Return when a record expires: counted from its event time, at the latest at the end of time."""
    return min(event_time.plus(ttl.nanoseconds), HIGHEST)


def _gone(now: EventTime) -> str:
    """Return the SQL condition that a record has expired; numbers only, so nothing needs to be bound."""
    seconds, nanos = divmod(now.nanoseconds, NANOS)
    return (
        "(records.expires_seconds IS NOT NULL AND "
        f"(records.expires_seconds, records.expires_nanos) <= ({seconds}, {nanos}))"
    )


def read(
    connection: sqlite3.Connection, ids: Sequence[str], now: EventTime
) -> list[tuple[str, str, int | None, int | None]]:
    """Return id, encoded text and expiry (seconds, nanoseconds) of the live records of `ids`, each once."""
    found = []
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), _READ_IDS):
        some = distinct[start : start + _READ_IDS]
        marks = ", ".join("?" for _ in some)
        query = (
            "SELECT record_id, record, expires_seconds, expires_nanos FROM records "
            f"WHERE record_id IN ({marks}) AND record IS NOT NULL AND NOT {_gone(now)}"
        )
        found += connection.execute(query, some).fetchall()
    return found


def item(connection: sqlite3.Connection, record_id: str, now: EventTime) -> Item | None:
    """Return what is there for an id; nothing once it has expired."""
    query = (
        "SELECT seconds, nanos, expires_seconds, expires_nanos, record FROM records "
        f"WHERE record_id = ? AND NOT {_gone(now)}"
    )
    line = connection.execute(query, (record_id,)).fetchone()
    if line is None:
        return None
    seconds, nanos, expires_seconds, expires_nanos, record = line
    return Item(instant(seconds, nanos), instant_or_none(expires_seconds, expires_nanos), record)


def instant(seconds: int, nanos: int) -> EventTime:
    """Return the instant of whole seconds and the nanoseconds after them."""
    return EventTime(seconds * NANOS + nanos)


def instant_or_none(seconds: int | None, nanos: int | None) -> EventTime | None:
    """Return an instant, or None where there is none."""
    return None if seconds is None or nanos is None else instant(seconds, nanos)


def replace_item(connection: sqlite3.Connection, record_id: str, changed: Item, now: EventTime) -> None:
    """Set what is there for an id, whatever it was."""
    seconds, nanos = divmod(changed.event_time.nanoseconds, NANOS)
    expires = (None, None) if changed.expires_at is None else divmod(changed.expires_at.nanoseconds, NANOS)
    connection.execute(
        "UPDATE records SET seconds = ?, nanos = ?, expires_seconds = ?, expires_nanos = ?, written_us = ?, record = ? "
        "WHERE record_id = ?",
        (seconds, nanos, *expires, now.nanoseconds // 1000, changed.record, record_id),
    )


def soft_delete(
    connection: sqlite3.Connection, ids: list[str], seconds: list[int], nanos: list[int], now: EventTime
) -> None:
    """Leave only the trace of each record, or of an earlier soft delete, that the deletion is later than.

    The trace does not expire. Where nothing is there nothing is left.
    """
    connection.executemany(
        "UPDATE records SET seconds = ?, nanos = ?, expires_seconds = NULL, expires_nanos = NULL, written_us = ?, "
        f"record = NULL WHERE record_id = ? AND (seconds, nanos) < (?, ?) AND NOT {_gone(now)}",
        zip(seconds, nanos, repeat(now.nanoseconds // 1000), ids, seconds, nanos),
    )


def hard_delete(
    connection: sqlite3.Connection, ids: list[str], seconds: list[int], nanos: list[int], now: EventTime
) -> list[int]:
    """Remove each record or trace that the deletion is later than; return the places of those that it is not."""
    remove = f"DELETE FROM records WHERE record_id = ? AND ((seconds, nanos) < (?, ?) OR {_gone(now)})"
    find = "SELECT 1 FROM records WHERE record_id = ?"
    failed = []
    for place, line in enumerate(zip(ids, seconds, nanos, strict=True)):
        if connection.execute(remove, line).rowcount == 0 and connection.execute(find, line[:1]).fetchone():
            failed.append(place)
    return failed


def page(
    connection: sqlite3.Connection, after: int, now: EventTime, *, soft_deleted: bool
) -> tuple[list[str], int | None]:
    """Return the record ids of the next page after a place, and the place to go on from, None at the end."""
    live = "" if soft_deleted else "AND record IS NOT NULL"
    query = (
        f"SELECT rowid, record_id FROM records WHERE rowid > ? {live} AND NOT {_gone(now)} "
        f"ORDER BY rowid LIMIT {_PAGE_IDS}"
    )
    lines = connection.execute(query, (after,)).fetchall()
    return [line[1] for line in lines], lines[-1][0] if len(lines) == _PAGE_IDS else None


def versions_written_since(
    connection: sqlite3.Connection, ids: list[str], since_us: int
) -> dict[str, tuple[int, int, bool]]:
    """Return event time (seconds, nanoseconds) and whether it is a trace, for what has been written since, by id."""
    found = {}
    for start in range(0, len(ids), _READ_IDS):
        some = ids[start : start + _READ_IDS]
        marks = ", ".join("?" for _ in some)
        query = (
            "SELECT record_id, seconds, nanos, record IS NULL FROM records "
            f"WHERE written_us >= ? AND record_id IN ({marks})"
        )
        for record_id, seconds, nanos, is_trace in connection.execute(query, (since_us, *some)):
            found[record_id] = (seconds, nanos, bool(is_trace))
    return found


def is_gone(connection: sqlite3.Connection) -> bool:
    """Tell whether the group was deleted: a connection may outlive the file."""
    return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM gone)").fetchone()[0])


def mark_gone(connection: sqlite3.Connection) -> None:
    """Take everything away and leave the mark that `is_gone` finds."""
    connection.execute("INSERT INTO gone VALUES (1)")
    connection.execute("DELETE FROM records")


def times(column: pa.Array, *, in_seconds: bool) -> tuple[list[int], list[int]]:
    """Return event-time texts as lists of seconds and nanoseconds."""
    seconds, nanos = instants(column, seconds=in_seconds)
    return seconds.to_pylist(), nanos.to_pylist()
