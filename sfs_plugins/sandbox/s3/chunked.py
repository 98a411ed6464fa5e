"""Bodies in the aws-chunked coding: sizes and perhaps signatures between pieces, checksums behind the last."""

from __future__ import annotations

from collections.abc import Mapping

from sfs_plugins.sandbox.wire import Failure


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Tell whether a body is in pieces."""
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-") or "aws-chunked" in headers.get(
        "content-encoding", ""
    )


def decoded(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a body in pieces, and its trailing headers. Raises Failure IncompleteBody."""
    pieces: list[bytes] = []
    place = 0
    while True:
        end = body.find(b"\r\n", place)
        if end < 0:
            raise _incomplete()
        size = _size(body[place:end])
        place = end + 2
        if size == 0:
            return b"".join(pieces), _trailers(body[place:])
        pieces.append(body[place : place + size])
        if len(pieces[-1]) < size:
            raise _incomplete()
        place += size + 2


def _size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise _incomplete() from error


def _trailers(rest: bytes) -> dict[str, str]:
    lines = (line.decode("latin-1").partition(":") for line in rest.split(b"\r\n") if b":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _incomplete() -> Failure:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return Failure("IncompleteBody", message)
