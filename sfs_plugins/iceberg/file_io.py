"""Where an Iceberg table's files lie: `s3://bucket/key` in its metadata is `s3/bucket/key` in the store's folder.

So clients that reach the folder over S3 and Glue read the very table that is read here without a server.
"""

from __future__ import annotations

import io
import re
import secrets
import threading
from pathlib import Path
from types import TracebackType

from pyarrow.fs import LocalFileSystem
from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO
from pyiceberg.typedef import EMPTY_DICT, Properties

from sfs_core import move_into_place, sync_files
from sfs_plugins.iceberg.errors import OutsideFolder

_LOCATION = re.compile(r"s3[an]?://(.+)", re.DOTALL)


class FolderIO(PyArrowFileIO):
    """Reads and writes the objects of a store's folder, and nothing else.

    A file is whole before it has its name: it is made in `workshop`, on the same disk, and moved. What was written
    is remembered until `sync` has seen to it that it survives a power cut.
    """

    def __init__(self, folder: Path, workshop: Path | None = None, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self.folder = folder
        self.workshop = workshop or folder / "iceberg-writing"
        self._written: set[Path] = set()
        self._lock = threading.Lock()

    def path(self, location: str) -> Path:
        """Return where an object lies. Raises OutsideFolder for what is none, also where a link leads elsewhere."""
        match = _LOCATION.fullmatch(location)
        parts = match[1].split("/") if match else []
        if len(parts) < 2 or any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise OutsideFolder(location=location, folder=self.folder)
        top = self.folder / "s3"
        path = top.joinpath(*parts)
        if path.is_symlink() or path.parent.resolve() != top.resolve().joinpath(*parts[:-1]):
            raise OutsideFolder(location=location, folder=self.folder)
        return path

    def new_input(self, location: str) -> PyArrowFile:
        """Return the object at a location, to be read."""
        return PyArrowFile(location, str(self.path(location)), LocalFileSystem())

    def new_output(self, location: str) -> PyArrowFile:
        """Return the object at a location, to be written."""
        return _Output(location, self.path(location), self)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete an object; one that is not there is deleted already."""
        text = location if isinstance(location, str) else location.location
        path = self.path(text)
        path.unlink(missing_ok=True)
        with self._lock:
            self._written.discard(path)

    def place(self, made: Path, path: Path) -> None:
        """Move a file that is whole to its place, and remember it."""
        move_into_place(made, path)
        with self._lock:
            self._written.add(path)

    def sync(self) -> None:
        """See to it that all that was written, and the folders it is in, survive a power cut."""
        with self._lock:
            files, self._written = self._written, set()
        sync_files(files, self.folder)


class _Output(PyArrowFile):
    """An object to be written, whole or not at all."""

    def __init__(self, location: str, path: Path, owner: FolderIO) -> None:
        super().__init__(location, str(path), LocalFileSystem())
        self._place, self._owner = path, owner

    def create(self, overwrite: bool = False) -> _WholeFile:
        """Return the stream to write to; the object is there, or is another one, once it is closed."""
        if not overwrite and self._place.exists():
            raise FileExistsError(f"Cannot create file, already exists: {self.location}")
        self._owner.workshop.mkdir(parents=True, exist_ok=True)
        return _WholeFile(self._owner.workshop / secrets.token_hex(16), self._place, self._owner)


class _WholeFile(io.BufferedWriter):
    """A file that gets its name when it is closed, and is forgotten when that fails or an error is raised."""

    def __init__(self, made: Path, place: Path, owner: FolderIO) -> None:
        super().__init__(io.FileIO(made, "wb"), 1 << 20)
        self._made, self._place, self._owner = made, place, owner

    def close(self) -> None:
        if self.closed:
            return
        try:
            super().close()
            self._owner.place(self._made, self._place)
        except BaseException:
            self._made.unlink(missing_ok=True)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._abandon()

    def __del__(self) -> None:
        self._abandon()

    def _abandon(self) -> None:
        if not self.closed:
            self.raw.close()
            self._made.unlink(missing_ok=True)
