"""Where objects' bytes lie: each in a file of its own, and hard-linked at its key's path for whoever reads the folder.

The local store, DuckDB and people read and write under `s3/<bucket>/<key>`. Those paths cannot hold every key that S3
allows (`a` beside `a/b`, empty parts, names too long), nor two versions: the file of its own can.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MAX_PART_BYTES = 255
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Blob:
    """Bytes on disk: the file's name, their size and MD5 (in hex)."""

    name: str
    size: int
    md5: str


@dataclass(frozen=True)
class Blobs:
    """The bytes of a store's folder."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return the file of a blob."""
        return self.folder / "sandbox-objects" / name

    def natural(self, bucket: str, key: str) -> Path | None:
        """Return the path of a key in the store's folder, None for a key that is no path."""
        parts = key.split("/")
        plain = all(part not in ("", ".", "..") and len(part.encode()) <= _MAX_PART_BYTES for part in parts)
        if not plain or "\0" in key or "\\" in key:
            return None
        return self.folder / "s3" / bucket / key

    def write(self, pieces: Iterable[bytes]) -> Blob:
        """Write bytes down, synced."""
        name, size, md5 = secrets.token_hex(12), 0, hashlib.md5(usedforsecurity=False)
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in pieces:
                size += file.write(piece)
                md5.update(piece)
            file.flush()
            os.fsync(file.fileno())
        return Blob(name, size, md5.hexdigest())

    def adopt(self, natural: Path) -> Blob:
        """Make a blob of a file that something else put into the folder; the bytes are not copied."""
        name, md5 = secrets.token_hex(12), hashlib.md5(usedforsecurity=False)
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        os.link(natural, self.path(name))
        size = 0
        for piece in pieces_of(self.path(name)):
            size += len(piece)
            md5.update(piece)
        return Blob(name, size, md5.hexdigest())

    def link(self, name: str, natural: Path) -> bool:
        """Let a blob lie at a key's path too; tell whether the path could take it."""
        made = natural.with_name(f".{secrets.token_hex(8)}")
        try:
            natural.parent.mkdir(parents=True, exist_ok=True)
            if natural.is_dir():
                return False
            os.link(self.path(name), made)
            made.replace(natural)
        except (NotADirectoryError, FileExistsError):
            return False
        finally:
            # a rename onto the same file leaves both names
            with contextlib.suppress(OSError):
                made.unlink()
        sync_folder(natural.parent)
        return True

    def unlink(self, natural: Path | None, bucket: str) -> None:
        """Take a key's path away, and the folders it leaves empty."""
        if natural is None:
            return
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
            natural.unlink()
        top = self.folder / "s3" / bucket
        for parent in natural.parents:
            if parent == top:
                break
            try:
                parent.rmdir()
            except OSError:
                break

    def is_same(self, name: str, natural: Path) -> bool:
        """Tell whether a key's path and a blob are one file."""
        try:
            return natural.samefile(self.path(name))
        except OSError:
            return False

    def drop(self, names: Iterable[str]) -> None:
        """Forget blobs."""
        for name in names:
            if name:
                self.path(name).unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> None:
        """Forget the blobs that nothing names: requests that a kill cut off."""
        for path in (self.folder / "sandbox-objects").glob("*"):
            if path.name not in known:
                path.unlink()


def pieces_of(path: Path, start: int = 0, length: int | None = None) -> Iterable[bytes]:
    """Yield the bytes of a file, or of a part of it, a piece at a time."""
    left = path.stat().st_size - start if length is None else length
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
