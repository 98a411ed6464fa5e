"""CSV and Parquet files as Arrow batches: CSV as texts throughout, Parquet with its own types, memory flat."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sfs_core.errors import FileUnreadable
from sfs_core.messages import Message, say

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES: Final = 4 * 2**20
BATCH_CELLS: Final = 400_000
"""About how many values a batch of a Parquet file has: a wide file gives short batches."""

FLAT: Final[dict[str, Any]] = {"pre_buffer": False, "buffer_size": 2**20}
"""How a Parquet file is opened so that no more of it than a page a column is in memory."""


def csv_batches(
    name: Message, file: io.BufferedReader, *, quoted_empty: bool = False, names: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the records of a CSV file as texts; `names` are the columns of one without a header.

    Raises FileUnreadable with the number of the first record that is not as wide as the header, or not UTF-8, and for a
    last cell whose quotation mark is missing: what was cut off there would be another value.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = names or csv_names(name, file)
    if not names or not file.peek(1):
        return
    reading = arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names)
    converting = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=not quoted_empty,
    )
    last, count, watched = None, 0, _Watched(file)
    try:
        parsing = arrow_csv.ParseOptions(newlines_in_values=True)
        with arrow_csv.open_csv(pa.PythonFile(watched, "r"), reading, parsing, converting) as reader:
            for batch in reader:
                # one that blank lines alone make has no records
                last = batch if batch.num_rows else last
                count += batch.num_rows
                yield batch
        if last is not None and watched.is_cut_off(last):
            raise FileUnreadable(path=name, problem=_csv_problem("straddling", count - 1))
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise FileUnreadable(path=name, problem=_csv_problem(str(error), count)) from error


class _Watched:
    """A CSV file being read, of which is seen whether it ends within quotation marks."""

    closed = False

    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self._tail = file, b""

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._tail = (self._tail + block)[-BLOCK_BYTES:]
        return block

    def is_cut_off(self, batch: pa.RecordBatch) -> bool:
        """Tell of the last batch whether its last cell, with which the file ends, begins with a mark and has no other.

        A mark within a cell that does not begin with one is a letter like any other.
        """
        cell = b'"' + (batch.columns[-1][-1].as_py() or "").replace('"', '""').encode()
        return self._tail.endswith(tuple(before + cell for before in (b",", b"\n", b"\r"))) or self._tail == cell


def csv_names(name: Message, file: io.BufferedReader) -> list[str]:
    """Read the header of a CSV file, which may hold quoted line ends; empty at the end of the file.

    Raises FileUnreadable, also where a name comes twice.
    """
    text = file.readline(BLOCK_BYTES).decode("utf-8-sig")
    while text and not text.strip("\r\n"):
        text = file.readline(BLOCK_BYTES).decode()
    while text.count('"') % 2 and len(text) < BLOCK_BYTES and (more := file.readline(BLOCK_BYTES)):
        text += more.decode()
    problem: Message | None = None
    try:
        names = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        problem = say("its header is not CSV ({problem})", problem=error)
        names = []
    for column in names:
        if names.count(column) > 1:
            problem = say("its header names {column!r} twice", column=column)
    if problem is not None:
        raise FileUnreadable(path=name, problem=problem)
    return names


def _csv_problem(text: str, count: int) -> Message:
    uneven = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text)
    if uneven:
        number, width, cells = (int(figure) for figure in uneven.groups())
        return say("record {number:,} has {cells} cells, not {width}", number=number, cells=cells, width=width)
    not_text = re.search(r"column #(\d+): Row #(\d+): .*invalid UTF8", text)
    if not_text:
        return say("cell {cell} of record {number:,} is not UTF-8", cell=int(not_text[1]) + 1, number=int(not_text[2]))
    if "straddl" in text:
        return say("a cell after record {count:,} does not end: a quotation mark is missing there", count=count)
    return say("after record {count:,}: {problem}", count=count, problem=text.splitlines()[0])


def parquet_batches(name: Message, file: io.BufferedReader) -> Iterator[pa.RecordBatch]:
    """Yield the records of a Parquet file with its own types; what is not a plain file is put into one first.

    Raises FileUnreadable for what is no Parquet file, or was cut off.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        whole: BinaryIO = file
        if not isinstance(file.raw, io.FileIO) or not file.seekable():
            whole = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(file, whole, BLOCK_BYTES)
        if not whole.seek(0, io.SEEK_END):
            return
        whole.seek(0)
        try:
            table = stack.enter_context(pq.ParquetFile(pa.PythonFile(whole, "r"), **FLAT))
        except pa.ArrowInvalid as error:
            problem = say("it is not a Parquet file, or not all of it")
            raise FileUnreadable(path=name, problem=problem) from error
        width = len(table.schema_arrow.names)
        yield from table.iter_batches(batch_size=min(65_536, max(1_000, BATCH_CELLS // max(1, width))))
