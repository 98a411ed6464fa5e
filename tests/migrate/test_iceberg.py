"""Migrations from and into groups whose offline store is an Iceberg table, on the embedded store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sfs_core import DAY, FeatureGroup, NewFeatureGroup, TableFormat
from sfs_core.testing import ONE, TWO, delete, filled, history, latest, new_group, online, put, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs

LATER = "2025-06-02T00:00:00Z"
LATEST = [record("1", TWO, city="Rome"), record("2", LATER, city="Bonn")]


def group(name: str, table_format: TableFormat, *, online: bool = True) -> NewFeatureGroup:
    new = new_group(name, online=online)
    assert new.offline is not None
    return replace(new, offline=replace(new.offline, table_format=table_format))


@contextmanager
def opened(sfs: Sfs) -> Iterator[LocalStore]:
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    try:
        yield store
    finally:
        store.close()


def make_source(sfs: Sfs) -> FeatureGroup:
    """Make an offline-only Iceberg group: two live records, one with an older version, and a deleted one."""
    with opened(sfs) as store:
        source = filled(
            store,
            group("old", TableFormat.ICEBERG, online=False),
            record("1", ONE, city="Oslo"),
            record("1", TWO, city="Rome"),
            record("2", LATER, city="Bonn"),
            record("3", ONE, city="Kiel"),
        )
        delete(store, source, "3", at=TWO)
        return source


@pytest.mark.parametrize("table_format", [TableFormat.GLUE, TableFormat.ICEBERG])
def test_an_offline_only_iceberg_group_gets_an_online_store(sfs: Sfs, table_format: TableFormat):
    make_source(sfs)
    with opened(sfs) as store:
        target = filled(store, group("new", table_format))

    answer = sfs.ok("migrate old new --force --verify full")

    assert "2 done" in answer.stderr
    with opened(sfs) as store:
        assert online(store, target) == LATEST
        assert latest(store, target) == LATEST
    sfs.ok("verify old new")


def test_its_history_is_replayed_and_deleted_records_stay_deleted(sfs: Sfs):
    make_source(sfs)
    with opened(sfs) as store:
        target = filled(store, group("new", TableFormat.ICEBERG))

    sfs.ok("migrate old new --what history --force")

    with opened(sfs) as store:
        assert online(store, target) == LATEST
        assert len(history(store, target)) == 5


def test_create_target_makes_an_iceberg_table_like_the_source_has_one(sfs: Sfs):
    make_source(sfs)

    sfs.ok("migrate old new --create-target --force")

    with opened(sfs) as store:
        target = store.describe("new")
        assert target.offline is not None
        assert target.offline.table_format is TableFormat.ICEBERG
        assert online(store, target) == LATEST


def test_an_iceberg_target_is_cleared_in_sql_and_goes_on(sfs: Sfs):
    make_source(sfs)
    with opened(sfs) as store:
        target = filled(store, group("new", TableFormat.ICEBERG), record("9", LATER, city="gone"))

    answer = sfs.ok("migrate old new --clear-target --force --verify full")

    assert "1 from event days in the offline store of dev:new (1 versions) -> delete every version" in answer.stderr
    with opened(sfs) as store:
        assert online(store, target) == LATEST
        assert latest(store, target) == LATEST
        assert sum(row["records"] for batch in store.offline_days(target) for row in batch.to_pylist()) == 2


def test_an_option_of_another_way_to_clear_the_target_is_refused(sfs: Sfs):
    make_source(sfs)
    with opened(sfs) as store:
        target = filled(store, group("new", TableFormat.ICEBERG), record("9", LATER, city="kept"))

    answer = sfs("migrate old new --clear-target --purge-versions --force")

    assert (answer.code, answer.stderr) == (
        2,
        "error: --purge-versions belongs to --offline-by objects, and rows is used: leave it out\n",
    )
    with opened(sfs) as store:
        assert latest(store, target) == [record("9", LATER, city="kept")]


def test_resuming_after_the_target_was_cleared_deletes_nothing_of_what_was_put(sfs: Sfs):
    make_source(sfs)
    with opened(sfs) as store:
        target = filled(store, group("new", TableFormat.ICEBERG), record("9", LATER, city="gone"))
    assert sfs("migrate old new --clear-target --force --where", "\"city\" <> 'x'", "--max-errors", "0").code == 0
    with opened(sfs) as store:
        put(store, target, record("7", LATER, city="Turin"))

    (run,) = sfs.ok("runs list --output json").json
    refused = sfs(f"runs resume {run['run']}")

    assert refused.code == 4
    with opened(sfs) as store:
        days = [row[DAY] for batch in store.offline_days(target) for row in batch.to_pylist()]
        assert sorted(days) == ["2025-06-01", "2025-06-02"]
        assert record("7", LATER, city="Turin") in latest(store, target)
