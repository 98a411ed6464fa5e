"""Where records to be put come from: a file, or what an earlier run could not do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfs_core import (
    Fate,
    FeatureGroup,
    FeatureType,
    FileFormat,
    Message,
    Run,
    Session,
    UsageError,
    batch_of_values,
    file_name,
    read_batches,
    say,
)

if TYPE_CHECKING:
    import pyarrow as pa

REJECTED_RECORDS: Final = 5_000
"""How many rejected records a batch has."""


class EmptyString(StrEnum):
    """What an empty text in a file means."""

    ABSENT = "absent"
    KEEP = "keep"


class NothingRejected(UsageError):
    """An earlier run left no record undone."""

    sentence = "run {run} rejected no records: `sagemaker-fs runs show {run}` shows what it did"


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The records of a file, in its order; `-` is standard input.

    With `empty_string` keep, the `""` of a CSV file is an empty text in String features and absence elsewhere.
    """

    group: FeatureGroup
    path: Path
    format: FileFormat
    empty_string: EmptyString

    def describe(self) -> Message:
        """Return the file's name."""
        return file_name(self.path)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of the file's own columns. Raises FileUnreadable."""
        keeps, is_csv = self.empty_string is EmptyString.KEEP, self.format is FileFormat.CSV
        batches = read_batches(
            self.path, self.format, session, features=self.group.features, quoted_empty=keeps and is_csv
        )
        if is_csv != keeps:
            return batches
        texts = {feature.name for feature in self.group.features if feature.type is FeatureType.STRING and keeps}
        return (_without_empty(batch, texts) for batch in batches)


def _without_empty(batch: pa.RecordBatch, but: set[str]) -> pa.RecordBatch:
    """Return a batch whose empty texts are null, except in the columns `but`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [
        pc.if_else(pc.equal(column, ""), None, column)
        if pa.types.is_string(column.type) and name not in but
        else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.record_batch(columns, names=batch.schema.names)


@dataclass(frozen=True, slots=True)
class RejectedRecords:
    """The records that failed in an earlier run and were not made good since."""

    group: FeatureGroup
    run: str

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("the records that run {run} rejected", run=self.run)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of texts. Raises RunNotFound, NothingRejected."""
        records = []
        found = False
        for remark in Run.load(session.state, self.run).remarks(Fate.FAILED):
            found = True
            records.append(remark["record"])
            if len(records) == REJECTED_RECORDS:
                yield batch_of_values(records, self.group.features)
                records = []
        if records:
            yield batch_of_values(records, self.group.features)
        if not found:
            raise NothingRejected(run=self.run)
