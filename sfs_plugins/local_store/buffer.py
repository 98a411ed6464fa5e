"""Offline writes on their way: kept in the group's database, in the transaction of the online write, until they settle.

A put of some thousand records is one Arrow batch in one line of the buffer, typed as the Parquet files will be: no
record is touched singly, and nothing can turn out unwritable later on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core import IS_DELETED, FeatureGroup, instants, to_typed

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = """
CREATE TABLE IF NOT EXISTS buffered (
    number INTEGER PRIMARY KEY AUTOINCREMENT, accepted_us INTEGER NOT NULL, bytes INTEGER NOT NULL,
    batch BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS settling (writing INTEGER PRIMARY KEY, now_us INTEGER NOT NULL, numbers TEXT NOT NULL);
"""
EVENT_SECONDS = "_event_seconds"
"""A column of a buffered batch: the event time in whole Unix seconds. No feature's name can begin so."""
MAX_SETTLING_BYTES = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Writing:
    """Buffered batches that are being written to Parquet together; `now_us` is when that began."""

    writing: int
    now_us: int
    numbers: tuple[int, ...]


def offline_rows(group: FeatureGroup, records: pa.RecordBatch, *, deleted: bool) -> pa.RecordBatch:
    """Return checked records (or ids and event times of delete markers) as the buffer keeps them."""
    import pyarrow as pa

    typed = to_typed(records, group.features)
    seconds, _ = instants(records.column(group.event_time), seconds=group.event_time_in_seconds)
    flags = pa.repeat(pa.scalar(deleted), records.num_rows)
    return pa.record_batch([*typed.columns, seconds, flags], names=[*typed.schema.names, EVENT_SECONDS, IS_DELETED])


def packed(rows: pa.RecordBatch) -> tuple[int, bytes]:
    """Return the size of rows in memory, and the rows as bytes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4" if rows.num_rows > 100 else None)
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_batch(rows)
    return rows.nbytes, sink.getvalue().to_pybytes()


def unpacked(batch: bytes) -> pa.RecordBatch:
    """Return the rows of `packed` bytes."""
    import pyarrow as pa

    return pa.ipc.open_stream(batch).read_next_batch()


def append(connection: sqlite3.Connection, accepted_us: int, sized: tuple[int, bytes]) -> None:
    """Buffer packed rows, in the caller's transaction."""
    connection.execute("INSERT INTO buffered (accepted_us, bytes, batch) VALUES (?, ?, ?)", (accepted_us, *sized))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether nothing is buffered or being written."""
    query = "SELECT EXISTS (SELECT 1 FROM buffered) OR EXISTS (SELECT 1 FROM settling)"
    return not connection.execute(query).fetchone()[0]


def has_accepted_until(connection: sqlite3.Connection, until_us: int) -> bool:
    """Tell whether something is buffered that was accepted at a time or earlier."""
    query = "SELECT EXISTS (SELECT 1 FROM buffered WHERE accepted_us <= ?)"
    return bool(connection.execute(query, (until_us,)).fetchone()[0])


def begun(connection: sqlite3.Connection) -> Writing | None:
    """Return the writing that was begun and not ended: its process was killed."""
    row = connection.execute("SELECT writing, now_us, numbers FROM settling").fetchone()
    return None if row is None else Writing(row[0], row[1], tuple(json.loads(row[2])))


def begin(connection: sqlite3.Connection, now_us: int, accepted_until_us: int | None) -> Writing | None:
    """Choose the next batches to write, up to a size, and write the choice down; None if there are none.

    `accepted_until_us` leaves out those accepted later. Called in a transaction, by the holder of the group's lock.
    """
    numbers: list[int] = []
    total = 0
    bound, values = ("", ()) if accepted_until_us is None else ("WHERE accepted_us <= ?", (accepted_until_us,))
    for number, size in connection.execute(f"SELECT number, bytes FROM buffered {bound} ORDER BY number", values):
        if numbers and total + size > MAX_SETTLING_BYTES:
            break
        numbers.append(number)
        total += size
    if not numbers:
        return None
    connection.execute("INSERT INTO settling VALUES (?, ?, ?)", (numbers[0], now_us, json.dumps(numbers)))
    return Writing(numbers[0], now_us, tuple(numbers))


def batches(connection: sqlite3.Connection, numbers: Iterable[int]) -> list[tuple[int, pa.RecordBatch]]:
    """Return buffered batches in the order accepted, each with the time it was accepted in microseconds."""
    query = "SELECT accepted_us, batch FROM buffered WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number"
    rows = connection.execute(query, (json.dumps(list(numbers)),))
    return [(accepted_us, unpacked(batch)) for accepted_us, batch in rows]


def accepted_since(connection: sqlite3.Connection, since_us: int) -> Iterator[pa.RecordBatch]:
    """Yield the buffered batches accepted at a time or later."""
    for (batch,) in connection.execute("SELECT batch FROM buffered WHERE accepted_us >= ?", (since_us,)):
        yield unpacked(batch)


def end(connection: sqlite3.Connection, writing: Writing) -> None:
    """Forget batches that are on disk as Parquet, in the caller's transaction."""
    numbers = json.dumps(writing.numbers)
    connection.execute("DELETE FROM buffered WHERE number IN (SELECT value FROM json_each(?))", (numbers,))
    connection.execute("DELETE FROM settling WHERE writing = ?", (writing.writing,))
