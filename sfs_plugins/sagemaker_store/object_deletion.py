"""Deleting offline objects, and versions of them, key by key: what S3 could not delete is told for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sfs_core import AccessDenied, Batch, Fact, FeatureGroup, Refused, Remark, SfsError, StoreUnavailable
from sfs_plugins.sagemaker_store.errors import PASSING, THROTTLES, translated
from sfs_plugins.sagemaker_store.objects import HeldObjects, KeyOutsideRoot, inside

if TYPE_CHECKING:
    import pyarrow as pa

KEYS_A_CALL: Final = 1000
ROUNDS: Final = 8

Named = tuple[str, str | None]
"""Key and version of what is deleted; without a version it is the object, of which a bucket may keep older versions."""


class VersionKept(AccessDenied):
    """A version of an object may not be deleted: by permission, or because the bucket holds on to it."""

    sentence = (
        "version {version} of {key} is kept ({problem}): Object Lock holds it until its date or a legal hold ends, "
        "or the permission s3:DeleteObjectVersion, or MFA, is missing"
    )


class OlderVersionKept(Refused):
    """The current version of an object stays, because an older one that could not be deleted would come back."""

    sentence = "the current version of {key} stays: an older one could not be deleted and would come back in its place"


class AnswerAstray(StoreUnavailable):
    """S3 answers about an object nobody asked it to delete, so what became of those asked for is not known."""

    sentence = (
        "a deletion in bucket {bucket} was answered with {key!r}, which was not asked for ({code}), so what became of "
        "the objects that were is not known: `sagemaker-fs runs resume` deletes what is left of them"
    )


def delete(objects: HeldObjects, prefix: str, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
    """Delete objects, 1,000 a call; an error of a key inside the answer is that key's own outcome.

    Where versions are given, those of a key that are not current go first, and its current one only after them: not
    at all where one of them could not be deleted, in this batch or in one before.
    """
    kept: set[str] = set()
    for batch in batches:
        yield _of_batch(objects, prefix, group, batch, kept)


def _of_batch(objects: HeldObjects, prefix: str, group: FeatureGroup, batch: Batch, kept: set[str]) -> Fact:
    remarks, rows, current, older = [], dict[Named, int](), list[Named](), list[Named]()
    for row, (uri, version, is_current) in enumerate(_named(batch.records)):
        try:
            named = (inside(objects, prefix, group, uri), version)
        except KeyOutsideRoot as error:
            remarks.append(Remark.failed(row, error))
            continue
        rows[named] = row
        (current if is_current else older).append(named)
    failed = _all_deleted(objects, older)
    kept |= {key for key, _ in failed}
    failed |= {named: OlderVersionKept(key=named[0]) for named in current if named[0] in kept}
    failed |= _all_deleted(objects, [named for named in current if named[0] not in kept])
    remarks += [Remark.failed(rows[named], error) for named, error in failed.items()]
    return Fact.of(batch, sorted(remarks, key=lambda remark: remark.row))


def _named(records: pa.RecordBatch) -> zip[tuple[str, str | None, bool]]:
    keys, count = records.column("key").to_pylist(), records.num_rows
    if "version" not in records.schema.names:
        return zip(keys, [None] * count, [True] * count, strict=True)
    return zip(keys, records.column("version").to_pylist(), records.column("is_current").to_pylist(), strict=True)


def _all_deleted(objects: HeldObjects, named: Sequence[Named]) -> dict[Named, SfsError]:
    """Delete any number; return what failed."""
    failed: dict[Named, SfsError] = {}
    for start in range(0, len(named), KEYS_A_CALL):
        failed |= _deleted(objects, named[start : start + KEYS_A_CALL])
    return failed


def _deleted(objects: HeldObjects, named: Sequence[Named]) -> Mapping[Named, SfsError]:
    """Delete up to 1,000, trying again those with a passing error; return what failed for good."""
    failed: dict[Named, SfsError] = {}
    calls = objects.calls
    for attempt in range(1, ROUNDS + 1):
        entries = [{"Key": key} | ({} if version is None else {"VersionId": version}) for key, version in named]
        where: dict[str, Any] = {"Bucket": objects.bucket, "ExpectedBucketOwner": objects.owner}
        answer = calls(
            objects.client, "DeleteObjects", objects.bucket, Delete={"Objects": entries, "Quiet": True}, **where
        )
        asked, named = named, []
        for error in answer.get("Errors", []):
            code, meant = error.get("Code", ""), _meant(objects, asked, error)
            if code in THROTTLES:
                calls.throttled("DeleteObjects")
            if code in THROTTLES | PASSING and attempt < ROUNDS:
                named += [one for one in meant if one not in named]
                continue
            failed |= {one: _failure(objects, one, error) for one in meant}
        if not named:
            break
        calls.pause(attempt)
    return failed


def _meant(objects: HeldObjects, asked: Sequence[Named], error: Mapping[str, Any]) -> list[Named]:
    """Return what of that asked for an error is about: never more than was asked, and never nothing.

    Of an object that was named without a version an error may name one all the same; and one that names none is about
    every version of the key. Raises AnswerAstray.
    """
    key, version = error.get("Key"), error.get("VersionId") or None
    meant = [one for one in asked if one[0] == key and version in (one[1], None)]
    meant = meant or [one for one in asked if one == (key, None)]
    if not meant:
        raise AnswerAstray(bucket=objects.bucket, key=key or "", code=error.get("Code", ""))
    return meant


def _failure(objects: HeldObjects, named: Named, error: Mapping[str, Any]) -> SfsError:
    key, version = named
    what, action = f"{objects.bucket}/{key}", "s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"
    failure = translated({"Error": error}, action, what, objects.calls.connection, objects.calls.who)
    if version is not None and isinstance(failure, AccessDenied):
        return VersionKept(version=version, key=what, problem=error.get("Message") or error.get("Code"))
    return failure
