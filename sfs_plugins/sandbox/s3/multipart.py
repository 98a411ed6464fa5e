"""Multipart uploads: parts put or copied, in any order, until the upload is completed or aborted."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sfs_plugins.sandbox.s3 import checksums, xml
from sfs_plugins.sandbox.s3.blobs import Blob, pieces_of
from sfs_plugins.sandbox.s3.call import Call, version_headers
from sfs_plugins.sandbox.s3.conditions import byte_range
from sfs_plugins.sandbox.s3.failures import bad_argument, no_such_upload
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.s3.object_operations import ObjectOperations, checksum_elements, iso
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.wire import Failure, Response

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PARTS = 10_000
_PAGE = 1000
_XML = [("content-type", "application/xml")]


@dataclass(frozen=True)
class Part:
    """A part that has been put."""

    number: int
    blob: str
    etag: str
    size: int
    modified: int
    checksums: dict[str, str]


class Multipart:
    """The operations on multipart uploads."""

    def __init__(self, objects: Objects, operations: ObjectOperations) -> None:
        self._objects, self._operations = objects, operations

    def create(self, call: Call) -> Response:
        """CreateMultipartUpload."""
        self._objects.buckets.require(call.bucket)
        algorithm = (call.header("x-amz-checksum-algorithm") or "").lower()
        definition: dict[str, Any] = {
            "headers": call.kept_headers(),
            "tags": call.tags(),
            "algorithm": algorithm,
            "type": call.header("x-amz-checksum-type") or ("FULL_OBJECT" if algorithm == "crc64nvme" else "COMPOSITE"),
        }
        upload = secrets.token_urlsafe(32)
        with self._objects.state.writing() as connection:
            row = (upload, call.bucket, call.key.encode(), time.time_ns(), json.dumps(definition))
            connection.execute("INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?)", row)
        headers = [("x-amz-checksum-algorithm", algorithm.upper()), ("x-amz-checksum-type", definition["type"])]
        content = {"Bucket": call.bucket, "Key": call.key, "UploadId": upload}
        body = xml.document("InitiateMultipartUploadResult", content)
        return Response(200, body, [*_XML, *(headers if algorithm else [])])

    def _upload(self, call: Call) -> tuple[str, dict[str, Any]]:
        upload = call.query("uploadId") or ""
        query = "SELECT definition FROM s3_uploads WHERE id = ? AND bucket = ? AND key = ?"
        with self._objects.state.reading() as connection:
            row = connection.execute(query, (upload, call.bucket, call.key.encode())).fetchone()
        if row is None:
            raise no_such_upload(upload)
        return upload, json.loads(row[0])

    def put_part(self, call: Call) -> Response:
        """UploadPart."""
        upload, definition = self._upload(call)
        found = call.checksums()
        algorithm = definition["algorithm"]
        if algorithm and algorithm not in found:
            found[algorithm] = checksums.checksum_of(algorithm, [call.body])
        part = self._keep(upload, call, self._objects.blobs.write([call.body]), found)
        headers = [("etag", f'"{part.etag}"'), *((checksums.PREFIX + name, value) for name, value in found.items())]
        return Response(200, b"", headers)

    def copy_part(self, call: Call) -> Response:
        """UploadPartCopy: the bytes of an object, or a range of them, as a part."""
        upload, definition = self._upload(call)
        source = self._operations.source(call)
        start, length = byte_range(call.header("x-amz-copy-source-range"), source.size) or (0, source.size)
        blob = self._objects.blobs.write(pieces_of(self._objects.blobs.path(source.blob), start, length))
        algorithm = definition["algorithm"]
        path = self._objects.blobs.path(blob.name)
        found = {algorithm: checksums.checksum_of(algorithm, pieces_of(path))} if algorithm else {}
        part = self._keep(upload, call, blob, found)
        content = {"LastModified": iso(part.modified), "ETag": f'"{part.etag}"'}
        content |= {f"Checksum{name.upper()}": value for name, value in found.items()}
        return Response(200, xml.document("CopyPartResult", content), list(_XML))

    def _keep(self, upload: str, call: Call, blob: Blob, found: dict[str, str]) -> Part:
        number = call.number("partNumber", MAX_PARTS + 1)
        if not 1 <= number <= MAX_PARTS:
            self._objects.blobs.drop([blob.name])
            raise bad_argument("Part number must be an integer between 1 and 10000, inclusive")
        definition = {"etag": blob.md5, "size": blob.size, "modified": time.time_ns(), "checksums": found}
        with self._objects.lock:
            before = {part.number: part.blob for part in self._parts(upload)}
            with self._objects.state.writing() as connection:
                row = (upload, number, blob.name, json.dumps(definition))
                connection.execute("INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?)", row)
            self._objects.blobs.drop([before.get(number, "")])
        return Part(number, blob.name, **definition)  # type: ignore[arg-type]

    def _parts(self, upload: str) -> list[Part]:
        query = "SELECT part, blob, definition FROM s3_parts WHERE upload = ? ORDER BY part"
        with self._objects.state.reading() as connection:
            rows = connection.execute(query, (upload,)).fetchall()
        return [Part(number, blob, **json.loads(definition)) for number, blob, definition in rows]

    def complete(self, call: Call) -> Response:
        """CompleteMultipartUpload: the parts named become the object, in their order."""
        upload, definition = self._upload(call)
        chosen = self._chosen(call, self._parts(upload))
        blob = self._objects.blobs.write(piece for part in chosen for piece in self._bytes(part))
        etag = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in chosen), usedforsecurity=False).hexdigest()
        made = Stored(
            call.bucket, call.key, "", blob.name, etag=f"{etag}-{len(chosen)}", size=blob.size,
            headers=definition["headers"], checksums=self._checksums(definition, chosen, blob), tags=definition["tags"],
            parts=tuple(part.size for part in chosen),
        )  # fmt: skip
        stored = self._operations.put_blob(made, call)
        self._forget(upload)
        content = {"Location": f"/{call.bucket}/{call.key}", "Bucket": call.bucket, "Key": call.key}
        content |= {"ETag": f'"{stored.etag}"', **checksum_elements(stored)}
        headers = [*_XML, *version_headers(stored, self._objects.buckets.versioning(call.bucket))]
        return Response(200, xml.document("CompleteMultipartUploadResult", content), headers)

    def _bytes(self, part: Part) -> Iterable[bytes]:
        return pieces_of(self._objects.blobs.path(part.blob))

    def _chosen(self, call: Call, parts: list[Part]) -> list[Part]:
        named = [
            (int(xml.text_of(one, "PartNumber") or 0), (xml.text_of(one, "ETag") or "").strip('"'))
            for one in xml.parsed(call.body).findall("Part")
        ]
        numbers = [number for number, _ in named]
        if not named or sorted(set(numbers)) != numbers:
            raise Failure("InvalidPartOrder", "The list of parts was not in ascending order.")
        by_number = {part.number: part for part in parts}
        if any(number not in by_number or by_number[number].etag != etag for number, etag in named):
            raise Failure("InvalidPart", "One or more of the specified parts could not be found.")
        chosen = [by_number[number] for number in numbers]
        if any(part.size < MIN_PART_BYTES for part in chosen[:-1]):
            raise Failure("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        return chosen

    def _checksums(self, definition: dict[str, Any], chosen: list[Part], blob: Blob) -> dict[str, str]:
        algorithm = definition["algorithm"]
        if not algorithm:
            return {}
        if definition["type"] == "FULL_OBJECT":
            value = checksums.checksum_of(algorithm, pieces_of(self._objects.blobs.path(blob.name)))
        else:
            value = checksums.composite(algorithm, [part.checksums[algorithm] for part in chosen])
        return {algorithm: value, checksums.TYPE: definition["type"]}

    def abort(self, call: Call) -> Response:
        """AbortMultipartUpload."""
        self._forget(self._upload(call)[0])
        return Response(204)

    def _forget(self, upload: str) -> None:
        parts = self._parts(upload)
        with self._objects.state.writing() as connection:
            connection.execute("DELETE FROM s3_parts WHERE upload = ?", (upload,))
            connection.execute("DELETE FROM s3_uploads WHERE id = ?", (upload,))
        self._objects.blobs.drop(part.blob for part in parts)

    def list_parts(self, call: Call) -> Response:
        """ListParts."""
        upload, _ = self._upload(call)
        after, count = call.number("part-number-marker", MAX_PARTS), call.number("max-parts", _PAGE)
        if call.query("part-number-marker") is None:
            after = 0
        parts = [part for part in self._parts(upload) if part.number > after]
        shown = [
            {"PartNumber": p.number, "LastModified": iso(p.modified), "ETag": f'"{p.etag}"', "Size": p.size}
            for p in parts[:count]
        ]
        is_truncated = len(parts) > count
        content = {
            "Bucket": call.bucket, "Key": call.key, "UploadId": upload, "MaxParts": count, "Part": shown,
            "PartNumberMarker": after, "IsTruncated": is_truncated,
            "NextPartNumberMarker": parts[count - 1].number if is_truncated and count else None,
        }  # fmt: skip
        return Response(200, xml.document("ListPartsResult", content), list(_XML))

    def list_uploads(self, call: Call) -> Response:
        """ListMultipartUploads: by key, those of one key in the order they were begun."""
        self._objects.buckets.require(call.bucket)
        prefix, count = call.query("prefix") or "", call.number("max-uploads", _PAGE)
        found = [one for one in self._uploads(call.bucket, prefix) if self._is_after(call, one)]
        uploads = [
            {"Key": call.encoded(key), "UploadId": upload, "Initiated": iso(started), "StorageClass": "STANDARD"}
            for key, started, upload in found[:count]
        ]
        content: dict[str, Any] = {
            "Bucket": call.bucket, "Prefix": call.encoded(prefix), "KeyMarker": call.query("key-marker") or "",
            "UploadIdMarker": call.query("upload-id-marker") or "", "MaxUploads": count,
            "EncodingType": call.query("encoding-type"), "IsTruncated": len(found) > count, "Upload": uploads,
        }  # fmt: skip
        if len(found) > count and count:
            content |= {"NextKeyMarker": uploads[-1]["Key"], "NextUploadIdMarker": uploads[-1]["UploadId"]}
        return Response(200, xml.document("ListMultipartUploadsResult", content), list(_XML))

    def _uploads(self, bucket: str, prefix: str) -> list[tuple[str, int, str]]:
        query = "SELECT key, started, id FROM s3_uploads WHERE bucket = ? ORDER BY key, started, id"
        with self._objects.state.reading() as connection:
            rows = connection.execute(query, (bucket,)).fetchall()
        return [(key.decode(), started, upload) for key, started, upload in rows if key.decode().startswith(prefix)]

    def _is_after(self, call: Call, upload: tuple[str, int, str]) -> bool:
        """Tell whether an upload follows the marks of a page: a key, and perhaps one of the key's uploads."""
        key, mark = call.query("key-marker") or "", call.query("upload-id-marker")
        if upload[0] != key or not mark:
            return upload[0].encode() > key.encode()
        of_key = [one for one in self._uploads(call.bucket, key) if one[0] == key]
        place = next((number for number, one in enumerate(of_key) if one[2] == mark), len(of_key))
        return of_key.index(upload) > place
