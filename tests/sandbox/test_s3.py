"""The S3 subset through boto3: objects, listings, versions, multipart, checksums, conditions, owners."""

from __future__ import annotations

import hashlib
import http.client
import io
import sys
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto

MB = 1024 * 1024


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def put(s3, bucket, *keys, body=b"x"):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def keys(s3, bucket, **request):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **request)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def test_an_object_put_is_the_object_got_with_all_that_was_said_of_it(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="dir/ä b+c?.txt", Body=b"hello", ContentType="text/plain", Metadata={"who": "me"},
        CacheControl="no-cache", Tagging="a=1&b=2%203",
    )  # fmt: skip

    got = s3.get_object(Bucket=bucket, Key="dir/ä b+c?.txt", ChecksumMode="ENABLED")

    assert got["Body"].read() == b"hello"
    assert got["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/plain", "no-cache", {"who": "me"})
    assert got["ChecksumCRC32"] == b64encode(zlib.crc32(b"hello").to_bytes(4)).decode()
    assert got["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket=bucket, Key="dir/ä b+c?.txt")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2 3"}]


def test_bytes_lie_in_the_folder_under_their_own_names(sandbox, s3, bucket):
    put(s3, bucket, "a/b.txt", body=b"seen")

    assert (sandbox.folder / "s3" / bucket / "a" / "b.txt").read_bytes() == b"seen"


def test_what_others_put_into_the_folder_is_an_object_and_what_they_remove_is_gone(sandbox, s3, bucket):
    file = sandbox.folder / "s3" / bucket / "made" / "elsewhere.txt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one")

    first = s3.get_object(Bucket=bucket, Key="made/elsewhere.txt")["Body"].read()
    other = file.with_suffix(".new")
    other.write_bytes(b"two!")
    other.replace(file)
    second = s3.head_object(Bucket=bucket, Key="made/elsewhere.txt")
    file.unlink()

    assert first == b"one"
    assert (second["ContentLength"], second["ETag"]) == (4, f'"{hashlib.md5(b"two!").hexdigest()}"')
    assert refused(s3.head_object, Bucket=bucket, Key="made/elsewhere.txt") == ("404", 404)
    assert keys(s3, bucket) == []


def test_keys_that_are_no_paths_are_keys_all_the_same(s3, bucket):
    strange = ["a", "a/b", "a/b/c", "a//b", "/lead", "end/", "..", "x/../y", "x" * 300, "tab\there"]
    put(s3, bucket, *strange)

    listed = keys(s3, bucket)

    assert listed == sorted(strange, key=str.encode)
    assert all(s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x" for key in strange)
    for key in strange:
        s3.delete_object(Bucket=bucket, Key=key)
    assert keys(s3, bucket) == []


def test_listing_pages_by_prefix_and_delimiter_in_the_order_of_bytes(s3, bucket):
    put(s3, bucket, "a.txt", "a/1", "a/2", "a/deep/3", "a0", "b/1", "ä", "Z")

    everything = keys(s3, bucket)
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    inside = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    one_by_one = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    steps = [
        [one["Key"] for one in step.get("Contents", [])] + [one["Prefix"] for one in step.get("CommonPrefixes", [])]
        for step in one_by_one
    ]

    assert everything == ["Z", "a.txt", "a/1", "a/2", "a/deep/3", "a0", "b/1", "ä"]
    assert [one["Key"] for one in page["Contents"]] == ["Z", "a.txt", "a0", "ä"]
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["a/", "b/"]
    assert page["KeyCount"] == 6
    assert [one["Key"] for one in inside["Contents"]] == ["a/1", "a/2"]
    assert inside["CommonPrefixes"] == [{"Prefix": "a/deep/"}]
    assert steps == [["Z"], ["a.txt"], ["a/"], ["a0"], ["b/"], ["ä"]]
    assert keys(s3, bucket, PaginationConfig={"PageSize": 3}) == everything
    assert keys(s3, bucket, StartAfter="a/2") == ["a/deep/3", "a0", "b/1", "ä"]


def test_the_listing_of_old_goes_on_by_marker(s3, bucket):
    put(s3, bucket, *[f"k{number:02}" for number in range(7)])

    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})

    assert [[one["Key"] for one in page["Contents"]] for page in pages] == [
        ["k00", "k01", "k02"], ["k03", "k04", "k05"], ["k06"],
    ]  # fmt: skip


