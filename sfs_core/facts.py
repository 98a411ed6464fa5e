"""The values that flow: batches of records, and what became of each record.

A record on its way is a line of an Arrow `RecordBatch`: one column a feature, each value in the service's own text
(`ValueAsString`, so a `string` column; a collection is a `list<string>`), null where the record lacks the feature.
A batch of the history also carries the system columns `is_deleted`, `api_invocation_time` and `write_time`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from sfs_core.errors import SfsError
from sfs_core.messages import Message

if TYPE_CHECKING:
    import pyarrow as pa

RECORD_ID = "record_id"
"""The one column of a batch of record ids."""
DELETE_AT = "event_time"
"""The second column of a batch of deletions: each one's own event time, in the group's text."""
DAY = "day"
"""The column of a batch of event days: each as `YYYY-MM-DD`, UTC."""
TIES_BEFORE = "_ties_before"
TIES_AFTER = "_ties_after"
"""Columns beside a history, about versions of the same record id and event time: whole numbers, null is none.

TIES_BEFORE is how many of the same kind (put, or delete marker) come before this one, TIES_AFTER how many of either
kind come after it. Of versions that tie, the last one is the newest.
"""


class Fate(StrEnum):
    """What became of a record: every record that goes in has exactly one."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Remark:
    """Why one record of a batch was not done: `row` is its position in the batch, from 0.

    `code` is for machines (an error class's name, or a skip reason such as `NewerInTarget`), `message` for people.
    """

    row: int
    fate: Fate
    code: str
    message: Message

    @classmethod
    def failed(cls, row: int, error: SfsError) -> Self:
        """Return the remark that the record at `row` failed with `error`."""
        return cls(row, Fate.FAILED, error.code, error.message)

    @classmethod
    def skipped(cls, row: int, code: str, message: Message) -> Self:
        """Return the remark that the record at `row` was left as it is."""
        return cls(row, Fate.SKIPPED, code, message)


@dataclass(frozen=True, slots=True)
class Batch:
    """So many records, and their place in the step: numbers count from 0 and repeat on resume.

    `in_doubt` is true where an interrupted run began this batch and did not write down how it ended.
    """

    number: int
    records: pa.RecordBatch
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """What became of a batch: `done` records, and a remark for each of the others."""

    batch: Batch
    done: int
    remarks: tuple[Remark, ...] = ()

    @classmethod
    def of(cls, batch: Batch, remarks: Sequence[Remark] = ()) -> Self:
        """Return the fact that all of a batch is done but for the records remarked on."""
        return cls(batch, batch.records.num_rows - len(remarks), tuple(remarks))
