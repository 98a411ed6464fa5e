"""The offline store's objects in S3: listed and read under the group's own resolved root, and nowhere else."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Final

from sfs_core import AccessDenied, FeatureGroup, Refused, StoreUnavailable, say
from sfs_plugins.sagemaker_store.failures import failure_of

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls

DOWNLOADS: Final = 4
"""How often an object is asked for whose bytes end too early."""


class RootNotOwn(Refused):
    """A root cannot be told to be this group's alone."""

    sentence = "{root!r} is not a root of feature group {group!r} alone ({problem}), so nothing under it is touched"


class KeyOutsideRoot(Refused):
    """An object is named that is not this group's."""

    sentence = "{key!r} is not under {root}, the root of feature group {group!r}, so it is not touched"


def own_root(group: FeatureGroup) -> tuple[str, str]:
    """Return bucket and key prefix (ending in `/`) of the group's own root.

    Raises RootNotOwn unless the resolved URI has the service's own shape: below the configured S3Uri, with the
    group's name and creation time as its last part (feature-store-offline). The configured S3Uri is never used alone.
    """
    root = group.offline.root if group.offline else None
    if root is None or not root.startswith("s3://"):
        raise RootNotOwn(root=root, group=group.name, problem=say("it has no resolved URI"))
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    last = prefix.rstrip("/").rpartition("/")[2]
    name, _, created = last.rpartition("-")
    configured = f"{group.offline.s3_uri.rstrip('/')}/" if group.offline else ""
    if configured.startswith("s3://") and not root.startswith(configured):
        raise RootNotOwn(root=root, group=group.name, problem=say("it is not below {uri}", uri=configured))
    if "/offline-store/" not in f"/{prefix}" or name.lower() != group.name.lower() or not created.isdigit():
        raise RootNotOwn(
            root=root, group=group.name, problem=say("it does not end in the group's name and creation time")
        )
    if not bucket or any(part in (".", "..") for part in prefix.split("/")):
        raise RootNotOwn(root=root, group=group.name, problem=say("its path is not plain"))
    return bucket, prefix


@dataclass(frozen=True)
class HeldObjects:
    """Objects of one bucket, which must belong to the account `owner`."""

    calls: Calls
    client: Any
    bucket: str
    owner: str

    def pages(self, prefix: str) -> Iterator[list[dict[str, Any]]]:
        """Yield pages of objects below a key prefix; a listing strongly reflects what is there."""
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": prefix, "ExpectedBucketOwner": self.owner}
        while True:
            answer = self.calls(self.client, "ListObjectsV2", self.bucket, **request)
            if answer.get("Contents"):
                yield answer["Contents"]
            if not answer.get("IsTruncated"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]

    def under(self, uri: str) -> list[str]:
        """Return the URIs of the objects below one."""
        return [f"s3://{self.bucket}/{entry['Key']}" for page in self.pages(self._key(uri)) for entry in page]

    def check_owner(self) -> None:
        """Raise AccessDenied unless the bucket is the owner's."""
        self.calls(self.client, "HeadBucket", self.bucket, Bucket=self.bucket, ExpectedBucketOwner=self.owner)

    def remove(self, uri: str) -> None:
        """Delete the objects below a URI that the tool itself made; what may not be deleted stays."""
        with contextlib.suppress(AccessDenied):
            for found in self.under(uri):
                where: dict[str, Any] = {
                    "Bucket": self.bucket,
                    "Key": self._key(found),
                    "ExpectedBucketOwner": self.owner,
                }
                self.calls(self.client, "DeleteObject", self.bucket, **where)

    def part(self, key: str, range: str, tag: str | None = None) -> tuple[bytes, dict[str, Any]]:
        """Return the bytes of a range of an object, and S3's answer; with `tag` only of the object that has it."""
        where: dict[str, Any] = {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self.owner, "Range": range}
        if tag is not None:
            where["IfMatch"] = tag
        for attempt in count(1):
            answer = self.calls(self.client, "GetObject", self.bucket, **where)
            try:
                return b"".join(self._blocks(answer, key)), answer
            except StoreUnavailable:
                if attempt == DOWNLOADS:
                    raise
        raise AssertionError(key)

    @contextlib.contextmanager
    def file(self, uri: str) -> Iterator[IO[bytes]]:
        """Give an object's bytes as a file of its own, which is gone afterwards."""
        with tempfile.TemporaryFile() as file:
            for attempt in count(1):
                try:
                    self._download(uri, file)
                    break
                except StoreUnavailable:
                    if attempt == DOWNLOADS:
                        raise
            file.seek(0)
            yield file

    def _download(self, uri: str, file: IO[bytes]) -> None:
        """Write an object's bytes into an emptied file. Raises StoreUnavailable where they come to an end too early."""
        where: dict[str, Any] = {"Bucket": self.bucket, "Key": self._key(uri), "ExpectedBucketOwner": self.owner}
        answer = self.calls(self.client, "GetObject", self.bucket, **where)
        file.seek(0)
        file.truncate()
        for block in self._blocks(answer, uri):
            file.write(block)

    def _blocks(self, answer: dict[str, Any], what: str) -> Iterator[bytes]:
        """Yield the bytes of an answer. Raises StoreUnavailable where they come to an end too early."""
        try:
            yield from answer["Body"].iter_chunks(2**20)
        except Exception as error:  # what a broken stream raises is sorted out as any call's failure is
            failure = failure_of(error, "s3:GetObject", "GetObject", what, self.calls.connection, self.calls.who)
            raise (failure or error) from error

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"s3://{self.bucket}/")


def listed(objects: HeldObjects, prefix: str) -> Iterator[pa.RecordBatch]:
    """Yield pages of `key` (an s3:// URI) and `size` of the objects below a prefix."""
    import pyarrow as pa

    for page in objects.pages(prefix):
        keys = [f"s3://{objects.bucket}/{entry['Key']}" for entry in page]
        yield pa.record_batch({"key": keys, "size": [entry["Size"] for entry in page]})


def inside(objects: HeldObjects, prefix: str, group: FeatureGroup, uri: str) -> str:
    """Return the key of an object of the group's own. Raises KeyOutsideRoot."""
    root = f"s3://{objects.bucket}/{prefix}"
    if not uri.startswith(root) or uri == root:
        raise KeyOutsideRoot(key=uri, root=root, group=group.name)
    return uri.removeprefix(f"s3://{objects.bucket}/")
