"""One S3 request as its operations see it: bucket, key, body decoded and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from urllib.parse import parse_qsl, quote, unquote

from sfs_plugins.sandbox.s3 import checksums, chunked
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.wire import Failure, Request

_VIRTUAL = re.compile(r"(.+?)\.(?:s3[.-].+|s3|localhost)(?::\d+)?")
_KEPT = (
    "content-type", "content-disposition", "content-language", "cache-control", "expires", "x-amz-storage-class",
    "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled", "x-amz-website-redirect-location",
)  # fmt: skip
MAX_KEY_BYTES = 1024


@dataclass
class Call:
    """A request for a bucket (empty for the service itself) and a key (empty for the bucket itself)."""

    request: Request
    bucket: str
    key: str

    @classmethod
    def of(cls, request: Request) -> Call:
        """Return the call of a request, path style or virtual host."""
        virtual = _VIRTUAL.fullmatch(request.headers.get("host", ""))
        path = request.path.removeprefix("/")
        bucket, rest = (virtual[1], path) if virtual else (path.partition("/")[0], path.partition("/")[2])
        key = unquote(rest, errors="strict")
        if len(key.encode()) > MAX_KEY_BYTES:
            raise Failure("KeyTooLongError", "Your key is too long", MaxSizeAllowed=str(MAX_KEY_BYTES))
        return cls(request, unquote(bucket), key)

    def header(self, name: str) -> str | None:
        """Return a header."""
        return self.request.headers.get(name)

    def query(self, name: str) -> str | None:
        """Return a parameter of the query, None where it is not there."""
        values = self.request.parameters.get(name)
        return None if values is None else values[0]

    def number(self, name: str, default: int) -> int:
        """Return a parameter that is a number from 0 on. Raises Failure."""
        text = self.query(name) or str(default)
        if not text.isdigit():
            raise Failure("InvalidArgument", f"Provided {name} not an integer or within integer range")
        return min(int(text), default)

    def encoded(self, text: str) -> str:
        """Return a key or prefix as the answer to a listing has it: percent-encoded if the client asked for that."""
        return quote(text, safe="/") if self.query("encoding-type") == "url" else text

    @cached_property
    def _decoded(self) -> tuple[bytes, dict[str, str]]:
        if chunked.is_chunked(self.request.headers):
            return chunked.decoded(self.request.body)
        return self.request.body, {}

    @property
    def body(self) -> bytes:
        """The body's own bytes."""
        return self._decoded[0]

    def checksums(self) -> dict[str, str]:
        """Return the checksums of the body to keep. Raises Failure BadDigest."""
        return checksums.check({**self.request.headers, **self._decoded[1]}, self.body)

    def kept_headers(self) -> dict[str, str]:
        """Return what of the headers an object keeps: the content's own, metadata, encryption."""
        headers = self.request.headers
        kept = {name: headers[name] for name in _KEPT if name in headers}
        kept |= {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
        coding = ",".join(
            p for p in headers.get("content-encoding", "").split(",") if p.strip() not in ("aws-chunked", "")
        )
        if coding:
            kept["content-encoding"] = coding
        kept.setdefault("content-type", "binary/octet-stream")
        return {"x-amz-server-side-encryption": "AES256", **kept}

    def tags(self) -> dict[str, str]:
        """Return the tags that a header gives."""
        return dict(parse_qsl(self.header("x-amz-tagging") or "", keep_blank_values=True))


def http_date(nanoseconds: int) -> str:
    """Return a time as HTTP headers have it."""
    return formatdate(nanoseconds // 1_000_000_000, usegmt=True)


def version_headers(stored: Stored, versioning: str) -> list[tuple[str, str]]:
    """Return the header that names a version, in buckets that keep them."""
    return [("x-amz-version-id", stored.version)] if versioning else []


def encryption_headers(stored: Stored) -> list[tuple[str, str]]:
    """Return the headers about encryption."""
    prefix = "x-amz-server-side-encryption"
    return [(name, value) for name, value in stored.headers.items() if name.startswith(prefix)]


def checksum_headers(stored: Stored) -> list[tuple[str, str]]:
    """Return an object's checksums as headers."""
    found = [(checksums.PREFIX + name, value) for name, value in stored.checksums.items()]
    return (
        found
        if found == [] or checksums.TYPE in stored.checksums
        else [*found, (checksums.PREFIX + "type", "FULL_OBJECT")]
    )
