"""Record ids in a file: one a line, or a column of a CSV, JSON, JSON lines or Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sfs_core import (
    RECORD_ID,
    FeatureGroup,
    FeatureType,
    FileUnreadable,
    Message,
    Session,
    UsageError,
    file_name,
    is_of_type,
    opened,
    option,
    say,
)
from sfs_plugins.record_ids.id_columns import IdFormat, id_columns, id_format

if TYPE_CHECKING:
    import pyarrow as pa


class BadRecordId(UsageError):
    """A record id of a file cannot be one."""

    sentence = "record id {number:,} of {path} {problem}"


@dataclass(frozen=True, slots=True)
class FileRecordIds:
    """The ids in a file, in its order; `-` is standard input: `--ids file --file-path ids.csv`.

    Of several columns the one is taken that is named like the group's record identifier, or `record_id`, or as
    `column` says; a single column is taken whatever it is called. A one-column CSV file needs no header.
    """

    name: ClassVar[str] = "file"
    group: FeatureGroup
    path: Path = option("File of record ids; - is standard input.", value="FILE")
    format: IdFormat | None = option(
        "Format of the file; by its name when left out, and else an id a line.", default=None
    )
    column: str | None = option("Column with the record ids.", default=None, value="NAME")

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("record ids in {file}", file=file_name(self.path))

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, duplicates too. Raises FileUnreadable, NoIdColumn, BadRecordId."""
        import pyarrow as pa

        name, count = file_name(self.path), 0
        format = self.format or id_format(self.path)
        wanted = (self.column,) if self.column else (self.group.record_identifier, RECORD_ID)
        whole = self._type is FeatureType.INTEGRAL
        with opened(self.path, session) as file:
            for ids in id_columns(format, name, file, wanted, whole=whole, named=self.column is not None):
                self._check(name, ids, count)
                count += len(ids)
                yield pa.record_batch({RECORD_ID: ids})
        if not count:
            raise FileUnreadable(path=name, problem=say("it holds no record ids"))

    @property
    def _type(self) -> FeatureType:
        return self.group.feature(self.group.record_identifier).type

    def _check(self, name: Message, ids: pa.Array, before: int) -> None:
        import pyarrow.compute as pc

        empty = pc.indices_nonzero(pc.fill_null(pc.equal(ids, ""), True)).to_pylist()
        if empty:
            raise BadRecordId(number=before + empty[0] + 1, path=name, problem=say("is empty"))
        if self._type is FeatureType.INTEGRAL:
            for row, text in enumerate(ids.to_pylist()):
                if not is_of_type(text, FeatureType.INTEGRAL):
                    problem = say("is {text!r}, and the record identifier is Integral", text=text)
                    raise BadRecordId(number=before + row + 1, path=name, problem=problem)