def test_many_are_deleted_at_once_up_to_a_thousand_and_each_failure_is_named(s3, bucket):
    put(s3, bucket, "a", "b")
    named = [{"Key": "a"}, {"Key": "never there"}, {"Key": "b", "ETag": "0" * 32}]

    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    too_many = [{"Key": str(number)} for number in range(1001)]

    assert [one["Key"] for one in answer["Deleted"]] == ["a", "never there"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("b", "PreconditionFailed")]
    assert "Deleted" not in quiet
    assert keys(s3, bucket) == []
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": too_many}) == ("MalformedXML", 400)


def test_versions_and_delete_markers_are_kept_listed_and_purged(sandbox, s3, bucket):
    put(s3, bucket, "k", body=b"before versions")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")

    gone = refused(s3.get_object, Bucket=bucket, Key="k")
    listed = s3.list_object_versions(Bucket=bucket)
    old = s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read()
    oldest = s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read()

    assert marker["DeleteMarker"] is True
    assert gone == ("NoSuchKey", 404)
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["Versions"]] == [
        (second, False), (first, False), ("null", False),
    ]  # fmt: skip
    assert [(one["VersionId"], one["IsLatest"]) for one in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    assert (old, oldest) == (b"1", b"before versions")
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)

    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert (sandbox.folder / "s3" / bucket / "k").read_bytes() == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    every = [{"Key": "k", "VersionId": version} for version in (first, "null")]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": every})
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


def test_versions_are_listed_in_pages(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = [(key, s3.put_object(Bucket=bucket, Key=key, Body=b"")["VersionId"]) for key in "aabbb"]

    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    found = [(one["Key"], one["VersionId"]) for page in pages for one in page.get("Versions", [])]

    assert found == [made[1], made[0], made[4], made[3], made[2]]


def test_a_file_of_many_parts_goes_up_and_comes_down(s3, bucket, tmp_path):
    content = bytes(range(256)) * (20 * MB // 256)
    source = Path(tmp_path, "big")
    source.write_bytes(content)

    s3.upload_file(str(source), bucket, "big")
    fetched = io.BytesIO()
    s3.download_fileobj(bucket, "big", fetched)
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")

    assert fetched.getvalue() == content
    assert head["ETag"].endswith('-3"')
    assert head["ChecksumType"] == "COMPOSITE"


def test_parts_are_copied_named_in_order_and_not_too_small(s3, bucket):
    put(s3, bucket, "source", body=b"a" * 6 * MB)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    about = {"Bucket": bucket, "Key": "k", "UploadId": upload}

    copied = s3.upload_part_copy(
        **about, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange=f"bytes=0-{5 * MB - 1}"
    )["CopyPartResult"]
    second = s3.upload_part(**about, PartNumber=2, Body=b"tiny")
    parts = [{"PartNumber": 1, "ETag": copied["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    backwards = refused(s3.complete_multipart_upload, **about, MultipartUpload={"Parts": parts[::-1]})
    wrong = refused(
        s3.complete_multipart_upload, **about, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    )
    listed = [part["PartNumber"] for part in s3.list_parts(**about)["Parts"]]
    s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts})

    assert (backwards, wrong) == (("InvalidPartOrder", 400), ("InvalidPart", 400))
    assert listed == [1, 2]
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-6")["Body"].read() == b"aatiny"
    assert refused(s3.list_parts, **about) == ("NoSuchUpload", 404)


def test_a_copy_brings_metadata_and_can_be_pinned_to_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", Metadata={"a": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "from"}

    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    s3.copy_object(
        Bucket=bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"},
        TaggingDirective="REPLACE",
    )  # fmt: skip

    assert s3.head_object(Bucket=bucket, Key="same")["Metadata"] == {"a": "1"}
    assert s3.get_object_tagging(Bucket=bucket, Key="same")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert s3.head_object(Bucket=bucket, Key="new")["Metadata"] == {"b": "2"}
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == []
    changed = refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch='"0"')
    itself = refused(s3.copy_object, Bucket=bucket, Key="from", CopySource=source)
    missing = refused(s3.copy_object, Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "no"})
    assert (changed, itself, missing) == (("PreconditionFailed", 412), ("InvalidRequest", 400), ("NoSuchKey", 404))


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_checksum_is_kept_and_a_wrong_one_refused(sandbox, bucket, algorithm):
    from sfs_plugins.sandbox.s3.checksums import checksum_of

    s3 = boto(sandbox, "s3", request_checksum_calculation="when_required")
    member, value = f"Checksum{algorithm}", checksum_of(algorithm.lower(), [b"123456789"])

    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{member: value})
    wrong = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"12345678", **{member: value})

    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize", "StorageClass"]
    )
    assert attributes["Checksum"] == {member: value, "ChecksumType": "FULL_OBJECT"}
    assert (attributes["ObjectSize"], attributes["StorageClass"]) == (9, "STANDARD")
    assert wrong == ("BadDigest", 400)


