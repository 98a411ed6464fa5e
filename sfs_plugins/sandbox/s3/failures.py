"""S3's refusals, by the names its clients look for."""

from __future__ import annotations

from sfs_plugins.sandbox.wire import Failure


def no_such_bucket(bucket: str) -> Failure:
    """Return the failure of a bucket that is not there."""
    return Failure("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=bucket)


def no_such_key(key: str) -> Failure:
    """Return the failure of a key that is not there."""
    return Failure("NoSuchKey", "The specified key does not exist.", 404, Key=key)


def no_such_version(key: str, version: str) -> Failure:
    """Return the failure of a version that is not there."""
    return Failure("NoSuchVersion", "The specified version does not exist.", 404, Key=key, VersionId=version)


def no_such_upload(upload: str) -> Failure:
    """Return the failure of a multipart upload that is not there."""
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or it may have been aborted or completed."
    )
    return Failure("NoSuchUpload", message, 404, UploadId=upload)


def precondition_failed(condition: str) -> Failure:
    """Return the failure of a condition that does not hold."""
    message = "At least one of the pre-conditions you specified did not hold"
    return Failure("PreconditionFailed", message, 412, Condition=condition)


def malformed(message: str) -> Failure:
    """Return the refusal of a body that is not understood."""
    return Failure("MalformedXML", message)


def bad_argument(message: str) -> Failure:
    """Return the refusal of an argument."""
    return Failure("InvalidArgument", message)
