"""Objects, their versions and delete markers; the folder and the index are brought together at every look.

Truth is the index, but for what others do in the folder: a file they made is a new version, and one they removed is
deleted.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sfs_plugins.sandbox.s3 import index
from sfs_plugins.sandbox.s3.blobs import Blobs
from sfs_plugins.sandbox.s3.buckets import Buckets
from sfs_plugins.sandbox.s3.failures import no_such_key, no_such_version
from sfs_plugins.sandbox.s3.index import ASIDE, LINKED, NULL_VERSION, PENDING, Stored
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.wire import Failure

Condition = Callable[[Stored | None], None]


class Objects:
    """The objects of every bucket."""

    def __init__(self, state: State, blobs: Blobs, buckets: Buckets) -> None:
        self.state, self.blobs, self.buckets = state, blobs, buckets
        self.lock = threading.RLock()
        self._finish()

    def _finish(self) -> None:
        """Finish what a kill cut off."""
        with self.state.reading() as connection:
            known = {
                row[0] for row in connection.execute("SELECT blob FROM s3_objects UNION SELECT blob FROM s3_parts")
            }
            query = "SELECT bucket, key FROM s3_objects WHERE is_latest = 1 AND link = 0"
            pending = connection.execute(query).fetchall()
        self.blobs.sweep(known)
        for bucket, key in pending:
            stored = self._indexed(bucket, key.decode())
            if stored is not None and not stored.is_marker:
                self._link(stored)

    def _indexed(self, bucket: str, key: str) -> Stored | None:
        with self.state.reading() as connection:
            return index.latest(connection, bucket, key)

    def latest(self, bucket: str, key: str) -> Stored | None:
        """Return the newest version of a key, perhaps a delete marker; None if there is nothing."""
        with self.lock:
            stored, natural = self._indexed(bucket, key), self.blobs.natural(bucket, key)
            if stored is not None and stored.link == ASIDE:
                return stored
            is_there = natural is not None and natural.is_file() and not natural.is_symlink()
            if stored is None:
                return self._adopt(bucket, key, natural) if is_there and natural is not None else None
            if stored.is_marker:
                return stored if not is_there or natural is None else self._found_beside(stored, natural)
            if natural is None or not is_there:
                return self._lost(stored)
            return stored if self.blobs.is_same(stored.blob, natural) else self._found_beside(stored, natural)

    def _lost(self, stored: Stored) -> Stored | None:
        """Take a file that others removed for a deletion, as S3 would have done it."""
        self.delete(stored.bucket, stored.key)
        return self._indexed(stored.bucket, stored.key)

    def _found_beside(self, stored: Stored, natural: Path) -> Stored | None:
        """Look at a file that is not the newest version's: an older version's, left by a kill, or one others made."""
        with self.state.reading() as connection:
            known = index.versions(connection, stored.bucket, stored.key)
        if not any(self.blobs.is_same(version.blob, natural) for version in known if version.blob):
            return self._adopt(stored.bucket, stored.key, natural)
        if stored.is_marker:
            self.blobs.unlink(natural, stored.bucket)
            return stored
        return self._link(stored)

    def _adopt(self, bucket: str, key: str, natural: Path) -> Stored:
        blob = self.blobs.adopt(natural)
        return self._add(
            Stored(
                bucket, key, self._new_version(bucket), blob.name, LINKED, etag=blob.md5, size=blob.size,
                modified=natural.stat().st_mtime_ns, headers={"content-type": "binary/octet-stream"},
            )
        )  # fmt: skip

    def _new_version(self, bucket: str) -> str:
        is_versioned = self.buckets.versioning(bucket) == "Enabled"
        return secrets.token_urlsafe(24) if is_versioned else NULL_VERSION

    def _add(self, stored: Stored) -> Stored:
        """Write a version down; one without a version id takes the place of the other that has none."""
        gone: list[str] = []
        with self.state.writing() as connection:
            before = index.version_of(connection, stored.bucket, stored.key, stored.version)
            if before is not None:
                gone.append(before.blob)
                index.remove(connection, before)
            index.add(connection, stored)
        self.blobs.drop(name for name in gone if name != stored.blob)
        return stored

    def put(self, stored: Stored, condition: Condition) -> Stored:
        """Make a new version of a key, whose bytes are on disk already. `condition` may raise, given what is there."""
        with self.lock:
            self.buckets.require(stored.bucket)
            condition(self.live(stored.bucket, stored.key))
            natural = self.blobs.natural(stored.bucket, stored.key)
            stored = replace(
                stored, version=self._new_version(stored.bucket), link=ASIDE if natural is None else PENDING,
                modified=time.time_ns(),
            )  # fmt: skip
            self._add(stored)
            return stored if natural is None else self._link(stored)

    def _link(self, stored: Stored) -> Stored:
        natural = self.blobs.natural(stored.bucket, stored.key)
        is_linked = natural is not None and self.blobs.link(stored.blob, natural)
        stored = replace(stored, link=LINKED if is_linked else ASIDE)
        with self.state.writing() as connection:
            index.change(connection, stored)
        return stored

    def live(self, bucket: str, key: str) -> Stored | None:
        """Return what a plain read of a key finds, None for a delete marker."""
        stored = self.latest(bucket, key)
        return None if stored is None or stored.is_marker else stored

    def find(self, bucket: str, key: str, version: str | None) -> Stored:
        """Return a version of an object. Raises Failure; for a delete marker as S3 does."""
        self.buckets.require(bucket)
        stored = self.latest(bucket, key)
        if version is not None:
            with self.state.reading() as connection:
                stored = index.version_of(connection, bucket, key, version)
            if stored is None:
                raise no_such_version(key, version)
            if stored.is_marker:
                message = "The specified method is not allowed against this resource."
                raise Failure("MethodNotAllowed", message, 405, **{"x-amz-delete-marker": "true"})
        if stored is None:
            raise no_such_key(key)
        if stored.is_marker:
            marker = {"x-amz-delete-marker": "true", "x-amz-version-id": stored.version}
            raise Failure("NoSuchKey", "The specified key does not exist.", 404, Key=key, **marker)
        return stored

    def change(self, stored: Stored) -> None:
        """Write tags or headers of a version anew."""
        with self.lock, self.state.writing() as connection:
            index.change(connection, stored)

    def delete(self, bucket: str, key: str, version: str | None = None) -> Stored | None:
        """Delete a key or one version of it; return the delete marker that was made, or the version that went."""
        with self.lock:
            self.buckets.require(bucket)
            if version is not None:
                return self._delete_version(bucket, key, version)
            versioning = self.buckets.versioning(bucket)
            natural = self.blobs.natural(bucket, key)
            if not versioning:
                # the path first: cut off between the two, the object is deleted all the same
                self.blobs.unlink(natural, bucket)
                return self._delete_version(bucket, key, NULL_VERSION)
            marker = Stored(
                bucket, key, self._new_version(bucket), link=LINKED, is_marker=True, modified=time.time_ns()
            )
            self._add(marker)
            self.blobs.unlink(natural, bucket)
            return marker

    def _delete_version(self, bucket: str, key: str, version: str) -> Stored | None:
        with self.state.writing() as connection:
            stored = index.version_of(connection, bucket, key, version)
            if stored is None:
                return None
            index.remove(connection, stored)
            following = index.latest(connection, bucket, key)
        if stored.is_latest:
            if stored.link != ASIDE:
                self.blobs.unlink(self.blobs.natural(bucket, key), bucket)
            if following is not None and not following.is_marker and following.link != ASIDE:
                self._link(following)
        self.blobs.drop([stored.blob])
        return stored
