"""boto3's higher layers over S3: waiters, the resource interface, transfers in parts, presigned URLs."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zlib
from importlib import import_module
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import WaiterError

from tests.sandbox.conftest import boto

pytestmark = pytest.mark.clients
MIB = 1024 * 1024
IN_PARTS = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
QUICK = {"Delay": 0.05, "MaxAttempts": 60}


@pytest.fixture(scope="module")
def resource(sandbox):
    return boto3.resource(
        "s3", endpoint_url=sandbox.endpoint, region_name=sandbox.where.region, aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )  # fmt: skip


def later(call, **given):
    """Make a call a little later, while something waits for what it does."""
    timer = threading.Timer(0.15, call, kwargs=given)
    timer.start()
    return timer


def test_each_waiter_ends_when_what_it_waits_for_comes_about(s3):
    about = {"Bucket": "waited-for"}
    steps: list[tuple[Any, dict[str, Any], str, dict[str, Any]]] = [
        (s3.create_bucket, about, "bucket_exists", about),
        (s3.put_object, {**about, "Key": "k", "Body": b"1"}, "object_exists", {**about, "Key": "k"}),
        (s3.delete_object, {**about, "Key": "k"}, "object_not_exists", {**about, "Key": "k"}),
        (s3.delete_bucket, about, "bucket_not_exists", about),
    ]

    for call, given, waiter, waited in steps:
        timer = later(call, **given)
        s3.get_waiter(waiter).wait(**waited, WaiterConfig=QUICK)
        timer.join()

    assert "waited-for" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_a_waiter_gives_up_on_what_does_not_come(s3, bucket):
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        s3.get_waiter("object_exists").wait(Bucket=bucket, Key="never", WaiterConfig={"Delay": 0.01, "MaxAttempts": 2})


def test_a_bucket_resource_lists_filters_and_deletes(resource, bucket):
    of_bucket = resource.Bucket(bucket)
    for number in range(12):
        of_bucket.put_object(Key=f"{'keep' if number % 3 == 0 else 'drop'}/{number:02}", Body=b"x")

    listed = [one.key for one in of_bucket.objects.page_size(5)]
    limited = [one.key for one in of_bucket.objects.filter(Prefix="drop/", Marker="drop/05").limit(2)]
    deleted = of_bucket.objects.filter(Prefix="drop/").delete()

    assert listed == sorted(f"{'keep' if number % 3 == 0 else 'drop'}/{number:02}" for number in range(12))
    assert limited == ["drop/07", "drop/08"]
    assert sorted(one["Key"] for one in deleted[0]["Deleted"]) == [key for key in listed if key.startswith("drop/")]
    assert [one.key for one in of_bucket.objects.all()] == ["keep/00", "keep/03", "keep/06", "keep/09"]


def test_every_version_goes_through_the_resource(resource, s3, bucket):
    of_bucket = resource.Bucket(bucket)
    of_bucket.Versioning().enable()
    for body in (b"1", b"2"):
        of_bucket.put_object(Key="k", Body=body)
    of_bucket.Object("k").delete()

    before = [(one.object_key, one.is_latest) for one in of_bucket.object_versions.all()]
    of_bucket.object_versions.filter(Prefix="k").delete()
    left = s3.list_object_versions(Bucket=bucket)
    of_bucket.delete()

    assert sorted(before) == [("k", False), ("k", False), ("k", True)]
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


def composite(algorithm, content):
    """The checksum of an object of many parts: that of its parts' checksums, and their number."""
    parts = [content[start : start + 5 * MIB] for start in range(0, len(content), 5 * MIB)]
    digests = b"".join(hashlib.new(algorithm, part).digest() for part in parts)
    return f"{base64.b64encode(hashlib.new(algorithm, digests).digest()).decode()}-{len(parts)}"


