"""The offline store's objects in S3: listed and deleted under the group's own resolved root, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sfs_core import Batch, Fact, FeatureGroup, Refused, Remark, SfsError, StoreUnavailable, say
from sfs_plugins.sagemaker_store.errors import PASSING, THROTTLES, translated

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls

KEYS_A_CALL: Final = 1000
ROUNDS: Final = 8


class RootNotOwn(Refused):
    """A root cannot be told to be this group's alone."""

    sentence = "{root!r} is not a root of feature group {group!r} alone ({problem}), so nothing under it is touched"


class KeyOutsideRoot(Refused):
    """An object is named that is not this group's."""

    sentence = "{key!r} is not under {root}, the root of feature group {group!r}, so it is not touched"


def own_root(group: FeatureGroup) -> tuple[str, str]:
    """Return bucket and key prefix (ending in `/`) of the group's own root.

    Raises RootNotOwn unless the resolved URI has the service's own shape: below the configured S3Uri, with the
    group's name and creation time as its last part (dossier 4.1). The configured S3Uri is never used by itself.
    """
    root = group.offline.root if group.offline else None
    if root is None or not root.startswith("s3://"):
        raise RootNotOwn(root=root, group=group.name, problem=say("it has no resolved URI"))
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    last = prefix.rstrip("/").rpartition("/")[2]
    name, _, created = last.rpartition("-")
    if "/offline-store/" not in f"/{prefix}" or name.lower() != group.name.lower() or not created.isdigit():
        raise RootNotOwn(
            root=root, group=group.name, problem=say("it does not end in the group's name and creation time")
        )
    if any(part in ("", ".", "..") for part in prefix.rstrip("/").split("/")):
        raise RootNotOwn(root=root, group=group.name, problem=say("its path is not plain"))
    return bucket, prefix


def listed(calls: Calls, client: Any, group: FeatureGroup, owner: str) -> Iterator[pa.RecordBatch]:
    """Yield pages of `key` (an s3:// URI) and `size`; a listing strongly reflects what is there."""
    import pyarrow as pa

    bucket, prefix = own_root(group)
    request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "ExpectedBucketOwner": owner}
    while True:
        answer = calls(client, "ListObjectsV2", bucket, **request)
        objects = answer.get("Contents", [])
        if objects:
            keys = [f"s3://{bucket}/{entry['Key']}" for entry in objects]
            yield pa.record_batch({"key": keys, "size": [entry["Size"] for entry in objects]})
        if not answer.get("IsTruncated"):
            return
        request["ContinuationToken"] = answer["NextContinuationToken"]


def delete(calls: Calls, client: Any, group: FeatureGroup, batch: Batch, owner: str, connection: str) -> Fact:
    """Delete a batch's objects, 1,000 keys a call; an error of a key inside the answer is that key's own outcome."""
    bucket, prefix = own_root(group)
    keys: list[str] = batch.records.column("key").to_pylist()
    remarks, left = [], {}
    for row, uri in enumerate(keys):
        if uri.startswith(f"s3://{bucket}/{prefix}") and uri != f"s3://{bucket}/{prefix}":
            left[uri.removeprefix(f"s3://{bucket}/")] = row
        else:
            remarks.append(
                Remark.failed(row, KeyOutsideRoot(key=uri, root=f"s3://{bucket}/{prefix}", group=group.name))
            )
    names = list(left)
    for start in range(0, len(names), KEYS_A_CALL):
        failed = _deleted(calls, client, bucket, names[start : start + KEYS_A_CALL], owner, connection)
        remarks += [Remark.failed(left[key], error) for key, error in failed.items()]
    return Fact.of(batch, remarks)


def _deleted(
    calls: Calls, client: Any, bucket: str, keys: list[str], owner: str, connection: str
) -> Mapping[str, SfsError]:
    """Delete up to 1,000 keys, trying again those with a passing error; return what failed for good."""
    failed: dict[str, SfsError] = {}
    for attempt in range(ROUNDS):
        request = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = calls(client, "DeleteObjects", bucket, Bucket=bucket, Delete=request, ExpectedBucketOwner=owner)
        again = []
        for error in answer.get("Errors", []):
            code = error.get("Code", "")
            if code in THROTTLES:
                calls.throttled()
            if code in THROTTLES | PASSING and attempt < ROUNDS - 1:
                again.append(error["Key"])
                continue
            what = f"{bucket}/{error['Key']}"
            failed[error["Key"]] = translated({"Error": error}, "s3:DeleteObject", what, connection, calls.principal())
        if not again:
            return failed
        keys = again
        calls.sleep(min(20.0, 0.1 * 2**attempt))
    raise StoreUnavailable(store="sagemaker", problem=say("objects of {bucket} could not be deleted", bucket=bucket))
