"""What a step will work on, written down before anything is changed: counts are exact and batches repeat."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfs_core.damage import RunDamaged, read_object, understood
from sfs_core.errors import DiskFull, Interrupted, StoreUnavailable, UsageError
from sfs_core.facts import DAY, RECORD_ID, Fate, Remark
from sfs_core.journal import FolderUnusable, writing_down
from sfs_core.messages import Message, say
from sfs_core.plan import OnError, Plan, Step
from sfs_core.progress import Progress
from sfs_core.tables import FLAT

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core.session import Session

Rejected = Callable[[int, int, "pa.RecordBatch", tuple[Remark, ...]], None]
"""Called with a step's number, how many records of its source came before, a batch, and remarks on rows of it."""


GROUP_RECORDS: Final = 65_536
GROUP_BYTES: Final = 32 * 2**20
READ_RECORDS: Final = 8_192


class TooManyErrors(UsageError):
    """More records of the input are bad than the user allows; nothing was written."""

    sentence = "{count:,} records of {source} are bad, more than --max-errors allows; nothing was written"


class SourceUnreadable(StoreUnavailable):
    """A source cannot be read to its end."""

    sentence = "{source} cannot be read: {problem}"


class BadInput(UsageError):
    """A record of the input cannot be written as it is; nothing was written."""

    sentence = "record {number:,} of {source}: {problem}; nothing was written: mend it, or give --on-error skip"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A source that was written down: `count` records (or ids, or objects), in batches that repeat.

    `skipped` and `failed` count, by code, what was read and does not go on; `duplicates` are ids that came again.
    `versions` is how many versions the days have, where days were written down.
    """

    source: Message
    count: int
    skipped: dict[str, int]
    failed: dict[str, int]
    duplicates: int
    total_bytes: int | None = None
    versions: int | None = None
    path: Path = field(compare=False, default=Path())

    @property
    def read(self) -> int:
        """How many records came in."""
        return self.count + sum(self.skipped.values()) + sum(self.failed.values())

    @property
    def deletes(self) -> int:
        """How much a deletion of it counts towards the deletion cap: a day counts as the versions it has."""
        return self.count if self.versions is None else self.versions

    def describe(self) -> Message:
        """Return the count and what was counted."""
        fields: dict[str, object] = {"count": f"{self.count:,}", "source": self.source}
        text = "{count} from {source}"
        for key, number in (("duplicates", self.duplicates), ("rejected", sum(self.failed.values()))):
            if number:
                fields[key] = f"{number:,}"
        if "duplicates" in fields:
            text += " (duplicates left out: {duplicates})"
        if "rejected" in fields:
            text += " (rejected: {rejected})"
        if self.total_bytes is not None:
            text, fields["bytes"] = text + " ({bytes} bytes)", f"{self.total_bytes:,}"
        if self.versions is not None:
            text, fields["versions"] = text + " ({versions} versions)", f"{self.versions:,}"
        return say(text, **fields)

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield what was written down in batches that take little memory each."""
        yield from self.slices(READ_RECORDS)

    def slices(self, records: int) -> Iterator[pa.RecordBatch]:
        """Yield what was written down in batches of exactly so many records, the last one smaller."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path, **FLAT) as file:
            yield from file.iter_batches(batch_size=records)


def spooled(plan: Plan, folder: Path, session: Session, rejected: Rejected | None = None) -> Plan:
    """Return the plan with every step's source written to `folder`; what is there already is taken as it is.

    Sources of steps `until_empty` are asked at run time instead. Raises BadInput where a record is refused and the
    plan's `on_error` is stop, DiskFull, Interrupted, and whatever a source raises; nothing has been changed then.
    """
    steps = []
    for number, step in enumerate(plan.steps, 1):
        if step.until_empty or isinstance(step.source, Spooled):
            steps.append(step)
            continue
        tell = partial(rejected, number) if rejected else None
        source = spool(step, folder / f"{number}.parquet", session, plan, tell)
        steps.append(replace(step, source=source, through=()))
    return replace(plan, steps=tuple(steps))


def spool(
    step: Step,
    path: Path,
    session: Session,
    plan: Plan,
    rejected: Callable[[int, pa.RecordBatch, tuple[Remark, ...]], None] | None = None,
) -> Spooled:
    """Return a step's source, written to `path` through the step's transforms, or as an earlier run wrote it.

    Raises RunDamaged where that is not whole, or where it is gone and what is there by now would be taken for it.
    """
    done, run = path.with_suffix(".json"), path.parent.parent
    if done.exists():
        return _as_written(step, path, run.name)
    if not step.until_empty and (run / "plan.json").exists():
        raise RunDamaged(file=done.name, run=run.name, problem=say("it is gone"))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with writing_down(path.parent):
        _Writing(step, path, session, plan, rejected).write(done)
    return _as_written(step, path, run.name)


def _as_written(step: Step, path: Path, run: str) -> Spooled:
    """Return what was written down, whose facts and file agree. Raises RunDamaged."""
    import pyarrow.parquet as pq

    done = path.with_suffix(".json")
    facts = read_object(done, run)
    with understood(done, run):
        found = Spooled(step.source.describe(), path=path, **facts)
    with understood(path, run):
        held = pq.read_metadata(path).num_rows
        if held != found.count:
            raise ValueError(say("it holds {held:,}, not {count:,}", held=held, count=found.count))
    return found


class _Writing:
    """One source on its way into its file."""

    def __init__(
        self,
        step: Step,
        path: Path,
        session: Session,
        plan: Plan,
        rejected: Callable[[int, pa.RecordBatch, tuple[Remark, ...]], None] | None,
    ) -> None:
        self.step, self.path, self.session, self.plan, self.rejected = step, path, session, plan, rejected
        self.read = self.count = self.duplicates = 0
        self.total_bytes: int | None = None
        self.versions: int | None = None
        self.remarks: dict[Fate, Counter[str]] = {Fate.SKIPPED: Counter(), Fate.FAILED: Counter()}

    def write(self, done: Path) -> None:
        """Write the file, then the facts that say it is whole."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        writer = None
        unfinished = self.path.with_suffix(".partial")
        try:
            for batch in _gathered(self._distinct(self._counted(self._transformed()))):
                if writer is None:
                    writer = pq.ParquetWriter(unfinished, batch.schema, compression="lz4", use_dictionary=False)
                writer.write_batch(batch)
                self.count += batch.num_rows
                self.total_bytes = _added(self.total_bytes, batch, "key", "size")
                self.versions = _added(self.versions, batch, DAY, "records")
            if writer is None:
                writer = pq.ParquetWriter(unfinished, pa.schema([pa.field(RECORD_ID, pa.string())]))
        finally:
            if writer is not None:
                writer.close()
        _sync(unfinished)
        unfinished.replace(self.path)
        facts = {
            "count": self.count,
            "skipped": dict(self.remarks[Fate.SKIPPED]),
            "failed": dict(self.remarks[Fate.FAILED]),
            "duplicates": self.duplicates,
            "total_bytes": self.total_bytes,
            "versions": self.versions,
        }
        unfinished.write_text(json.dumps(facts), "utf-8")
        _sync(unfinished)
        unfinished.replace(done)

    def _counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        title = say("reading {source}", source=self.step.source.describe())
        with Progress(self.session.console, title) as progress:
            for batch in batches:
                progress.add(batch.num_rows, self.remarks[Fate.FAILED].total() - progress.failed)
                yield batch

    def _transformed(self) -> Iterator[pa.RecordBatch]:
        for batch in self._read():
            if self.session.stop.is_set():
                raise Interrupted
            records = batch
            for transform in self.step.through:
                given = records
                records, remarks = transform.apply(given, self.session)
                self._remark(given, tuple(remarks))
            self.read += batch.num_rows
            if records.num_rows:
                yield records

    def _read(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.step.source.batches(self.session)
        except OSError as error:
            # not to be taken for a failure to write down what was read
            raise SourceUnreadable(source=self.step.source.describe(), problem=error.strerror or error) from error

    def _remark(self, records: pa.RecordBatch, remarks: tuple[Remark, ...]) -> None:
        for remark in remarks:
            if remark.fate is Fate.FAILED and self.plan.on_error is OnError.STOP:
                source, number = self.step.source.describe(), self.read + remark.row + 1
                raise BadInput(number=number, source=source, problem=remark.message)
            self.remarks[remark.fate][remark.code] += 1
        failed, bound = self.remarks[Fate.FAILED].total(), self.plan.max_errors
        if bound is not None and bound.exceeded(failed, self.read + records.num_rows):
            raise TooManyErrors(count=failed, source=self.step.source.describe())
        if remarks and self.rejected is not None:
            self.rejected(self.read, records, remarks)

    def _distinct(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches as they are, but ids once each, in the order first seen: on disk, so memory stays flat."""
        ids: sqlite3.Connection | None = None
        seen = self.path.with_suffix(".ids")
        for batch in batches:
            if batch.schema.names != [RECORD_ID]:
                yield batch
                continue
            with _keeping_ids(seen.parent):
                ids = ids or _ids_seen(seen)
                ids.execute("BEGIN")
                rows = zip(batch.column(0).to_pylist(), strict=True)
                new = ids.executemany("INSERT OR IGNORE INTO ids VALUES (?)", rows).rowcount
                ids.execute("COMMIT")
            self.duplicates += batch.num_rows - new
        if ids is not None:
            yield from _id_batches(ids)
            ids.close()
            seen.unlink()


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same records in batches big enough for a file's row group, and small enough for memory."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if waiting and not batch.schema.equals(waiting[0].schema):
            yield pa.concat_batches(waiting)
            waiting = []
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= GROUP_RECORDS or sum(one.nbytes for one in waiting) >= GROUP_BYTES:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _sync(path: Path) -> None:
    """Bring a file to disk: what is deleted next may be written down nowhere else."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _ids_seen(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    ids = sqlite3.connect(path, isolation_level=None)
    ids.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE ids (id TEXT PRIMARY KEY)")
    return ids


@contextlib.contextmanager
def _keeping_ids(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise DiskFull(folder=folder) from error
        raise FolderUnusable(folder=folder, problem=error) from error


def _id_batches(ids: sqlite3.Connection) -> Iterator[pa.RecordBatch]:
    from sfs_core.arrow import record_ids

    cursor = ids.execute("SELECT id FROM ids ORDER BY rowid")
    while rows := cursor.fetchmany(65_536):
        yield record_ids(row[0] for row in rows)


def _added(total: int | None, batch: pa.RecordBatch, named: str, counted: str) -> int | None:
    """Return a total with the numbers of a batch that is of named things: features of these names are texts."""
    import pyarrow as pa

    schema = batch.schema
    if named not in schema.names or counted not in schema.names or not pa.types.is_integer(schema.field(counted).type):
        return total
    counts: list[int] = batch.column(counted).to_pylist()
    return (total or 0) + sum(counts)
