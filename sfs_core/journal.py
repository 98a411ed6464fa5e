"""A run on disk: its plan, its facts as they happen, and the records that were not done.

A run folder (mode 0700) holds `run.json` (command, arguments, clock), `plan.json`, `spool/`, `journal.jsonl` (a line
as a batch begins and one as it ends), `remarks.jsonl` (each failed or skipped record) and `report.json`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from sfs_core.damage import RunDamaged, read_object, understood
from sfs_core.ended import Batches, Ended, folded
from sfs_core.errors import DiskFull, ExitCode, RunNotFound, StoreUnavailable, UsageError
from sfs_core.event_time import EventTime
from sfs_core.facts import Fact, Fate, Remark
from sfs_core.messages import say

if TYPE_CHECKING:
    import pyarrow as pa


class RunAmbiguous(UsageError):
    """The names of several runs begin so."""

    sentence = "several runs begin with {run!r}, so give more of the name: {known}"


_DROPPED: Final = "spool.dropped"


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder. `facts` is what `run.json` holds."""

    folder: Path
    facts: dict[str, Any]

    @classmethod
    def new(cls, state: Path, command: str, argv: Sequence[str], at: EventTime, facts: Mapping[str, Any]) -> Self:
        """Make a folder for a new run; its name begins with the time, so that runs sort by age."""
        moment = at.moment()
        name = f"{moment:%Y%m%d-%H%M%S}-{command.replace(' ', '-')}-{secrets.token_hex(2)}"
        folder = state / "runs" / name
        run = cls(folder, {"command": command, "argv": list(argv), "at": at.nanoseconds, **facts})
        with writing_down(state):
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(parents=True, mode=0o700)
        try:
            run._save()
        except StoreUnavailable:
            run.discard()
            raise
        return run

    @classmethod
    def load(cls, state: Path, name: str) -> Self:
        """Return an earlier run by its name, or by how it begins if no other does.

        Raises RunNotFound, RunAmbiguous, RunDamaged.
        """
        errors: list[RunDamaged] = []
        runs = {run.name: run for run in cls.all(state, errors.append)}
        damaged = {str(error.message.fields["run"]): error for error in errors}
        names = sorted({*runs, *damaged})
        alike = [name] if name in names else [known for known in names if name and known.startswith(name)]
        if len(alike) > 1:
            raise RunAmbiguous(run=name, known=", ".join(alike))
        if not alike:
            raise RunNotFound(run=name, folder=state / "runs")
        if alike[0] in damaged:
            raise damaged[alike[0]]
        return runs[alike[0]]

    @classmethod
    def all(cls, state: Path, damaged: Callable[[RunDamaged], None] = lambda error: None) -> list[Self]:
        """Return every run on this machine, oldest first; `damaged` is told of those that cannot be read."""
        found = []
        for path in sorted((state / "runs").glob("*/run.json")):
            # one that is discarded at this very moment is not listed
            with contextlib.suppress(FileNotFoundError):
                try:
                    found.append(cls(path.parent, read_object(path, path.parent.name, "command", "argv", "at")))
                except RunDamaged as error:
                    damaged(error)
        return found

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def at(self) -> EventTime:
        """The run's own instant."""
        return EventTime(self.facts["at"])

    @property
    def plan(self) -> dict[str, Any] | None:
        """The plan as it was confirmed, None if it never was. Raises RunDamaged."""
        return self._read("plan.json", "title", "steps", "notes", "changes", "lines")

    @property
    def report(self) -> dict[str, Any] | None:
        """The report, None while the run has not ended by itself. Raises RunDamaged."""
        return self._read("report.json", "exit_code", "steps")

    def remember(self, key: str, value: Callable[[], Any]) -> Any:
        """Return what this run found under `key` when it was first asked, a JSON value: so a resumed plan repeats."""
        if key not in self.facts:
            self.facts[key] = value()
            self._save()
        return self.facts[key]

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file of the run whole or not at all."""
        partial = self.folder / f"{name}.partial"
        with writing_down(self.folder), partial.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / name)

    @property
    def is_over(self) -> bool:
        """Whether it did everything, and its result was looked at where the command does that."""
        report = self.report
        return report is not None and report["exit_code"] == ExitCode.DONE and not (self.folder / "spool").exists()

    def drop_spool(self) -> None:
        """Remove the written-down records: they are somebody's data, and a finished run needs them no more.

        It goes whole: of a spool that lacks a file, that file would be written anew when the run is resumed.
        """
        self.drop_leftovers()
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "spool").rename(self.folder / _DROPPED)
        self.drop_leftovers()

    def drop_leftovers(self) -> None:
        """Remove what a kill has left of a spool on its way out."""
        shutil.rmtree(self.folder / _DROPPED, ignore_errors=True)

    def discard(self) -> None:
        """Remove the run, which changed nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _save(self) -> None:
        self.write("run.json", self.facts)

    def _read(self, name: str, *keys: str) -> dict[str, Any] | None:
        path = self.folder / name
        return read_object(path, self.name, *keys) if path.exists() else None

    def remarks(self, *fates: Fate) -> Iterator[dict[str, Any]]:
        """Yield each record that was not done in the end; what a later attempt at its batch made good is left out.

        Keys are `step`, `round`, `batch`, `row`, `fate`, `code`, `message` and `record` (feature name to value).
        """
        places, path = self._places(), self.folder / "remarks.jsonl"
        for entry in _lines(path):
            with understood(path, self.name):
                place = places.get((entry["step"], entry["round"]), Batches())
                is_current = entry["batch"] == SPOOLING or place.attempt_of(entry["batch"]) == entry["attempt"]
                is_asked_for = not fates or entry["fate"] in fates
            if is_current and is_asked_for:
                yield entry

    def counts(self) -> dict[int, Ended]:
        """Return what became of the batches that ended so far, by step number."""
        counts: dict[int, Ended] = {}
        for (step, _), batches in self._places().items():
            counts.setdefault(step, Ended.nothing()).add(batches.total())
        return counts

    def _places(self) -> dict[tuple[int, int], Batches]:
        """Return how each batch ended, by the last attempt at it."""
        path = self.folder / "journal.jsonl"
        with understood(path, self.name):
            return folded(entry for entry in _lines(path) if "records" in entry)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a file, if it is there; a last one cut off by a kill is left out. Raises RunDamaged."""
    if not path.exists():
        return
    # a line may be cut off within a letter
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.endswith("\n"):
                yield _entry(path, line)


def _entry(path: Path, line: str) -> dict[str, Any]:
    with understood(path, path.parent.name):
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise TypeError(say("a line holds no object"))
        return entry


SPOOLING: Final = -1
"""The batch number of records that were refused before anything was changed."""


@dataclass
class Journal:
    """The facts of a run, appended as they happen; opened again, it knows which batches ended and which only began.

    Opened again it is the next `attempt`, in which batches with failed records are in doubt, so that they are retried:
    those of the last step that began, since what a later step did must not be undone.

    What earlier attempts did takes a few bytes a batch, and what this one does is only written down.
    Lines reach the operating system one by one, so a killed process loses none; a power cut may lose the last second.
    """

    run: Run
    places: dict[tuple[int, int], Batches] = field(default_factory=dict)
    finished: set[tuple[int, int]] = field(default_factory=set)
    attempt: int = 1

    def __post_init__(self) -> None:
        path = self.run.folder / "journal.jsonl"
        with understood(path, self.run.name):
            self.places = folded(self._known(path))
        self._doubt_failures()
        _drop_torn_line(path)
        _drop_torn_line(self.run.folder / "remarks.jsonl")
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._append({"opened": self.attempt})
        self._remarks = (self.run.folder / "remarks.jsonl").open("a", encoding="utf-8", buffering=1)

    def knows(self, step: int, round: int) -> bool:
        """Tell whether earlier attempts worked on one round of a step."""
        return (step, round) in self.places or (step, round) in self.finished

    def earlier(self, step: int, round: int) -> Batches:
        """Return what earlier attempts did of one round of a step."""
        return self.places.get((step, round), Batches())

    def _doubt_failures(self) -> None:
        """Doubt what failed, but not before a step that has begun: a deletion must not take what was put after it."""
        last = max((step for step, _ in (*self.places, *self.finished)), default=0)
        for place, batches in self.places.items():
            if place[0] >= last and batches.doubt_failures():
                self.finished.discard(place)

    def _known(self, path: Path) -> Iterator[dict[str, Any]]:
        """Yield the lines that speak of batches; know what the others say."""
        for entry in _lines(path):
            if "opened" in entry:
                self.attempt = entry["opened"] + 1
            elif "finished" in entry:
                self.finished.add((entry["step"], entry["round"]))
            else:
                yield entry

    def begin(self, step: int, round: int, batch: int) -> None:
        """Write down that a batch is about to be worked on."""
        self._append({"step": step, "round": round, "batch": batch, "begun": True})

    def end(self, step: int, round: int, fact: Fact) -> Ended:
        """Write down how a batch ended: its remarks first, so that no count stands without its records."""
        self.remark(step, round, fact.batch.number, fact.batch.records, fact.remarks)
        skipped = Counter(remark.code for remark in fact.remarks if remark.fate is Fate.SKIPPED)
        failed = Counter(remark.code for remark in fact.remarks if remark.fate is Fate.FAILED)
        entry: dict[str, Any] = {"step": step, "round": round, "batch": fact.batch.number}
        entry |= {"records": fact.batch.records.num_rows, "done": fact.done}
        entry |= {"skipped": dict(skipped)} if skipped else {}
        entry |= {"failed": dict(failed)} if failed else {}
        entry |= {"attempt": self.attempt} if fact.remarks or self.attempt > 1 else {}
        self._append(entry)
        # not kept: only a later attempt asks which batches ended, and reads them from the file
        return Ended.of(entry)

    def remark(
        self, step: int, round: int, batch: int, records: pa.RecordBatch, remarks: Sequence[Remark], before: int = 0
    ) -> None:
        """Write down each record remarked on, with its values."""
        for remark in remarks:
            record = {k: v for k, v in records.slice(remark.row, 1).to_pylist()[0].items() if v is not None}
            entry: dict[str, Any] = {"step": step, "round": round, "batch": batch, "row": before + remark.row}
            entry |= {"fate": remark.fate.value}
            entry |= {"attempt": self.attempt}
            entry |= {"code": remark.code, "message": remark.message.english(), "record": record}
            with writing_down(self.run.folder):
                self._remarks.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")

    def reject(self, step: int, before: int, records: pa.RecordBatch, remarks: Sequence[Remark]) -> None:
        """Write down each record refused before anything is changed; `row` counts from the source's first record."""
        self.remark(step, 0, SPOOLING, records, remarks, before)

    def finish(self, step: int, round: int) -> None:
        """Write down that a step, or one round of it, is over."""
        self.finished.add((step, round))
        self._append({"step": step, "round": round, "finished": True})
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the files."""
        for file in (self._file, self._remarks):
            # every line has been written; what a full disk did not take is still in hand, and was told of
            with contextlib.suppress(OSError):
                file.close()

    def _append(self, entry: Mapping[str, Any]) -> None:
        with writing_down(self.run.folder):
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line that a kill left without its end, so that the next one begins on its own."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            # a line may be longer than what is read at a time
            start = max(0, end - 2**20)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            end = start + newline + 1
            if newline >= 0:
                break
        file.truncate(end)


class FolderUnusable(StoreUnavailable):
    """The folder of runs cannot be written to."""

    sentence = "runs cannot be written down in {folder} ({problem}): mend that, or name another folder in SFS_STATE_DIR"


@contextlib.contextmanager
def writing_down(folder: Path) -> Iterator[None]:
    """Turn an operating-system error of what is written under `folder` into DiskFull or FolderUnusable."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(folder=folder) from error
        raise FolderUnusable(folder=folder, problem=error.strerror or error) from error
