"""Where an answer in bulk goes: a file that has its name only once it is whole, or standard output."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from sfs_core import (
    COMPRESSIONS,
    STANDARD_STREAM,
    AnswerUnwritable,
    DiskFull,
    FileUnwritable,
    Message,
    Refused,
    Session,
    SfsError,
    say,
)


class FileThere(Refused):
    """A file of that name is there already."""

    sentence = "{path} is there already: give another name, or --force to write over it"


def check_output(path: Path, session: Session, *, force: bool) -> None:
    """Refuse early what `written` would refuse, and what would be lost. Raises FileThere, FileUnwritable."""
    if path == STANDARD_STREAM:
        return
    path = session.folder / path
    if path.is_dir():
        raise FileUnwritable(path=path, problem=say("it is a folder"))
    if path.is_file() and not force:
        raise FileThere(path=path)
    if not path.parent.is_dir():
        raise FileUnwritable(path=path, problem=say("there is no folder {folder}", folder=path.parent))


@contextlib.contextmanager
def written(path: Path, session: Session, stdout: TextIO) -> Iterator[BinaryIO]:
    """Open a file, or standard output, to be written, packed as its name says (`.gz`, `.zst`).

    The file gets its name when the block ends without an error; until then it is a hidden one beside it, which an
    error removes. Devices and pipes are written to as they are. Raises FileUnwritable, DiskFull, and
    AnswerUnwritable for standard output.
    """
    try:
        if path == STANDARD_STREAM:
            yield bytes_into(stdout)
            return
        whole = (session.folder / path).resolve()
        if whole.exists() and not whole.is_file():
            with whole.open("wb") as file:
                yield file
        else:
            yield from _whole(whole)
    except BrokenPipeError:
        raise  # whoever read it has gone: that is no error
    except OSError as error:
        raise _unwritable(path, error) from error


def _whole(path: Path) -> Iterator[BinaryIO]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file, _packed(file, path) as stream:
            yield stream
        with partial.open("rb") as whole:
            os.fsync(whole.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _packed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    compression = COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        yield file
        return
    import pyarrow as pa

    with pa.CompressedOutputStream(pa.PythonFile(file, "w"), compression) as packed:
        yield packed


def _unwritable(path: Path, error: OSError) -> SfsError:
    if path == STANDARD_STREAM:
        return AnswerUnwritable(problem=error.strerror or error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(folder=path.parent)
    problem: Message | str = (error.strerror or str(error)).lower()
    return FileUnwritable(path=path, problem=problem)


def bytes_into(stream: TextIO) -> BinaryIO:
    """Return the bytes behind a stream of text, to be written. A stream in memory gets them as text."""
    buffer = getattr(stream, "buffer", None)
    return cast(BinaryIO, buffer if buffer is not None else _Decoding(stream))


class _Decoding:
    """Bytes written to a stream that takes text alone; what is no text gets through as surrogates."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self.closed = False

    def write(self, content: bytes) -> int:
        self.stream.write(self.decode(bytes(content)))
        return len(content)

    def flush(self) -> None:
        self.stream.flush()
