"""S3's routes: which operation a method, a key and a sub-resource are, and the XML of failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from sfs_plugins.sandbox.s3 import xml
from sfs_plugins.sandbox.s3.blobs import Blobs
from sfs_plugins.sandbox.s3.bucket_operations import BucketOperations
from sfs_plugins.sandbox.s3.buckets import Buckets
from sfs_plugins.sandbox.s3.call import Call
from sfs_plugins.sandbox.s3.multipart import Multipart
from sfs_plugins.sandbox.s3.object_operations import ObjectOperations
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.wire import Failure, Request, Response

_UNSET = {
    "policy": "NoSuchBucketPolicy", "lifecycle": "NoSuchLifecycleConfiguration", "tagging": "NoSuchTagSet",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError", "cors": "NoSuchCORSConfiguration",
    "object-lock": "ObjectLockConfigurationNotFoundError", "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControlsNotFoundError", "replication": "ReplicationConfigurationNotFoundError",
}  # fmt: skip
_BUCKET = {
    "GET": {"location": "GetBucketLocation", "versioning": "GetBucketVersioning", "acl": "GetBucketAcl",
            "versions": "ListObjectVersions", "uploads": "ListMultipartUploads"},
    "PUT": {"versioning": "PutBucketVersioning"},
    "POST": {"delete": "DeleteObjects"},
}  # fmt: skip
_OBJECT = {
    "GET": {"tagging": "GetObjectTagging", "attributes": "GetObjectAttributes", "uploadId": "ListParts",
            "acl": "GetObjectAcl"},
    "PUT": {"tagging": "PutObjectTagging", "uploadId": "UploadPart"},
    "POST": {"uploads": "CreateMultipartUpload", "uploadId": "CompleteMultipartUpload"},
    "DELETE": {"tagging": "DeleteObjectTagging", "uploadId": "AbortMultipartUpload"},
}  # fmt: skip
_PLAIN_BUCKET = {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}
_PLAIN_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
# sub-resources that ask for something this sandbox does not keep
_KNOWN = frozenset({*_UNSET, "policyStatus", "logging", "notification", "website", "accelerate", "requestPayment",
                    "inventory", "analytics", "metrics", "retention", "legal-hold", "restore", "select", "torrent",
                    "intelligent-tiering"})  # fmt: skip


class S3Service:
    """Answers S3's requests."""

    name = "s3"

    def __init__(self, state: State, tokens: Tokens, account: str, region: str, pool: Executor) -> None:
        self._account, self._pool = account, pool
        self.buckets = Buckets(state)
        self.objects = Objects(state, Blobs(state.folder), self.buckets)
        of_buckets = BucketOperations(self.objects, tokens, account, region)
        of_objects = ObjectOperations(self.objects, account)
        parts = Multipart(self.objects, of_objects)
        self._operations: dict[str, Callable[[Call], Response]] = {
            "ListBuckets": of_buckets.list_all, "CreateBucket": of_buckets.create, "HeadBucket": of_buckets.head,
            "DeleteBucket": of_buckets.delete, "GetBucketLocation": of_buckets.location,
            "GetBucketVersioning": of_buckets.versioning, "PutBucketVersioning": of_buckets.versioning,
            "GetBucketAcl": of_buckets.acl, "GetObjectAcl": of_buckets.acl, "ListObjectsV2": of_buckets.list_objects,
            "ListObjects": of_buckets.list_objects, "ListObjectVersions": of_buckets.list_versions,
            "PutObject": of_objects.put, "GetObject": of_objects.get, "HeadObject": of_objects.get,
            "CopyObject": of_objects.copy, "DeleteObject": of_objects.delete, "DeleteObjects": of_objects.delete_many,
            "GetObjectTagging": of_objects.tagging, "PutObjectTagging": of_objects.tagging,
            "DeleteObjectTagging": of_objects.tagging, "GetObjectAttributes": of_objects.attributes,
            "CreateMultipartUpload": parts.create, "UploadPart": parts.put_part, "UploadPartCopy": parts.copy_part,
            "CompleteMultipartUpload": parts.complete, "AbortMultipartUpload": parts.abort,
            "ListParts": parts.list_parts, "ListMultipartUploads": parts.list_uploads,
        }  # fmt: skip

    def operation_of(self, request: Request) -> str:
        """Return the operation's name; for a sub-resource that is not served, its name."""
        call = Call.of(request)
        method, names = request.method, request.parameters
        if not call.bucket:
            return "ListBuckets" if method == "GET" else ""
        copies = "x-amz-copy-source" in request.headers
        served, plain = (_OBJECT, _PLAIN_OBJECT) if call.key else (_BUCKET, _PLAIN_BUCKET)
        for name, operation in served.get(method, {}).items():
            if name in names:
                return "UploadPartCopy" if operation == "UploadPart" and copies else operation
        unserved = next((name for name in names if name in _KNOWN), None)
        if unserved is not None:
            return f"?{unserved}"
        if method == "GET" and not call.key:
            return "ListObjectsV2" if names.get("list-type") == ["2"] else "ListObjects"
        operation = plain.get(method, "")
        return "CopyObject" if operation == "PutObject" and copies else operation

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        call = Call.of(request)
        owner = request.headers.get("x-amz-expected-bucket-owner")
        if owner is not None and owner != self._account:
            raise Failure("AccessDenied", "Access Denied", 403)
        run = self._operations.get(operation)
        if run is None:
            raise self._unserved(call, operation)
        return await asyncio.get_running_loop().run_in_executor(self._pool, run, call)

    def _unserved(self, call: Call, operation: str) -> Failure:
        if call.bucket:
            self.buckets.require(call.bucket)
        name = operation.removeprefix("?")
        if call.request.method == "GET" and name in _UNSET and not call.key:
            return Failure(_UNSET[name], f"The {name} configuration does not exist", 404, BucketName=call.bucket)
        message = f"A header or parameter you provided implies functionality that is not served: {name}"
        return Failure("NotImplemented", message, 501)

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure; one to HEAD has no body."""
        headers = [(name, value) for name, value in failure.fields.items() if name.startswith("x-amz-")]
        if failure.status == 304:
            return Response(304, b"", headers)
        fields = {name: value for name, value in failure.fields.items() if not name.startswith("x-amz-")}
        content = {"Code": failure.code, "Message": failure.message, **fields, "RequestId": request.id}
        if "Region" in fields:
            headers.append(("x-amz-bucket-region", fields["Region"]))
        body = xml.document("Error", content).replace(b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', b"")
        return Response(failure.status, body, [("content-type", "application/xml"), *headers])
