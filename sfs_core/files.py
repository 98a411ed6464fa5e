"""Files that people bring: which form they have, opening them, and their contents as Arrow batches.

CSV gives columns of texts, JSON columns of texts and lists of texts, Parquet its own types. Nothing passes through a
float on its way, memory stays flat, and what cannot be read is one sentence that says where.
"""

from __future__ import annotations

import contextlib
import errno
import io
import tempfile
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO, cast

from sfs_core.errors import DiskFull, FileUnreadable, UsageError
from sfs_core.json_records import json_batches
from sfs_core.messages import Message, say
from sfs_core.model import FeatureDefinition
from sfs_core.tables import BLOCK_BYTES, csv_batches, parquet_batches

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session

STANDARD_STREAM: Final = Path("-")
"""The path that means standard input, or standard output."""


class FileFormat(StrEnum):
    """The forms of a file of records."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


_BY_SUFFIX = {
    ".csv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
}
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class FormatUnknown(UsageError):
    """A file's name does not tell its form."""

    sentence = "the name {path} does not tell the format: give {option} csv, json, jsonl or parquet"


class FileNotLocal(UsageError):
    """A file is named that lies on S3."""

    sentence = "{path} is on S3, and files are read and written on this machine: copy it with `aws s3 cp` first"


def file_format(path: Path, given: FileFormat | None = None, option: str = "--format") -> FileFormat:
    """Return the form of a file: as given, else by its name less `.gz` or `.zst`. Raises FormatUnknown, FileNotLocal.

    `option` is the flag that the user can give it by.
    """
    if str(path).startswith("s3:"):
        raise FileNotLocal(path=str(path).replace("s3:/", "s3://", 1))
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    found = given or _BY_SUFFIX.get(plain.suffix.lower())
    if found is None:
        raise FormatUnknown(path=path, option=option)
    return found


def file_name(path: Path) -> Message:
    """Return what a file is called in sentences."""
    return say("standard input") if path == STANDARD_STREAM else say("{path}", path=path)


def bytes_of(stream: TextIO | None) -> BinaryIO:
    """Return the bytes behind a stream of text, to be read. A stream in memory gives its text's."""
    buffer = getattr(stream, "buffer", None)
    if buffer is not None:
        return cast(BinaryIO, buffer)
    return io.BytesIO(stream.read().encode("utf-8", "surrogateescape") if stream else b"")


@contextlib.contextmanager
def opened(path: Path, session: Session) -> Iterator[io.BufferedReader]:
    """Open a file, or standard input, for reading; what is compressed with gzip or zstd is unpacked.

    The contents tell whether it is, not the name. Raises FileUnreadable, also for what fails while it is read.
    """
    with contextlib.ExitStack() as stack, explained(path):
        if path == STANDARD_STREAM:
            file = _buffered(bytes_of(session.stdin))
            stack.callback(_let_go, file)
        else:
            file = _buffered((session.folder / path).open("rb", 0))
            stack.callback(file.close)
        start = file.peek(4)[:4]
        for magic, compression in _MAGIC.items():
            if start.startswith(magic):
                import pyarrow as pa

                raw = pa.CompressedInputStream(pa.PythonFile(file, "r"), compression)
                file = _buffered(raw)
                stack.callback(file.close)
                break
        yield file


def _buffered(raw: object) -> io.BufferedReader:
    return io.BufferedReader(cast(Any, raw), BLOCK_BYTES)


def _let_go(file: io.BufferedReader) -> None:
    """Leave what lies beneath open; a stream that unpacked it may have closed it all the same."""
    if not file.closed:
        file.detach()


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise what goes wrong with a file while it is read as FileUnreadable."""
    import pyarrow as pa

    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(folder=tempfile.gettempdir()) from error
        reason = (error.strerror or str(error)).rstrip(".")
        raise FileUnreadable(path=file_name(path), problem=reason[:1].lower() + reason[1:]) from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FileUnreadable(path=file_name(path), problem=str(error).splitlines()[0]) from error


def read_batches(
    path: Path,
    format: FileFormat,
    session: Session,
    *,
    features: Sequence[FeatureDefinition] = (),
    quoted_empty: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield the records of a file, a column a key or header cell, null where there is no value; never an empty batch.

    Of CSV an empty cell is null, and with `quoted_empty` a quoted one (`""`) is an empty text. Of JSON every batch
    has a column for each of `features`, collections as lists; a record that cannot be read as one has its reason in the
    column `PROBLEM`. Raises FileUnreadable, also where there are no records.
    """
    seen = False
    with opened(path, session) as file:
        for batch in _batches(path, format, file, features, quoted_empty):
            if batch.num_rows:
                seen = True
                yield batch
    if not seen:
        raise FileUnreadable(path=file_name(path), problem=say("it holds no records"))


def _batches(
    path: Path, format: FileFormat, file: io.BufferedReader, features: Sequence[FeatureDefinition], quoted_empty: bool
) -> Iterator[pa.RecordBatch]:
    if format is FileFormat.CSV:
        return csv_batches(file_name(path), file, quoted_empty=quoted_empty)
    if format is FileFormat.PARQUET:
        return parquet_batches(file_name(path), file)
    return json_batches(file_name(path), file, features, lines=format is FileFormat.JSONL)