@pytest.mark.parametrize("awscrt", [True, False], ids=["with awscrt", "without"])
def test_checksums_are_the_catalogued_ones(awscrt, monkeypatch):
    from sfs_plugins.sandbox.s3 import checksums
    from sfs_plugins.sandbox.s3.checksums import checksum_of

    monkeypatch.setattr(checksums, "_step", checksums._step.__wrapped__)
    if not awscrt:
        monkeypatch.setitem(sys.modules, "awscrt.checksums", None)

    found = {name: checksum_of(name, [b"1234", b"56789"]) for name in ("crc32", "crc32c", "crc64nvme")}

    check_values = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}
    assert found == {name: b64encode(bytes.fromhex(value)).decode() for name, value in check_values.items()}


def test_a_body_in_pieces_with_its_checksum_behind_it_is_taken_apart(sandbox, s3, bucket):
    # an unseekable stream over plain HTTP is what botocore sends in the aws-chunked coding
    from urllib.request import Request, urlopen

    body = b"5\r\nhello\r\n6;chunk-signature=00\r\n world\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % b64encode(
        zlib.crc32(b"hello world").to_bytes(4)
    )
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    headers = {
        "content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "11", "x-amz-trailer": "x-amz-checksum-crc32",
    }  # fmt: skip

    urlopen(Request(url, body, headers, method="PUT")).close()

    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello world"
    assert "ContentEncoding" not in got
    assert "ChecksumCRC32" in got


def test_conditions_guard_reads_writes_and_deletes(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    here = {"Bucket": bucket, "Key": "k"}

    assert refused(s3.get_object, **here, IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.get_object, **here, IfMatch='"0"') == ("PreconditionFailed", 412)
    assert refused(s3.put_object, **here, Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert refused(s3.put_object, **here, Body=b"2", IfMatch='"0"') == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="new", Body=b"2", IfMatch=etag) == ("NoSuchKey", 404)
    assert refused(s3.delete_object, **here, IfMatch='"0"') == ("PreconditionFailed", 412)
    s3.put_object(**here, Body=b"2", IfMatch=etag)
    assert s3.get_object(**here)["Body"].read() == b"2"


def test_ranges_are_parts_of_the_object(s3, bucket):
    put(s3, bucket, "k", body=b"0123456789")

    def part(text):
        return s3.get_object(Bucket=bucket, Key="k", Range=text)

    assert part("bytes=2-4")["Body"].read() == b"234"
    assert part("bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    assert part("bytes=8-")["Body"].read() == b"89"
    assert part("bytes=5-100")["Body"].read() == b"56789"
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == ("InvalidRange", 416)


def test_another_accounts_number_keeps_everybody_out(s3, bucket):
    put(s3, bucket, "k")
    owner, stranger = {"ExpectedBucketOwner": "123456789012"}, {"ExpectedBucketOwner": "999999999999"}

    s3.get_object(Bucket=bucket, Key="k", **owner)

    assert refused(s3.get_object, Bucket=bucket, Key="k", **stranger) == ("AccessDenied", 403)
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "k"}]}, **stranger)[1] == 403
    assert (
        refused(
            s3.copy_object,
            Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"}, ExpectedSourceBucketOwner="999999999999",
        )[1]
        == 403
    )  # fmt: skip


def test_buckets_are_made_found_and_deleted_when_empty(s3, bucket):
    put(s3, bucket, "k")

    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket) == ("404", 404)
    assert refused(s3.list_objects_v2, Bucket=bucket) == ("NoSuchBucket", 404)
    assert refused(s3.create_bucket, Bucket="Not_A_Name") == ("InvalidBucketName", 400)


def test_a_bucket_is_named_by_the_host_too(sandbox, s3, bucket):
    put(s3, bucket, "a/b", body=b"hosted")
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.where.port)

    connection.request("GET", "/a/b", headers={"Host": f"{bucket}.s3.us-east-1.amazonaws.com"})

    assert connection.getresponse().read() == b"hosted"
    connection.close()
