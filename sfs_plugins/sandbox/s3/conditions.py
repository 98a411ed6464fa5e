"""Conditional requests: what a client says must hold of an object before it is read, written over or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from sfs_plugins.sandbox.s3.failures import no_such_key, precondition_failed
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.wire import Failure


def _etags(text: str) -> list[str]:
    return [part.strip().strip('"') for part in text.split(",")]


def _is_one_of(stored: Stored, text: str) -> bool:
    return text.strip() == "*" or stored.etag in _etags(text)


def _is_newer(stored: Stored, text: str) -> bool | None:
    """Tell whether an object was modified after a date; None where the date is not understood, and so ignored."""
    try:
        since: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return stored.modified // 1_000_000_000 > since.timestamp()


def check_read(stored: Stored, headers: Mapping[str, str], prefix: str = "") -> None:
    """Raise Failure (304 or 412) unless an object may be read under a request's conditions."""
    if_match, if_none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    modified, unmodified = headers.get(f"{prefix}if-modified-since"), headers.get(f"{prefix}if-unmodified-since")
    not_modified = precondition_failed("If-None-Match") if prefix else Failure("NotModified", "Not Modified", 304)
    if if_match is not None and not _is_one_of(stored, if_match):
        raise precondition_failed("If-Match")
    if if_match is None and unmodified is not None and _is_newer(stored, unmodified):
        raise precondition_failed("If-Unmodified-Since")
    if if_none_match is not None and _is_one_of(stored, if_none_match):
        raise not_modified
    if if_none_match is None and modified is not None and _is_newer(stored, modified) is False:
        raise not_modified


def check_write(stored: Stored | None, key: str, headers: Mapping[str, str]) -> None:
    """Raise Failure (412, or 404 for a match against nothing) unless an object may be written over or deleted."""
    if_match, if_none_match = headers.get("if-match"), headers.get("if-none-match")
    if if_match is not None:
        if stored is None:
            raise no_such_key(key)
        if not _is_one_of(stored, if_match):
            raise precondition_failed("If-Match")
    if if_none_match is not None and stored is not None and _is_one_of(stored, if_none_match):
        raise precondition_failed("If-None-Match")


def byte_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return start and length of a `Range` header, None for all. Raises Failure 416 for one outside the object."""
    if text is None or not text.startswith("bytes=") or "," in text:
        return None
    first, dash, last = text.removeprefix("bytes=").partition("-")
    if not dash or not (first or last) or not (first + last).isdigit():
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or (not first and int(last) == 0):
        raise Failure("InvalidRange", "The requested range is not satisfiable", 416, ActualObjectSize=str(size))
    return None if end < start else (start, end - start + 1)
