"""An object of S3 as a file that can be sought in: what is read is fetched by ranges, and nothing else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from sfs_core import BadRequest
from sfs_plugins.sagemaker_store.errors import code_of

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.objects import HeldObjects

TAIL_BYTES: Final = 64 * 1024
"""How much of an object's end comes with its size: what Parquet readers look at first, and all of a small object."""


def open_ranges(objects: HeldObjects, key: str) -> BinaryIO:
    """Return an object as a file. Raises BadRequest for one that is not there, or, read on, was replaced meanwhile."""
    return cast(BinaryIO, _Ranges(objects, key))


class _Ranges(io.RawIOBase):
    """An object whose last bytes are at hand; others are asked for as they are read, none of a newer object."""

    def __init__(self, objects: HeldObjects, key: str) -> None:
        self._objects, self._key, self._place = objects, key, 0
        self._tail, self._size, self._tag = b"", 0, ""
        try:
            self._tail, answer = objects.part(key, f"bytes=-{TAIL_BYTES}")
        except BadRequest as error:
            # of nothing there is no last byte
            if code_of(getattr(error.__cause__, "response", None) or {}) != "InvalidRange":
                raise
        else:
            self._size = int(answer["ContentRange"].rpartition("/")[2])
            self._tag = answer["ETag"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence])
        return self._place

    def readall(self) -> bytes:
        return self._taken(max(0, self._size - self._place))

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        found = self._taken(min(len(view), max(0, self._size - self._place)))
        view[: len(found)] = found
        return len(found)

    def _taken(self, count: int) -> bytes:
        """Return the next `count` bytes, which the object has."""
        start, tail = self._place, self._size - len(self._tail)
        self._place += count
        if start >= tail or not count:
            return self._tail[start - tail :][:count]
        before = min(start + count, tail)
        found, _ = self._objects.part(self._key, f"bytes={start}-{before - 1}", self._tag)
        return found + self._tail[: start + count - before]
