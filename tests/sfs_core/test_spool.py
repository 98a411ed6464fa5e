"""What a step works on, written down before anything is changed."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfs_core import (
    BadInput,
    CheckRecords,
    FeatureGroup,
    Given,
    Interrupted,
    LookUpRecords,
    MaxErrors,
    Message,
    OfflineObjects,
    OnError,
    Plan,
    Session,
    SourceUnreadable,
    Spooled,
    Step,
    TooManyErrors,
    record_ids,
    records_from,
    rows_of,
    say,
    spooled,
)
from sfs_core.testing import ONE, TWO, filled, new_group, record
from tests.memory_session import MemorySession, ids, memory_session
from tests.sfs_core.faulty import Numbered, Taking


@pytest.fixture
def session(tmp_path: Path) -> MemorySession:
    return memory_session(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run" / "spool"


def plan(*steps: Step, **more: Any) -> Plan:
    return Plan(say("A plan"), steps, **more)


def source_of(plan: Plan, step: int = 0) -> Spooled:
    source = plan.steps[step].source
    assert isinstance(source, Spooled)
    return source


def test_the_count_is_exact_and_batches_repeat(session: MemorySession, folder: Path):
    spool = source_of(spooled(plan(Step(Numbered(25), Taking())), folder, session))

    twice = [[batch.column(0).to_pylist() for batch in spool.slices(10)] for _ in range(2)]

    assert spool.count == 25
    assert twice[0] == twice[1] == [[str(n) for n in range(start, min(25, start + 10))] for start in (0, 10, 20)]


def test_ids_that_come_again_are_left_out_and_counted(session: MemorySession, folder: Path):
    spool = source_of(spooled(plan(Step(ids("b", "a", "b", "b"), Taking())), folder, session))

    assert str(spool.describe()) == "2 from given record ids (duplicates left out: 2)"
    assert [batch.column(0).to_pylist() for batch in spool.slices(10)] == [["b", "a"]]


def test_an_empty_source_is_written_down_as_well(session: MemorySession, folder: Path):
    spool = source_of(spooled(plan(Step(Numbered(0), Taking())), folder, session))

    assert (spool.count, list(spool.slices(10))) == (0, [])


def test_bytes_of_objects_are_added_up(session: MemorySession, folder: Path):
    group = filled(session.memory, new_group("orders"), record("r1", ONE), record("r2", TWO))
    sizes = [batch.column("size").to_pylist() for batch in session.memory.offline_objects(group)]

    spool = source_of(spooled(plan(Step(OfflineObjects(group), Taking())), folder, session))

    assert spool.total_bytes == sum(sizes[0])
    assert f"({sum(sizes[0]):,} bytes)" in str(spool.describe())


def test_what_is_written_down_is_not_asked_again(session: MemorySession, folder: Path):
    first = spooled(plan(Step(Numbered(3), Taking())), folder, session)

    second = spooled(plan(Step(Numbered(3, at_a_time=0), Taking())), folder, session)

    assert second == first
    assert second.to_json() == first.to_json()


def test_sources_that_are_asked_until_empty_are_not_asked_yet(session: MemorySession, folder: Path):
    step = Step(Numbered(3), Taking(), until_empty=True)

    assert spooled(plan(step), folder, session).steps == (step,)
    assert not folder.exists()


def test_what_is_written_down_is_private(session: MemorySession, folder: Path):
    spooled(plan(Step(Numbered(3), Taking())), folder, session)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["1.json", "1.parquet"]


def test_transforms_are_applied_on_the_way(session: MemorySession, folder: Path):
    group = filled(session.memory, new_group("orders"), record("r1", ONE, city="Oslo"))
    step = Step(ids("r1", "r2"), Taking(), through=(LookUpRecords(group),))

    written = spooled(plan(step), folder, session)

    spool = source_of(written)
    assert written.steps[0].through == ()
    assert [row for batch in spool.slices(10) for row in rows_of(batch)] == [{"id": "r1", "at": ONE, "city": "Oslo"}]
    assert (spool.read, spool.skipped) == (2, {"NotFound": 1})


def bad_records(session: MemorySession, count: int = 1) -> tuple[FeatureGroup, Given]:
    group = filled(session.memory, new_group("orders"))
    rows = [record(f"r{n}", ONE, items="many" if n < count else "1") for n in range(3)]
    return group, Given(say("given records"), records_from(group.features, rows))


def test_a_bad_record_stops_everything_before_anything_is_changed(session: MemorySession, folder: Path):
    group, given = bad_records(session)

    with pytest.raises(BadInput) as refused:
        spooled(plan(Step(given, Taking(), through=(CheckRecords(group),))), folder, session)

    assert str(refused.value) == (
        "record 1 of given records: feature 'items' is Integral, and 'many' is not: give a whole number from "
        "-9223372036854775808 to 9223372036854775807; nothing was written: mend it, or give --on-error skip"
    )


def test_with_skip_a_bad_record_is_counted_told_and_left_out(session: MemorySession, folder: Path):
    group, given = bad_records(session)
    told: list[tuple[int, str]] = []

    written = spooled(
        plan(Step(given, Taking(), through=(CheckRecords(group),)), on_error=OnError.SKIP),
        folder,
        session,
        lambda step, before, records, remarks: told.extend((before + remark.row, remark.code) for remark in remarks),
    )

    assert (source_of(written).count, source_of(written).failed, told) == (2, {"BadValue": 1}, [(0, "BadValue")])
    assert str(source_of(written).describe()) == "2 from given records (rejected: 1)"


def test_more_bad_records_than_allowed_stop_everything(session: MemorySession, folder: Path):
    group, given = bad_records(session, count=2)

    with pytest.raises(TooManyErrors, match="2 records of given records are bad, more than --max-errors allows"):
        spooled(
            plan(
                Step(given, Taking(), through=(CheckRecords(group),)),
                on_error=OnError.SKIP,
                max_errors=MaxErrors(count=1),
            ),
            folder,
            session,
        )


@dataclass(frozen=True)
class Breaking:
    """A source that breaks after its first batch."""

    error: Exception

    def describe(self) -> Message:
        return say("a source that breaks")

    def batches(self, session: Session) -> Iterator[Any]:
        yield record_ids(["r1"])
        raise self.error


def test_a_source_that_breaks_is_blamed_itself(session: MemorySession, folder: Path):
    with pytest.raises(SourceUnreadable) as refused:
        spooled(plan(Step(Breaking(ConnectionResetError(104, "Connection reset by peer")), Taking())), folder, session)

    assert str(refused.value) == "a source that breaks cannot be read: Connection reset by peer"


def test_a_source_that_broke_is_read_from_its_beginning_again(session: MemorySession, folder: Path):
    with pytest.raises(RuntimeError):
        spooled(plan(Step(Breaking(RuntimeError()), Taking())), folder, session)

    spool = source_of(spooled(plan(Step(ids("r1", "r2"), Taking())), folder, session))

    assert (spool.count, spool.duplicates) == (2, 0)


def test_reading_stops_when_asked_to(session: MemorySession, folder: Path):
    session.stop.set()

    with pytest.raises(Interrupted):
        spooled(plan(Step(Numbered(3), Taking())), folder, session)

    assert not list(folder.glob("*.json"))


def test_the_facts_beside_the_file_say_that_it_is_whole(session: MemorySession, folder: Path):
    spooled(plan(Step(Numbered(3), Taking())), folder, session)

    assert json.loads((folder / "1.json").read_text()) == {
        "count": 3,
        "skipped": {},
        "failed": {},
        "duplicates": 0,
        "total_bytes": None,
        "versions": None,
    }


def test_features_that_are_called_as_counts_are_texts_and_not_added_up(session: MemorySession, folder: Path):
    import pyarrow as pa

    names = ("key", "size", "day", "records")
    records = pa.record_batch([pa.array(["a", "b"])] * len(names), names=names)

    (step,) = spooled(plan(Step(Given(say("records at hand"), records), Taking())), folder, session).steps

    assert isinstance(step.source, Spooled)
    assert (step.source.count, step.source.total_bytes, step.source.versions) == (2, None, None)
