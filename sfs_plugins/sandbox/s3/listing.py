"""Keys of a bucket in the order of their bytes: folder and index merged, by prefix, delimiter and page."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sfs_plugins.sandbox.s3 import index
from sfs_plugins.sandbox.s3.index import Stored
from sfs_plugins.sandbox.s3.objects import Objects

_PAGE_KEYS = 1000
_LAST = "\U0010ffff"


@dataclass
class Page:
    """One page of a listing. `last` is the key or common prefix it ends with; None where nothing follows it."""

    objects: list[Stored] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str | None = None


def keys(objects: Objects, bucket: str, prefix: str, after: str) -> Iterator[str]:
    """Yield the keys that begin with a prefix and come after a key, each once, in order; some may be gone by then."""
    in_folder = _folder_keys(objects.buckets.folder(bucket), "", prefix, after)
    aside = _indexed_keys(objects, bucket, prefix, after, "link = 2 AND is_latest = 1")
    yield from _distinct(heapq.merge(in_folder, aside, key=str.encode))


def versioned_keys(objects: Objects, bucket: str, prefix: str, after: str) -> Iterator[str]:
    """Yield the keys that have any version, delete markers alone included."""
    in_folder = _folder_keys(objects.buckets.folder(bucket), "", prefix, after)
    indexed = _indexed_keys(objects, bucket, prefix, after, "1")
    yield from _distinct(heapq.merge(in_folder, indexed, key=str.encode))


def _distinct(names: Iterator[str]) -> Iterator[str]:
    before = None
    for name in names:
        if name != before:
            yield name
        before = name


def _folder_keys(folder: Path, inside: str, prefix: str, after: str) -> Iterator[str]:
    """Yield keys of files; a folder sorts as its name and a slash, since that is what its keys begin with."""
    try:
        entries = [
            (inside + entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""), entry)
            for entry in os.scandir(folder)
            if not entry.is_symlink()
        ]
    except FileNotFoundError:
        return
    for name, entry in sorted(entries, key=lambda pair: os.fsencode(pair[0])):
        if name.endswith("/"):
            may_hold = name.startswith(prefix) or prefix.startswith(name)
            is_before = not after.startswith(name) and name + _LAST <= after
            if may_hold and not is_before:
                yield from _folder_keys(Path(entry.path), name, prefix, after)
        elif name.startswith(prefix) and name.encode() > after.encode():
            yield name


def _indexed_keys(objects: Objects, bucket: str, prefix: str, after: str, condition: str) -> Iterator[str]:
    first = max(prefix, after, key=str.encode)
    while True:
        with objects.state.reading() as connection:
            found = index.keys_between(connection, bucket, first, _PAGE_KEYS, condition)
        for key in found:
            if not key.startswith(prefix) and key.encode() > prefix.encode():
                return
            if key.startswith(prefix) and key.encode() > after.encode():
                yield key
        if len(found) < _PAGE_KEYS:
            return
        first = found[-1] + "\0"


def page(objects: Objects, bucket: str, prefix: str, delimiter: str, after: str, count: int) -> Page:
    """Return a page of live objects and common prefixes after a key (or after all keys of a common prefix)."""
    found = Page()
    if count == 0:
        return found
    skip = common_prefix(after, prefix, delimiter) if after.endswith(delimiter or "\0") else ""
    shown, last = 0, None
    for key in keys(objects, bucket, prefix, after):
        common = common_prefix(key, prefix, delimiter)
        if common and (common == skip or (found.prefixes and common == found.prefixes[-1])):
            continue
        stored = objects.live(bucket, key)
        if stored is None:
            continue
        if shown == count:
            found.last = last
            return found
        shown += 1
        if common:
            found.prefixes.append(common)
            last = common
        else:
            found.objects.append(stored)
            last = key
    return found


def common_prefix(key: str, prefix: str, delimiter: str) -> str:
    """Return what a key is rolled up into, '' for a key that stands for itself."""
    if not delimiter or not key.startswith(prefix):
        return ""
    rest = key[len(prefix) :]
    place = rest.find(delimiter)
    return "" if place < 0 else prefix + rest[: place + len(delimiter)]


def version_page(
    objects: Objects, bucket: str, prefix: str, key_marker: str, version_marker: str, count: int
) -> tuple[list[Stored], bool]:
    """Return versions and delete markers after a version, newest of each key first, and whether more follow."""
    found: list[Stored] = []
    start = key_marker
    if key_marker and version_marker:
        following = _versions(objects, bucket, key_marker)
        place = next((n for n, one in enumerate(following) if one.version == version_marker), len(following) - 1)
        found += following[place + 1 :]
    for key in versioned_keys(objects, bucket, prefix, start):
        if len(found) > count:
            break
        found += _versions(objects, bucket, key)
    return found[:count], len(found) > count


def _versions(objects: Objects, bucket: str, key: str) -> list[Stored]:
    # the look brings folder and index together
    objects.latest(bucket, key)
    with objects.state.reading() as connection:
        return index.versions(connection, bucket, key)
