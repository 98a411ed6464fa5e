"""Operations on buckets: made, listed, deleted, their versioning; their keys and versions a page at a time."""

from __future__ import annotations

from typing import Any

from sfs_plugins.sandbox.s3 import xml
from sfs_plugins.sandbox.s3.call import Call
from sfs_plugins.sandbox.s3.failures import bad_argument, malformed
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.s3.listing import page, version_page
from sfs_plugins.sandbox.s3.object_operations import iso
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure, Response

MAX_KEYS = 1000
_XML = [("content-type", "application/xml")]


class BucketOperations:
    """The operations on buckets."""

    def __init__(self, objects: Objects, tokens: Tokens, account: str, region: str) -> None:
        self._objects, self._tokens, self._account, self._region = objects, tokens, account, region
        self._buckets = objects.buckets
        self._owner = {"ID": account.rjust(64, "0"), "DisplayName": account}

    def list_all(self, call: Call) -> Response:
        """ListBuckets."""
        prefix = call.query("prefix") or ""
        buckets = [
            {"Name": name, "CreationDate": iso(created), "BucketRegion": self._region}
            for name, created in self._buckets.all()
            if name.startswith(prefix)
        ]
        content = {"Buckets": {"Bucket": buckets}, "Owner": self._owner}
        return Response(200, xml.document("ListAllMyBucketsResult", content), list(_XML))

    def create(self, call: Call) -> Response:
        """CreateBucket: a second time, in us-east-1 nothing happens, elsewhere it fails."""
        if call.body:
            constraint = xml.text_of(xml.parsed(call.body), "LocationConstraint")
            if constraint and constraint != self._region:
                message = f"The {constraint} location constraint is incompatible for the region specific endpoint."
                raise Failure("IllegalLocationConstraintException", message)
        if self._buckets.exists(call.bucket) and self._region != "us-east-1":
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise Failure("BucketAlreadyOwnedByYou", message, 409, BucketName=call.bucket)
        self._buckets.create(call.bucket)
        if call.header("x-amz-bucket-object-lock-enabled") == "true":
            self._buckets.set_versioning(call.bucket, "Enabled")
        return Response(200, b"", [("location", f"/{call.bucket}")])

    def head(self, call: Call) -> Response:
        """HeadBucket."""
        self._buckets.require(call.bucket)
        return Response(200, b"", [("x-amz-bucket-region", self._region)])

    def delete(self, call: Call) -> Response:
        """DeleteBucket."""
        self._buckets.delete(call.bucket)
        return Response(204)

    def location(self, call: Call) -> Response:
        """GetBucketLocation: nothing for us-east-1."""
        self._buckets.require(call.bucket)
        region = "" if self._region == "us-east-1" else self._region
        return Response(200, xml.document("LocationConstraint", region), list(_XML))

    def versioning(self, call: Call) -> Response:
        """GetBucketVersioning and PutBucketVersioning."""
        self._buckets.require(call.bucket)
        if call.request.method == "GET":
            status = self._buckets.versioning(call.bucket) or None
            return Response(200, xml.document("VersioningConfiguration", {"Status": status}), list(_XML))
        status = xml.text_of(xml.parsed(call.body), "Status")
        if status not in ("Enabled", "Suspended"):
            raise malformed("Status must be Enabled or Suspended")
        self._buckets.set_versioning(call.bucket, status)
        return Response(200)

    def acl(self, call: Call) -> Response:
        """GetBucketAcl and GetObjectAcl: the account owns everything."""
        self._buckets.require(call.bucket)
        grant = {"Grantee": {**self._owner}, "Permission": "FULL_CONTROL"}
        content = {"Owner": self._owner, "AccessControlList": {"Grant": grant}}
        return Response(200, xml.document("AccessControlPolicy", content), list(_XML))

    def list_objects(self, call: Call) -> Response:
        """ListObjectsV2, and ListObjects of old."""
        self._buckets.require(call.bucket)
        prefix, delimiter = call.query("prefix") or "", call.query("delimiter") or ""
        is_second, count = call.query("list-type") == "2", call.number("max-keys", MAX_KEYS)
        after = self._after(call) if is_second else call.query("marker") or ""
        found = page(self._objects, call.bucket, prefix, delimiter, after, count)
        encoded = call.encoded
        content: dict[str, Any] = {
            "Name": call.bucket, "Prefix": encoded(prefix), "Delimiter": encoded(delimiter) or None, "MaxKeys": count,
            "EncodingType": call.query("encoding-type"), "IsTruncated": found.last is not None,
        }  # fmt: skip
        if is_second:
            token = None if found.last is None else self._tokens.make(_about(call), found.last)
            content |= {"KeyCount": len(found.objects) + len(found.prefixes), "NextContinuationToken": token}
            start = call.query("start-after")
            content |= {"ContinuationToken": call.query("continuation-token"), "StartAfter": start and encoded(start)}
        else:
            content |= {"Marker": encoded(after), "NextMarker": found.last and encoded(found.last)}
        content["Contents"] = [self._listed(stored, encoded(stored.key)) for stored in found.objects]
        content["CommonPrefixes"] = [{"Prefix": encoded(one)} for one in found.prefixes]
        return Response(200, xml.document("ListBucketResult", content), list(_XML))

    def _after(self, call: Call) -> str:
        token = call.query("continuation-token")
        if token is None:
            return call.query("start-after") or ""
        try:
            return str(self._tokens.read(_about(call), token))
        except BadToken as error:
            raise bad_argument("The continuation token provided is incorrect") from error

    def _listed(self, stored: Stored, key: str) -> dict[str, Any]:
        return {
            "Key": key, "LastModified": iso(stored.modified), "ETag": f'"{stored.etag}"', "Size": stored.size,
            "ChecksumAlgorithm": [name.upper() for name in stored.checksums if name != "type"],
            "StorageClass": stored.headers.get("x-amz-storage-class", "STANDARD"),
        }  # fmt: skip

    def list_versions(self, call: Call) -> Response:
        """ListObjectVersions: versions and delete markers, newest of each key first."""
        self._buckets.require(call.bucket)
        prefix, count = call.query("prefix") or "", call.number("max-keys", MAX_KEYS)
        if call.query("delimiter"):
            raise Failure("NotImplemented", "this sandbox lists versions without a delimiter only", 501)
        markers = (call.query("key-marker") or "", call.query("version-id-marker") or "")
        found, is_truncated = version_page(self._objects, call.bucket, prefix, *markers, count)
        encoded = call.encoded
        content: dict[str, Any] = {
            "Name": call.bucket, "Prefix": encoded(prefix), "KeyMarker": encoded(markers[0]),
            "VersionIdMarker": markers[1], "MaxKeys": count, "EncodingType": call.query("encoding-type"),
            "IsTruncated": is_truncated,
        }  # fmt: skip
        if is_truncated and found:
            content |= {"NextKeyMarker": encoded(found[-1].key), "NextVersionIdMarker": found[-1].version}
        for name, is_marker in (("Version", False), ("DeleteMarker", True)):
            content[name] = [self._version(one, encoded(one.key)) for one in found if one.is_marker is is_marker]
        return Response(200, xml.document("ListVersionsResult", content), list(_XML))

    def _version(self, stored: Stored, key: str) -> dict[str, Any]:
        told = {"Key": key, "VersionId": stored.version, "IsLatest": stored.is_latest}
        told |= {"LastModified": iso(stored.modified), "Owner": self._owner}
        return told if stored.is_marker else {**self._listed(stored, key), **told}


def _about(call: Call) -> str:
    return f"objects {call.bucket} {call.query('prefix')} {call.query('delimiter')}"
