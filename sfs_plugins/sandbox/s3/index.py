"""What is known of S3 objects beside their bytes: one line a version, in the sandbox's database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS s3_buckets (name TEXT PRIMARY KEY, created INTEGER NOT NULL, versioning TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS s3_objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key BLOB NOT NULL, version TEXT NOT NULL,
    is_latest INTEGER NOT NULL, link INTEGER NOT NULL, blob TEXT NOT NULL, definition TEXT NOT NULL,
    UNIQUE (bucket, key, version));
CREATE TABLE IF NOT EXISTS s3_uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, started INTEGER NOT NULL, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS s3_parts (
    upload TEXT, part INTEGER, blob TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (upload, part));
"""
NULL_VERSION: Final = "null"
PENDING, LINKED, ASIDE = 0, 1, 2
"""Whether an object's bytes also lie at its key's own path: not yet, yes, or never (the key is no path)."""


@dataclass(frozen=True)
class Stored:
    """One version of an object, or a delete marker. `blob` names its bytes; `modified` is nanoseconds since 1970."""

    bucket: str
    key: str
    version: str
    blob: str = ""
    link: int = PENDING
    is_latest: bool = True
    is_marker: bool = False
    etag: str = ""
    size: int = 0
    modified: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[int, ...] = ()

    def definition(self) -> str:
        """Return what has no column of its own, as JSON."""
        names = ("is_marker", "etag", "size", "modified", "headers", "checksums", "tags", "parts")
        return json.dumps({name: getattr(self, name) for name in names})


_COLUMNS = "bucket, key, version, blob, link, is_latest, definition"


def _stored(row: tuple[Any, ...]) -> Stored:
    bucket, key, version, blob, link, is_latest, definition = row
    given = json.loads(definition)
    return Stored(
        bucket, key.decode(), version, blob, link, bool(is_latest), **{**given, "parts": tuple(given["parts"])}
    )


def latest(connection: sqlite3.Connection, bucket: str, key: str) -> Stored | None:
    """Return the newest version of a key, which may be a delete marker."""
    query = f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ? AND is_latest = 1"
    row = connection.execute(query, (bucket, key.encode())).fetchone()
    return None if row is None else _stored(row)


def version_of(connection: sqlite3.Connection, bucket: str, key: str, version: str) -> Stored | None:
    """Return one version of a key."""
    query = f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?"
    row = connection.execute(query, (bucket, key.encode(), version)).fetchone()
    return None if row is None else _stored(row)


def versions(connection: sqlite3.Connection, bucket: str, key: str) -> list[Stored]:
    """Return every version of a key, newest first."""
    query = f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ? ORDER BY number DESC"
    return [_stored(row) for row in connection.execute(query, (bucket, key.encode()))]


def add(connection: sqlite3.Connection, stored: Stored) -> None:
    """Write a version down as the newest of its key."""
    place = (stored.bucket, stored.key.encode())
    connection.execute("UPDATE s3_objects SET is_latest = 0 WHERE bucket = ? AND key = ? AND is_latest = 1", place)
    connection.execute(
        "INSERT INTO s3_objects (bucket, key, version, is_latest, link, blob, definition) VALUES (?, ?, ?, 1, ?, ?, ?)",
        (*place, stored.version, stored.link, stored.blob, stored.definition()),
    )


def change(connection: sqlite3.Connection, stored: Stored) -> None:
    """Write a version's definition and link anew."""
    connection.execute(
        "UPDATE s3_objects SET link = ?, definition = ? WHERE bucket = ? AND key = ? AND version = ?",
        (stored.link, stored.definition(), stored.bucket, stored.key.encode(), stored.version),
    )


def remove(connection: sqlite3.Connection, stored: Stored) -> None:
    """Strike a version out; the newest one left becomes the latest, its bytes to be linked again."""
    place = (stored.bucket, stored.key.encode())
    query = "DELETE FROM s3_objects WHERE bucket = ? AND key = ? AND version = ?"
    connection.execute(query, (*place, stored.version))
    connection.execute(
        "UPDATE s3_objects SET is_latest = 1, link = CASE link WHEN 1 THEN 0 ELSE link END WHERE number = "
        "(SELECT max(number) FROM s3_objects WHERE bucket = ? AND key = ?) AND is_latest = 0",
        place,
    )


def keys_between(connection: sqlite3.Connection, bucket: str, first: str, count: int, condition: str) -> list[str]:
    """Return the next keys from `first` on, in the order of their bytes, that have a version of a condition."""
    query = (
        f"SELECT DISTINCT key FROM s3_objects WHERE bucket = ? AND key >= ? AND {condition} ORDER BY key LIMIT {count}"
    )
    return [row[0].decode() for row in connection.execute(query, (bucket, first.encode()))]
