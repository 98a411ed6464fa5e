"""PutObject, GetObject, HeadObject, CopyObject, DeleteObject, DeleteObjects, tags and attributes of objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from sfs_plugins.sandbox.s3 import checksums, xml
from sfs_plugins.sandbox.s3.blobs import pieces_of
from sfs_plugins.sandbox.s3.call import Call, checksum_headers, encryption_headers, http_date, version_headers
from sfs_plugins.sandbox.s3.conditions import byte_range, check_read, check_write
from sfs_plugins.sandbox.s3.failures import bad_argument, malformed
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.wire import Failure, FilePart, Response

MAX_DELETED = 1000
MAX_COPIED_BYTES = 5 * 1024**3
_XML = [("content-type", "application/xml")]


def iso(nanoseconds: int) -> str:
    """Return a time as S3's XML has it."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class ObjectOperations:
    """The operations on single objects, and on many by name."""

    def __init__(self, objects: Objects, account: str) -> None:
        self._objects, self._account = objects, account

    def put(self, call: Call) -> Response:
        """PutObject."""
        self._objects.buckets.require(call.bucket)
        found = call.checksums()
        blob = self._objects.blobs.write([call.body])
        made = Stored(
            call.bucket, call.key, "", blob.name, etag=blob.md5, size=blob.size, headers=call.kept_headers(),
            checksums=found, tags=call.tags(),
        )  # fmt: skip
        stored = self.put_blob(made, call)
        return Response(200, b"", self._about_written(stored))

    def put_blob(self, made: Stored, call: Call) -> Stored:
        """Make an object of bytes on disk, under the request's conditions."""
        try:
            return self._objects.put(made, lambda before: check_write(before, call.key, call.request.headers))
        except Failure:
            self._objects.blobs.drop([made.blob])
            raise

    def _about_written(self, stored: Stored) -> list[tuple[str, str]]:
        versioning = self._objects.buckets.versioning(stored.bucket)
        return [
            ("etag", f'"{stored.etag}"'),
            *version_headers(stored, versioning),
            *encryption_headers(stored),
            *checksum_headers(stored),
        ]

    def get(self, call: Call) -> Response:
        """GetObject; HeadObject is the same without the body."""
        stored = self._objects.find(call.bucket, call.key, call.query("versionId"))
        check_read(stored, call.request.headers)
        part = byte_range(call.header("range"), stored.size)
        start, length = part or (0, stored.size)
        headers = self._about(stored, call)
        headers += [("content-length", str(length))]
        if part is not None:
            headers.append(("content-range", f"bytes {start}-{start + length - 1}/{stored.size}"))
        body = b"" if call.request.method == "HEAD" else FilePart(self._objects.blobs.path(stored.blob), start, length)
        return Response(200 if part is None else 206, body, headers)

    def _about(self, stored: Stored, call: Call) -> list[tuple[str, str]]:
        versioning = self._objects.buckets.versioning(stored.bucket)
        given = {name: call.query(f"response-{name}") for name in stored.headers}
        headers = [(name, given[name] or value) for name, value in stored.headers.items()]
        headers += [
            ("etag", f'"{stored.etag}"'),
            ("last-modified", http_date(stored.modified)),
            ("accept-ranges", "bytes"),
        ]
        headers += version_headers(stored, versioning)
        if stored.tags:
            headers.append(("x-amz-tagging-count", str(len(stored.tags))))
        if stored.parts:
            headers.append(("x-amz-mp-parts-count", str(len(stored.parts))))
        if (call.header("x-amz-checksum-mode") or "").upper() == "ENABLED" and call.header("range") is None:
            headers += checksum_headers(stored)
        return headers

    def source(self, call: Call) -> Stored:
        """Return the object that a copy reads. Raises Failure."""
        text = unquote(call.header("x-amz-copy-source") or "").removeprefix("/")
        name, _, version = text.partition("?versionId=")
        bucket, _, key = name.partition("/")
        owner = call.header("x-amz-source-expected-bucket-owner")
        if owner is not None and owner != self._account:
            raise Failure("AccessDenied", "Access Denied", 403)
        stored = self._objects.find(bucket, key, version or None)
        check_read(stored, call.request.headers, "x-amz-copy-source-")
        return stored

    def copy(self, call: Call) -> Response:
        """CopyObject: bytes are written anew, metadata and tags come along unless they are replaced."""
        source = self.source(call)
        self._objects.buckets.require(call.bucket)
        if source.size > MAX_COPIED_BYTES:
            raise Failure(
                "InvalidRequest", "The specified copy source is larger than the maximum allowable size: 5368709120"
            )
        replaces = (call.header("x-amz-metadata-directive") or "COPY") == "REPLACE"
        is_same = (source.bucket, source.key) == (call.bucket, call.key) and call.query("versionId") is None
        if is_same and not replaces and call.header("x-amz-storage-class") is None and source.is_latest:
            message = (
                "This copy request is illegal because it is trying to copy an object to itself without changing it."
            )
            raise Failure("InvalidRequest", message)
        path = self._objects.blobs.path(source.blob)
        blob = self._objects.blobs.write(pieces_of(path))
        made = Stored(
            call.bucket, call.key, "", blob.name, etag=blob.md5, size=blob.size,
            headers=call.kept_headers() if replaces else source.headers,
            checksums=self._copied_checksums(source, call),
            tags=call.tags() if call.header("x-amz-tagging-directive") == "REPLACE" else source.tags,
        )  # fmt: skip
        stored = self.put_blob(made, call)
        result = {"LastModified": iso(stored.modified), "ETag": f'"{stored.etag}"', **checksum_elements(stored)}
        headers = [*_XML, *version_headers(stored, self._objects.buckets.versioning(call.bucket))]
        if self._objects.buckets.versioning(source.bucket):
            headers.append(("x-amz-copy-source-version-id", source.version))
        return Response(200, xml.document("CopyObjectResult", result), headers)

    def _copied_checksums(self, source: Stored, call: Call) -> dict[str, str]:
        """Return the checksums of a copy: the one asked for, else the source's, anew where it was one of parts."""
        asked = (call.header("x-amz-checksum-algorithm") or "").lower()
        names = [asked] if asked else [name for name in source.checksums if name != checksums.TYPE]
        path = self._objects.blobs.path(source.blob)
        return {name: checksums.checksum_of(name, pieces_of(path)) for name in names}

    def delete(self, call: Call) -> Response:
        """DeleteObject: of a key that is not there, it succeeds too."""
        with self._objects.lock:
            if call.header("if-match") is not None:
                check_write(self._objects.live(call.bucket, call.key), call.key, call.request.headers)
            gone = self._objects.delete(call.bucket, call.key, call.query("versionId"))
        headers = []
        if gone is not None and self._objects.buckets.versioning(call.bucket):
            headers = [("x-amz-version-id", gone.version)]
            headers += [("x-amz-delete-marker", "true")] if gone.is_marker else []
        return Response(204, b"", headers)

    def delete_many(self, call: Call) -> Response:
        """DeleteObjects: 200 whatever becomes of each key; what failed is named."""
        self._objects.buckets.require(call.bucket)
        if not call.checksums() and call.header("content-md5") is None:
            raise Failure("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        root = xml.parsed(call.body)
        named = [
            (xml.text_of(one, "Key"), xml.text_of(one, "VersionId"), xml.text_of(one, "ETag"))
            for one in root.findall("Object")
        ]
        if not 1 <= len(named) <= MAX_DELETED:
            raise malformed("The XML you provided was not well-formed or did not validate against our published schema")
        is_quiet = xml.text_of(root, "Quiet") == "true"
        deleted: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for key, version, etag in named:
            struck = call.request.strike(f"{call.bucket}/{key}")
            if struck is not None:
                message = "We encountered an internal error. Please try again."
                errors.append({"Key": key, "VersionId": version, "Code": "InternalError", "Message": message})
                continue
            try:
                deleted.append(self._deleted(call.bucket, key or "", version, etag))
            except Failure as failure:
                errors.append({"Key": key, "VersionId": version, "Code": failure.code, "Message": failure.message})
        content = {"Deleted": [] if is_quiet else deleted, "Error": errors}
        return Response(200, xml.document("DeleteResult", content), list(_XML))

    def _deleted(self, bucket: str, key: str, version: str | None, etag: str | None) -> dict[str, Any]:
        with self._objects.lock:
            if etag is not None:
                check_write(self._objects.live(bucket, key), key, {"if-match": etag})
            gone = self._objects.delete(bucket, key, version)
        told: dict[str, Any] = {"Key": key, "VersionId": version}
        if gone is not None and gone.is_marker and self._objects.buckets.versioning(bucket):
            told |= {"DeleteMarker": True, "DeleteMarkerVersionId": gone.version}
        return told

    def tagging(self, call: Call) -> Response:
        """GetObjectTagging, PutObjectTagging, DeleteObjectTagging."""
        stored = self._objects.find(call.bucket, call.key, call.query("versionId"))
        if call.request.method == "GET":
            tags = [{"Key": key, "Value": value} for key, value in stored.tags.items()]
            return Response(200, xml.document("Tagging", {"TagSet": {"Tag": tags}}), list(_XML))
        tags_now: dict[str, str] = {}
        if call.request.method == "PUT":
            pairs = [
                (xml.text_of(tag, "Key") or "", xml.text_of(tag, "Value") or "")
                for tag in xml.parsed(call.body).iter("Tag")
            ]
            tags_now = dict(pairs)
            if len(tags_now) != len(pairs) or len(pairs) > 10:
                raise bad_argument("Object tags cannot be greater than 10, and each key may be given once")
        self._objects.change(replace(stored, tags=tags_now))
        return Response(200 if call.request.method == "PUT" else 204)

    def attributes(self, call: Call) -> Response:
        """GetObjectAttributes."""
        stored = self._objects.find(call.bucket, call.key, call.query("versionId"))
        wanted = {name.strip() for name in (call.header("x-amz-object-attributes") or "").split(",")}
        found: dict[str, Any] = {
            "ETag": stored.etag,
            "Checksum": checksum_elements(stored) or None,
            "ObjectParts": {"TotalPartsCount": len(stored.parts)} if stored.parts else None,
            "StorageClass": stored.headers.get("x-amz-storage-class", "STANDARD"),
            "ObjectSize": stored.size,
        }
        content = {name: value for name, value in found.items() if name in wanted}
        headers = [*_XML, ("last-modified", http_date(stored.modified))]
        headers += version_headers(stored, self._objects.buckets.versioning(call.bucket))
        return Response(200, xml.document("GetObjectAttributesResponse", content), headers)


def checksum_elements(stored: Stored) -> dict[str, str]:
    """Return an object's checksums as XML has them."""
    found = {f"Checksum{name.upper()}": value for name, value in stored.checksums.items() if name != checksums.TYPE}
    return {**found, "ChecksumType": stored.checksums.get(checksums.TYPE, "FULL_OBJECT")} if found else {}
