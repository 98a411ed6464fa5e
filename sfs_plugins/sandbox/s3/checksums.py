"""S3's checksums: of a request's body against its header or trailer, and of objects made of parts."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from sfs_plugins.sandbox.wire import Failure

PREFIX: Final = "x-amz-checksum-"
TYPE: Final = "type"
"""The name under which the kind of checksum (COMPOSITE or FULL_OBJECT) is kept beside the checksums."""
_HASHES = ("sha1", "sha256", "sha512", "md5")
ALGORITHMS: Final = ("crc32", "crc32c", "crc64nvme", *_HASHES)
# reflected polynomials, and widths in bits
_POLYNOMIALS = {"crc32c": (0x82F63B78, 32), "crc64nvme": (0x9A6C9329AC4BC9B5, 64)}


class Digest(Protocol):
    """A checksum being computed."""

    def update(self, piece: bytes) -> None:
        """Take more bytes in."""
        ...

    def text(self) -> str:
        """Return the checksum in base64, as it is written in headers."""
        ...


class _Hash:
    def __init__(self, name: str) -> None:
        self._hash = hashlib.new(name, usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)

    def text(self) -> str:
        return base64.b64encode(self._hash.digest()).decode()


class _Crc:
    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step, self._size, self._value = step, size, 0

    def update(self, piece: bytes) -> None:
        self._value = self._step(piece, self._value)

    def text(self) -> str:
        return base64.b64encode(self._value.to_bytes(self._size)).decode()


def digest(algorithm: str) -> Digest:
    """Return a checksum to be computed. Raises Failure for an algorithm that is not served."""
    if algorithm == "crc32":
        return _Crc(zlib.crc32, 4)
    if algorithm in _HASHES:
        return _Hash(algorithm)
    if algorithm in _POLYNOMIALS:
        return _Crc(_step(algorithm), _POLYNOMIALS[algorithm][1] // 8)
    raise Failure("InvalidRequest", f"this sandbox does not serve the checksum algorithm {algorithm.upper()}")


def checksum_of(algorithm: str, pieces: Iterable[bytes]) -> str:
    """Return a checksum in base64."""
    computed = digest(algorithm)
    for piece in pieces:
        computed.update(piece)
    return computed.text()


def composite(algorithm: str, parts: Iterable[str]) -> str:
    """Return the checksum of parts' checksums, with the number of parts behind it."""
    texts = list(parts)
    return f"{checksum_of(algorithm, (base64.b64decode(text) for text in texts))}-{len(texts)}"


@cache
def _step(algorithm: str) -> Callable[[bytes, int], int]:
    """Return the function that goes on with a CRC: awscrt's where it is installed, else one by a table."""
    try:
        fast: Any = import_module("awscrt.checksums")
    except ImportError:
        return _by_table(*_POLYNOMIALS[algorithm])
    found = getattr(fast, algorithm)
    return lambda piece, value: int(found(piece, value))


def _by_table(polynomial: int, width: int) -> Callable[[bytes, int], int]:
    table = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    ones = (1 << width) - 1

    def step(piece: bytes, value: int) -> int:
        value ^= ones
        for byte in piece:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        return value ^ ones

    return step


def given(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the checksums that headers (or trailers) name, by algorithm."""
    return {name: headers[PREFIX + name] for name in ALGORITHMS if headers.get(PREFIX + name)}


def check(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return the checksums to keep for a body: those given, which must hold. Raises Failure BadDigest.

    One that is only asked for (`x-amz-sdk-checksum-algorithm` without a value) is computed.
    """
    md5 = headers.get("content-md5")
    if md5 is not None and md5 != checksum_of("md5", [body]):
        raise Failure("BadDigest", "The Content-MD5 you specified did not match what we received.")
    named = given(headers)
    for algorithm, value in named.items():
        if checksum_of(algorithm, [body]) != value:
            message = f"The {algorithm.upper()} you specified did not match the calculated checksum."
            raise Failure("BadDigest", message)
    asked = headers.get("x-amz-sdk-checksum-algorithm", "").lower()
    if asked and not named:
        named[asked] = checksum_of(asked, [body])
    return named
