"""What a bucket keeps of deleted and replaced objects: whether it does, and which versions lie under a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sfs_core import AccessDenied

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.objects import HeldObjects


def keeps_versions(objects: HeldObjects) -> bool | None:
    """Tell whether a bucket has, or once had, versioning; None where that may not be asked.

    A bucket that was never versioned has no status; one whose versioning is suspended still holds what it kept.
    Source: API GetBucketVersioning.
    """
    where: dict[str, Any] = {"Bucket": objects.bucket, "ExpectedBucketOwner": objects.owner}
    try:
        answer = objects.calls(objects.client, "GetBucketVersioning", objects.bucket, **where)
    except AccessDenied:
        return None
    return bool(answer.get("Status"))


def listed_versions(objects: HeldObjects, prefix: str) -> Iterator[pa.RecordBatch]:
    """Yield versions and delete markers below a prefix, in two passes: those that are not current come first.

    Deleted in this order, and stopped anywhere, an object never comes back as it was before it was deleted.
    """
    import pyarrow as pa

    for is_current in (False, True):
        for page in _pages(objects, prefix):
            found = [one for one in page if one["IsLatest"] is is_current]
            if not found:
                continue
            columns = {
                "key": pa.array([f"s3://{objects.bucket}/{one['Key']}" for one in found], pa.string()),
                "size": pa.array([one.get("Size", 0) for one in found], pa.int64()),
                "version": pa.array([one["VersionId"] for one in found], pa.string()),
                "is_current": pa.repeat(pa.scalar(is_current), len(found)),
            }
            yield pa.record_batch(columns)


def _pages(objects: HeldObjects, prefix: str) -> Iterator[list[dict[str, Any]]]:
    """Yield pages of versions and markers; a page may end between two versions of one key."""
    request: dict[str, Any] = {"Bucket": objects.bucket, "Prefix": prefix, "ExpectedBucketOwner": objects.owner}
    while True:
        answer = objects.calls(objects.client, "ListObjectVersions", objects.bucket, **request)
        yield [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
        if not answer.get("IsTruncated"):
            return
        request["KeyMarker"] = answer["NextKeyMarker"]
        request.pop("VersionIdMarker", None)
        if answer.get("NextVersionIdMarker"):
            request["VersionIdMarker"] = answer["NextVersionIdMarker"]
