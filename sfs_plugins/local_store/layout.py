"""Where things lie in the folder: databases by group, and under `s3/` the offline objects in the service's own layout.

Source of the layout: feature-store-offline. An object's name carries the number of its writing, so that of two objects
the later one is known; the rest is drawn from what it holds, so that writing it again after a crash gives the same one.
"""

from __future__ import annotations

import hashlib
import os
import re
import string
from collections.abc import Iterator
from pathlib import Path

from sfs_core import NANOS, EventTime, files_under

_ALPHABET = string.digits + string.ascii_lowercase
_PARTITION = ("year", "month", "day", "hour")


def local_path(folder: Path, uri: str) -> Path:
    """Return where the object or prefix `s3://bucket/...` lies, by its text alone."""
    return folder / "s3" / uri.removeprefix("s3://")


def partition(hour: int) -> str:
    """Return the partition of an hour counted since 1970: `year=2025/month=06/day=01/hour=00`."""
    text = EventTime(hour * 3600 * NANOS).iso()
    return f"year={text[:4]}/month={text[5:7]}/day={text[8:10]}/hour={text[11:13]}"


def object_name(latest_seconds: int, writing: int, hour: int) -> str:
    """Return a name such as `20250601T100000Z_0000000a3k9x2m1q.parquet`: latest event time, 16 letters and digits."""
    stamp = re.sub("[-:]", "", EventTime(latest_seconds * NANOS).iso())
    digest = int.from_bytes(hashlib.sha256(f"{writing} {hour}".encode()).digest()[:8])
    return f"{stamp}_{_in_base_36(writing, 9)}{_in_base_36(digest, 7)}.parquet"


def is_own_name(name: str) -> bool:
    """Tell whether an object was named by this store, and so has all features of its time."""
    return re.fullmatch(r"\d{8}T\d{6}Z_[0-9a-z]{16}\.parquet", name) is not None


def _in_base_36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def parquet_files(root: Path) -> list[Path]:
    """Return the Parquet files in the partitions under a group's root, those written last at the end.

    Only the service's own depth is looked at, and no link is followed: what other groups keep is never read.
    """
    folders = [root / "data"]
    for column in _PARTITION:
        folders = [entry for folder in folders for entry in _subfolders(folder, f"{column}=")]
    files = [
        Path(entry.path) for folder in folders for entry in _entries(folder) if entry.is_file(follow_symlinks=False)
    ]
    # a file of another tool has no underscore and comes first
    return sorted(
        (f for f in files if f.suffix == ".parquet"), key=lambda file: (file.name.partition("_")[2], file.name)
    )


def _subfolders(folder: Path, beginning: str) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.name.startswith(beginning) and entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def objects_under(root: Path) -> Iterator[tuple[str, int]]:
    """Yield every file under a root: its path relative to it, with `/`, and its size. Links are left alone.

    A folder that is there and cannot be read raises OSError: what is in it is not to be taken for nothing.
    """
    for path in files_under(root):
        yield path.relative_to(root).as_posix(), path.stat().st_size
