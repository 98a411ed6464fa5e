"""Buckets: folders under `s3/`, with what a folder cannot say beside them."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from sfs_plugins.sandbox.s3 import index
from sfs_plugins.sandbox.s3.failures import no_such_bucket
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.wire import Failure

NAME = re.compile(r"(?!xn--)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Buckets:
    """The buckets of a store's folder; one that the local store made is one too."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.declare(index.SCHEMA)

    def folder(self, bucket: str) -> Path:
        """Return a bucket's folder."""
        return self._state.folder / "s3" / bucket

    def exists(self, bucket: str) -> bool:
        """Tell whether there is a bucket of that name."""
        return bool(NAME.fullmatch(bucket)) and self.folder(bucket).is_dir()

    def require(self, bucket: str) -> None:
        """Raise Failure unless there is the bucket."""
        if not self.exists(bucket):
            raise no_such_bucket(bucket)

    def all(self) -> list[tuple[str, int]]:
        """Return name and creation (nanoseconds since 1970) of every bucket."""
        top = self._state.folder / "s3"
        names = sorted(entry.name for entry in os.scandir(top) if entry.is_dir()) if top.is_dir() else []
        return [(name, self.created(name)) for name in names if NAME.fullmatch(name)]

    def created(self, bucket: str) -> int:
        """Return when a bucket was made, in nanoseconds since 1970."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT created FROM s3_buckets WHERE name = ?", (bucket,)).fetchone()
        return self.folder(bucket).stat().st_ctime_ns if row is None else int(row[0])

    def create(self, bucket: str) -> None:
        """Make a bucket. Raises Failure for a name that none may have."""
        if not NAME.fullmatch(bucket):
            raise Failure("InvalidBucketName", "The specified bucket is not valid.", 400, BucketName=bucket)
        self.folder(bucket).mkdir(parents=True, exist_ok=True)
        with self._state.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO s3_buckets VALUES (?, ?, '')", (bucket, time.time_ns()))

    def delete(self, bucket: str) -> None:
        """Delete a bucket. Raises Failure for one that holds anything, versions and uploads too."""
        self.require(bucket)
        with self._state.reading() as connection:
            has_versions = connection.execute("SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1", (bucket,)).fetchone()
        has_files = any(names for _, _, names in os.walk(self.folder(bucket)))
        if has_versions or has_files:
            raise Failure("BucketNotEmpty", "The bucket you tried to delete is not empty", 409, BucketName=bucket)
        for folder, _, _ in os.walk(self.folder(bucket), topdown=False):
            Path(folder).rmdir()
        with self._state.writing() as connection:
            connection.execute("DELETE FROM s3_buckets WHERE name = ?", (bucket,))

    def versioning(self, bucket: str) -> str:
        """Return `Enabled`, `Suspended`, or '' where versions were never kept."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT versioning FROM s3_buckets WHERE name = ?", (bucket,)).fetchone()
        return "" if row is None else str(row[0])

    def set_versioning(self, bucket: str, status: str) -> None:
        """Begin or stop to keep versions."""
        self.create(bucket)
        with self._state.writing() as connection:
            connection.execute("UPDATE s3_buckets SET versioning = ? WHERE name = ?", (status, bucket))
