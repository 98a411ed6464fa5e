"""Clearing an online store record by record, planned and run on the memory store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfs_core import ClearRequest, ClearStrategy, Plan, Source, StoreNotEnabled, TargetStore, spooled
from sfs_core.testing import (
    FOUR,
    ONE,
    TWO,
    delete,
    filled,
    history,
    ids_in,
    new_group,
    online,
    put,
    record,
)
from sfs_plugins.clear import HardDelete, SoftDelete
from tests.memory_session import Attempts, MemorySession, ids

BOTH: list[HardDelete | SoftDelete] = [HardDelete(), SoftDelete()]


def clear_of(session: MemorySession, by: ClearStrategy, given: Source | None = None, **more: Any) -> Plan:
    """Return the plan of clearing the group `old`."""
    request = ClearRequest(session.group("old"), given, session.now(), max_workers=2, batch_records=2, **more)
    return by.plan(request)


def some_records(session: MemorySession, *record_ids: str, **more: Any) -> None:
    filled(session.memory, new_group("old", **more), *(record(one, ONE, city="Oslo") for one in record_ids))


def test_the_plan_says_what_will_be_deleted_and_when(session: MemorySession, tmp_path: Path):
    some_records(session, "r1", "r2", "r3")

    plan = spooled(clear_of(session, HardDelete(), ids("r1", "r2")), tmp_path, session)

    assert plan.lines() == [
        "Clear memory:old",
        "  1. 2 from given record ids -> hard-delete from memory:old at 2025-06-01T12:00:00Z",
        "  2. list again: those still online of given record ids -> hard-delete from memory:old at "
        "2025-06-01T12:00:00Z, until nothing is left",
        "  ! online records are removed for good: nothing of them can be brought back, and nothing stops an older "
        "version that is put again later",
    ]


def test_without_ids_a_hard_plan_lists_tombstones_too(session: MemorySession, tmp_path: Path):
    some_records(session, "r1", "r2")
    delete(session.memory, session.group("old"), "r2", at=TWO)

    plan = spooled(clear_of(session, HardDelete()), tmp_path, session)

    assert [str(step.line()) for step in plan.steps] == [
        "2 from record ids of the online store, soft-deleted ones too -> hard-delete from memory:old at "
        "2025-06-01T12:00:00Z",
        "list again: record ids of the online store, soft-deleted ones too -> hard-delete from memory:old at "
        "2025-06-01T12:00:00Z, until nothing is left",
    ]


def test_a_soft_plan_says_what_tombstones_do(session: MemorySession, tmp_path: Path):
    some_records(session, "r1", "r2")

    plan = spooled(clear_of(session, SoftDelete()), tmp_path, session)

    assert plan.lines() == [
        "Clear memory:old",
        "  1. 2 from record ids of the online store -> soft-delete from memory:old at 2025-06-01T12:00:00Z",
        "  2. list again: record ids of the online store -> soft-delete from memory:old at 2025-06-01T12:00:00Z, until "
        "nothing is left",
        "  ! online records are hidden for good and leave tombstones: a record put again shows only if its event time "
        "is later than 2025-06-01T12:00:00Z",
    ]


def test_a_hard_clear_leaves_nothing_not_even_tombstones(session: MemorySession):
    some_records(session, "r1", "r2", "r3")
    group = session.group("old")
    delete(session.memory, group, "r2", at=TWO)

    report = Attempts(session, clear_of(session, HardDelete())).go()

    assert report.exit_code == 0
    assert ids_in(session.memory, group, soft_deleted=True) == []


def test_a_migration_may_bring_older_records_after_a_hard_clear(session: MemorySession):
    some_records(session, "r1")
    group = session.group("old")
    delete(session.memory, group, "r1", at=FOUR)

    Attempts(session, clear_of(session, HardDelete())).go()
    put(session.memory, group, record("r1", TWO, city="Rome"))

    assert online(session.memory, group) == [{"id": "r1", "at": TWO, "city": "Rome"}]


def test_a_soft_clear_leaves_a_tombstone_for_each_record(session: MemorySession):
    some_records(session, "r1", "r2")
    group = session.group("old")

    report = Attempts(session, clear_of(session, SoftDelete())).go()

    assert report.exit_code == 0
    assert ids_in(session.memory, group) == []
    assert ids_in(session.memory, group, soft_deleted=True) == ["r1", "r2"]


@pytest.mark.parametrize("by", BOTH)
def test_records_of_the_future_are_deleted_as_well(session: MemorySession, by: HardDelete | SoftDelete):
    some_records(session)
    group = session.group("old")
    put(session.memory, group, record("r1", "2999-01-01T00:00:00.123456789Z"))

    report = Attempts(session, clear_of(session, by)).go()

    assert (report.exit_code, ids_in(session.memory, group)) == (0, [])


def test_a_tombstone_of_the_future_goes_in_a_hard_clear(session: MemorySession):
    some_records(session, "r1")
    group = session.group("old")
    delete(session.memory, group, "r1", at="2999-01-01T00:00:00Z")

    report = Attempts(session, clear_of(session, HardDelete())).go()

    assert (report.exit_code, ids_in(session.memory, group, soft_deleted=True)) == (0, [])


def test_event_times_in_seconds_are_cleared_too(session: MemorySession):
    group = filled(
        session.memory,
        new_group("old", event_time="at:Fractional"),
        record("r1", "1748736000.25"),
        record("r2", "99999999999.5"),
    )

    report = Attempts(session, clear_of(session, HardDelete())).go()

    assert (report.exit_code, ids_in(session.memory, group)) == (0, [])


@pytest.mark.parametrize("by", BOTH)
def test_no_delete_marker_reaches_the_offline_store(session: MemorySession, by: HardDelete | SoftDelete):
    some_records(session, "r1", "r2")
    before = history(session.memory, session.group("old"))

    Attempts(session, clear_of(session, by)).go()

    assert history(session.memory, session.group("old")) == before


@pytest.mark.parametrize("by", BOTH)
def test_records_with_other_ids_stay(session: MemorySession, by: HardDelete | SoftDelete):
    some_records(session, "r1", "r2", "r3")
    group = session.group("old")

    report = Attempts(session, clear_of(session, by, ids("r1", "r3", "not there"))).go()

    assert ids_in(session.memory, group) == ["r2"]
    assert report.lines()[1:] == [
        f"  1. 3 from given record ids -> {mode(by)} from memory:old at 2025-06-01T12:00:00Z: 3 done",
        f"  2. list again: those still online of given record ids -> {mode(by)} from memory:old at "
        "2025-06-01T12:00:00Z, until nothing is left: 0 done",
    ]


def mode(by: HardDelete | SoftDelete) -> str:
    return f"{by.name}-delete"


@pytest.mark.parametrize("by", BOTH)
def test_a_group_without_an_online_store_is_refused(session: MemorySession, by: HardDelete | SoftDelete):
    some_records(session, online=False)

    with pytest.raises(StoreNotEnabled, match="feature group 'memory:old' has no OnlineStore"):
        clear_of(session, by)


@pytest.mark.parametrize("by", BOTH)
def test_an_empty_group_is_a_plan_of_nothing(session: MemorySession, by: HardDelete | SoftDelete):
    some_records(session)

    report = Attempts(session, clear_of(session, by)).go()

    assert report.exit_code == 0
    assert [step.records for step in report.steps] == [0, 0]


def test_the_store_that_is_cleared_is_said_by_the_class():
    assert {by.name: by.clears for by in BOTH} == {"hard": TargetStore.ONLINE, "soft": TargetStore.ONLINE}


def test_settling_is_no_affair_of_the_online_store(session: MemorySession):
    some_records(session)

    assert clear_of(session, HardDelete(), settle=timedelta(minutes=15)) == clear_of(session, HardDelete())
