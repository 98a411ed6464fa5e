"""Clearing an offline store by deleting its objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sfs_core import ClearRequest, FeatureGroup, OfflineStore, Plan, Refused, StoreNotEnabled, TableFormat, spooled
from sfs_core.testing import ONE, TWO, filled, ids_in, new_group, objects_in, record
from sfs_plugins.clear import DeleteObjects
from tests.memory_session import Attempts, MemorySession

ROOT = "s3://feature-store/tests/000000000000/sagemaker/memory-1/offline-store/old-1748779200/"


def clear_of(session: MemorySession, settle: timedelta = timedelta(0)) -> Plan:
    return DeleteObjects().plan(request(session, session.group("old"), settle))


def request(session: MemorySession, group: FeatureGroup, settle: timedelta = timedelta(0)) -> ClearRequest:
    return ClearRequest(group, None, session.now(), max_workers=2, batch_records=2, settle=settle)


def test_the_plan_counts_objects_and_bytes(session: MemorySession, tmp_path: Path):
    filled(session.memory, new_group("old"), record("r1", ONE), record("r2", TWO))

    plan = spooled(clear_of(session, timedelta(minutes=15)), tmp_path, session)

    size = plan.steps[0].source.total_bytes  # type: ignore[attr-defined]
    assert plan.lines() == [
        "Clear memory:old",
        f"  1. 2 from objects under {ROOT} ({size:,} bytes) -> delete",
        f"  2. list again: objects under {ROOT} -> delete, until nothing is left",
        f"  3. after 15 minutes, list again: objects under {ROOT} -> delete, until nothing is left",
        f"  ! offline objects are deleted for good, all of them and only those under {ROOT}",
    ]


def test_every_object_goes_and_the_online_store_stays(session: MemorySession):
    group = filled(session.memory, new_group("old"), record("r1", ONE), record("r2", TWO))

    report = Attempts(session, clear_of(session)).go()

    assert report.exit_code == 0
    assert objects_in(session.memory, group) == []
    assert ids_in(session.memory, group) == ["r1", "r2"]


def test_objects_of_a_group_whose_name_begins_alike_stay(session: MemorySession):
    filled(session.memory, new_group("old"), record("r1", ONE))
    others = [filled(session.memory, new_group(name), record("r1", ONE)) for name in ("old-1", "old-17", "ol")]
    before = [objects_in(session.memory, other) for other in others]

    Attempts(session, clear_of(session)).go()

    assert [objects_in(session.memory, other) for other in others] == before


def test_an_iceberg_table_is_refused(session: MemorySession):
    group = filled(session.memory, new_group("old"))
    assert group.offline is not None
    iceberg = replace(group, offline=replace(group.offline, table_format=TableFormat.ICEBERG))

    with pytest.raises(Refused) as refused:
        DeleteObjects().plan(request(session, iceberg))

    assert str(refused.value) == (
        "the offline store of memory:old is an Iceberg table, which deleting files would corrupt, so nothing was "
        "changed: give --offline-by rows, which deletes its records in SQL, or --online-only"
    )


def test_a_group_without_an_offline_store_is_refused(session: MemorySession):
    filled(session.memory, new_group("old", offline=False))

    with pytest.raises(StoreNotEnabled, match="feature group 'memory:old' has no OfflineStore"):
        clear_of(session)


def test_an_empty_offline_store_is_a_plan_of_nothing(session: MemorySession):
    filled(session.memory, new_group("old"))

    report = Attempts(session, clear_of(session)).go()

    assert (report.exit_code, [step.records for step in report.steps]) == (0, [0, 0])


def test_the_configured_uri_is_never_the_root(session: MemorySession):
    store = OfflineStore("s3://feature-store/tests")

    assert store.root is None