@pytest.mark.parametrize(
    ("checksum", "kind"), [("CRC32", "FULL_OBJECT"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")]
)
def test_a_transfer_in_parts_keeps_bytes_and_checksum(s3, bucket, checksum, kind):
    content = bytes(range(256)) * (11 * MIB // 256)
    kept = {"ContentType": "application/x-parquet", "Metadata": {"of": "tests"}}
    more = {"ChecksumAlgorithm": checksum, "ChecksumType": kind, **kept}

    s3.upload_fileobj(io.BytesIO(content), bucket, "large", ExtraArgs=more, Config=IN_PARTS)
    down = io.BytesIO()
    s3.download_fileobj(bucket, "large", down, Config=IN_PARTS)
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copied", Config=IN_PARTS)

    head = s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    copied = s3.get_object(Bucket=bucket, Key="copied")["Body"].read()
    whole = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    assert hashlib.sha256(down.getvalue()).digest() == hashlib.sha256(content).digest()
    assert hashlib.sha256(copied).digest() == hashlib.sha256(content).digest()
    assert head["ETag"].strip('"').endswith("-3")
    assert head["ChecksumType"] == kind
    assert head[f"Checksum{checksum}"] == (whole if checksum == "CRC32" else composite(checksum, content))
    assert {name: head[name] for name in kept} == kept
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.fixture
def with_awscrt(monkeypatch):
    """What botocore has where awscrt is not switched off, as it is in these tests."""
    from botocore import httpchecksum

    monkeypatch.setattr(httpchecksum, "HAS_CRT", True)
    monkeypatch.setattr(httpchecksum, "crt_checksums", import_module("awscrt.checksums"))
    monkeypatch.setitem(httpchecksum._CHECKSUM_CLS, "crc64nvme", httpchecksum.CrtCrc64NvmeChecksum)
    monkeypatch.setattr(httpchecksum, "_SUPPORTED_CHECKSUM_ALGORITHMS", list(httpchecksum._CHECKSUM_CLS))


def test_crc64nvme_is_sent_kept_and_checked_with_awscrt(with_awscrt, s3, bucket):
    from sfs_plugins.sandbox.s3.checksums import checksum_of

    parts = [bytes(range(256)) * (5 * MIB // 256), b"end"]
    more = {"Bucket": bucket, "ChecksumAlgorithm": "CRC64NVME"}

    put = s3.put_object(Key="short", Body=b"123456789", **more)
    upload = {"Key": "long", "UploadId": s3.create_multipart_upload(Key="long", **more)["UploadId"]}
    sent = [s3.upload_part(**upload, **more, PartNumber=number, Body=part) for number, part in enumerate(parts, 1)]
    named = [
        {"PartNumber": number, "ETag": one["ETag"], "ChecksumCRC64NVME": one["ChecksumCRC64NVME"]}
        for number, one in enumerate(sent, 1)
    ]
    done = s3.complete_multipart_upload(**upload, Bucket=bucket, MultipartUpload={"Parts": named})
    got = {key: s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED") for key in ("short", "long")}

    # botocore compares what it reads with the checksum that came along
    assert got["short"]["Body"].read() == b"123456789"
    assert got["long"]["Body"].read() == b"".join(parts)
    short, long = checksum_of("crc64nvme", [b"123456789"]), checksum_of("crc64nvme", parts)
    assert [one["ChecksumCRC64NVME"] for one in (put, got["short"], done, got["long"])] == [short, short, long, long]
    assert done["ChecksumType"] == "FULL_OBJECT"


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_a_presigned_address_reads_writes_and_deletes_without_a_client(sandbox, s3, bucket, signature):
    signer = boto(sandbox, "s3", signature_version=signature, s3={"addressing_style": "path"})
    about = {"Bucket": bucket, "Key": "by hand/é"}

    def ask(method, operation, body=None):
        address = signer.generate_presigned_url(operation, Params=about, ExpiresIn=60)
        with urlopen(Request(address, body, method=method), timeout=30) as answer:
            return answer.status, answer.read()

    written, _ = ask("PUT", "put_object", b"hello")
    read = ask("GET", "get_object")
    deleted, _ = ask("DELETE", "delete_object")

    assert (written, read, deleted) == (200, (200, b"hello"), 204)
    with pytest.raises(HTTPError, match="404"):
        ask("GET", "get_object")
