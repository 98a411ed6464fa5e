"""IAM's name for what a request does: not always that of its service and operation."""

from __future__ import annotations

from typing import Final

_PREFIXES: Final = {"sagemaker-featurestore-runtime": "sagemaker", "monitoring": "cloudwatch"}
_NAMES: Final = {
    "UpdateRecord": "PutRecord", "ListBuckets": "ListAllMyBuckets", "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions",
    "HeadObject": "GetObject", "DeleteObjects": "DeleteObject", "CopyObject": "PutObject", "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject", "CreateMultipartUpload": "PutObject", "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts", "ListMultipartUploads": "ListBucketMultipartUploads",
}  # fmt: skip


def action_of(service: str, operation: str) -> str:
    """Return the action that a service's operation needs. Source: service authorization reference."""
    return f"{_PREFIXES.get(service, service)}:{_NAMES.get(operation, operation)}"


def is_about(service: str | None, operation: str | None, action: str) -> bool:
    """Tell whether an action is one of a service (None: of any) and an operation (None: of any)."""
    prefix, _, name = action.lower().partition(":")
    wanted_prefix, _, wanted_name = action_of(service or "", operation or "").lower().partition(":")
    return (service is None or prefix == wanted_prefix) and (operation is None or name == wanted_name)
