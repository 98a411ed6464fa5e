"""Clearing an offline store that is an Iceberg table: by its days, in the words of SQL, never by its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sfs_core import (
    DAY,
    Batch,
    ClearRequest,
    Fact,
    FeatureGroup,
    NewFeatureGroup,
    Plan,
    StoreNotEnabled,
    StoreUnavailable,
    TableFormat,
    spooled,
)
from sfs_core.testing import ONE, TWO, filled, history, ids_in, latest, new_group, objects_in, put, record
from sfs_plugins.clear import DeleteRows
from sfs_plugins.clear.rows import NoIcebergTable
from sfs_plugins.local_store import LocalStore
from tests.clear.local import store_of
from tests.conftest import Answer, Sfs
from tests.memory_session import Attempts, MemorySession
from tests.parts import plugin

LATER = "2025-06-02T00:00:00Z"


def iceberg(name: str = "old", *, online: bool = True) -> NewFeatureGroup:
    new = new_group(name, online=online)
    assert new.offline is not None
    return replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG))


def request(session: MemorySession, settle: timedelta = timedelta(0)) -> ClearRequest:
    group = session.group("old")
    return ClearRequest(group, None, session.now(), max_workers=2, batch_records=2, settle=settle)


def clear_of(session: MemorySession, settle: timedelta = timedelta(0)) -> Plan:
    return DeleteRows().plan(request(session, settle))


def test_the_plan_counts_days_and_versions_and_says_what_stays(session: MemorySession, tmp_path: Path):
    filled(session.memory, iceberg(), record("r1", ONE), record("r1", TWO), record("r2", LATER))

    plan = spooled(clear_of(session, timedelta(minutes=15)), tmp_path, session)

    days, delete = "event days in the offline store of memory:old", "delete every version"
    assert plan.lines() == [
        "Clear memory:old",
        f"  1. 2 from {days} (3 versions) -> {delete}",
        f"  2. list again: {days} -> {delete}, until nothing is left",
        f"  3. after 15 minutes, list again: {days} -> {delete}, until nothing is left",
        "  4. 1 from Iceberg table of memory:old -> compact it, and let go of old snapshots",
        "  ! offline records are deleted for good, all of them and only those of the group's own Iceberg table",
        "  ! their bytes stay, and can be read as of an earlier time, until the table's snapshots reach their age "
        "(5 days unless its properties say otherwise) and it is compacted again: its properties are left as they are",
    ]


@pytest.mark.parametrize(
    ("keeps", "note"),
    [
        (True, "the bucket of {root} keeps older versions, so bytes remain there even of files that are removed then"),
        (None, "whether the bucket of {root} keeps older versions is not known: if it does, bytes remain there"),
    ],
)
def test_the_plan_says_that_a_versioned_bucket_keeps_bytes(session: MemorySession, keeps: bool | None, note: str):
    group = filled(session.memory, iceberg())

    plan = DeleteRows().plan(replace(request(session), keeps_versions=keeps))

    assert group.offline is not None
    assert str(plan.notes[-1]) == note.format(root=group.offline.root)


def test_a_group_without_an_iceberg_table_is_refused(session: MemorySession):
    filled(session.memory, new_group("old"))

    with pytest.raises(NoIcebergTable) as refused:
        clear_of(session)

    assert str(refused.value) == (
        "the offline store of memory:old is not an Iceberg table, and only such a one can be emptied by SQL, so "
        "nothing was changed: give --offline-by objects, or leave --offline-by out"
    )


def test_a_group_without_an_offline_store_is_refused(session: MemorySession):
    filled(session.memory, new_group("old", offline=False))

    with pytest.raises(StoreNotEnabled):
        clear_of(session)


def test_every_version_goes_and_the_online_store_stays(session: MemorySession):
    group = filled(session.memory, iceberg(), record("r1", ONE), record("r2", LATER))

    report = Attempts(session, clear_of(session)).go()

    assert report.exit_code == 0
    assert history(session.memory, group) == []
    assert ids_in(session.memory, group) == ["r1", "r2"]


# the command line, on the embedded store


def make(sfs: Sfs, name: str = "orders", *, online: bool = True) -> FeatureGroup:
    rows = (record(f"r{number}", f"2025-05-0{1 + number % 5}T00:00:00Z", city="Oslo") for number in range(12))
    with store_of(sfs) as store:
        return filled(store, iceberg(name, online=online), *rows)


def versions(sfs: Sfs, group: FeatureGroup) -> int:
    with store_of(sfs) as store:
        return len(history(store, group))


def test_the_way_that_fits_the_table_format_is_taken_by_itself(sfs: Sfs):
    group = make(sfs)

    answer = sfs.ok("clear orders --force")

    assert "3. 5 from event days in the offline store of dev:orders (12 versions) -> delete every version" in (
        answer.stderr
    )
    assert versions(sfs, group) == 0
    with store_of(sfs) as store:
        put(store, group, record("new", TWO, city="Rome"))
        assert latest(store, group) == [record("new", TWO, city="Rome")]


def test_objects_of_an_iceberg_table_are_not_deleted_even_if_asked_for(sfs: Sfs):
    group = make(sfs)

    answer = sfs("clear orders --force --offline-by objects")

    assert (answer.code, answer.stderr) == (
        4,
        "error: the offline store of dev:orders is an Iceberg table, which deleting files would corrupt, so nothing "
        "was changed: give --offline-by rows, which deletes its records in SQL, or --online-only\n",
    )
    assert versions(sfs, group) == 12


def test_rows_of_a_group_in_the_glue_format_are_refused(sfs: Sfs):
    with store_of(sfs) as store:
        group = filled(store, new_group("orders"), record("r1", ONE))

    answer = sfs("clear orders --force --offline-by rows")

    assert answer.code == 4
    assert versions(sfs, group) == 1


def test_an_option_of_the_other_way_is_refused_and_not_passed_over(sfs: Sfs):
    group = make(sfs)

    answer = sfs("clear orders --force --purge-versions")

    assert (answer.code, answer.stderr) == (
        2,
        "error: --purge-versions belongs to --offline-by objects, and rows is used: leave it out\n",
    )
    assert versions(sfs, group) == 12


def test_the_deletion_cap_counts_versions_and_not_days(sfs: Sfs):
    group = make(sfs, online=False)

    refused = sfs("clear orders --force --max-delete 11")

    assert refused.code == 7
    assert "12" in refused.stderr
    assert versions(sfs, group) == 12
    sfs.ok("clear orders --force --max-delete 12")
    assert versions(sfs, group) == 0


def on_store(sfs: Sfs, **methods: object) -> None:
    store = type("Disturbed", (LocalStore,), {"name": "disturbed", **methods})
    sfs.plugins.append(("disturbed", plugin(sfs_stores=[store])))
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "disturbed"\npath = "{sfs.store}"\n')


def resumed(sfs: Sfs) -> Answer:
    sfs.plugins.clear()
    on_store(sfs)
    (run,) = sfs.ok("runs list --output json").json
    return sfs(f"runs resume {run['run']} --force")


def test_the_cap_holds_for_what_is_found_later_too(sfs: Sfs):
    group = make(sfs, online=False)

    def delete_days(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        yield from LocalStore.delete_days(self, group, batches)
        put(self, group, record("late", TWO), record("later", TWO), record("latest", TWO))

    on_store(sfs, delete_days=delete_days)

    answer = sfs("clear orders --force --max-delete 14")

    assert answer.code == 7
    assert versions(sfs, group) == 3


def test_a_deletion_that_fails_half_way_is_no_success_and_can_be_resumed(sfs: Sfs):
    group = make(sfs, online=False)

    def delete_days(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        for batch in batches:
            part = Batch(0, batch.records.slice(0, 1))
            list(LocalStore.delete_days(self, group, [part]))
            raise StoreUnavailable(store="local", problem="it went away")
        yield from ()

    on_store(sfs, delete_days=delete_days)

    answer = sfs("clear orders --force")

    assert answer.code == 12
    assert 0 < versions(sfs, group) < 12
    assert resumed(sfs).code == 0
    assert versions(sfs, group) == 0


def test_files_are_not_looked_after_before_the_table_is_empty(sfs: Sfs):
    """What always comes back is told of, and nothing of the table's past is let go of meanwhile."""
    group, compacted = make(sfs, online=False), list[str]()

    def offline_days(self: LocalStore, group: FeatureGroup) -> Iterator[object]:
        put(self, group, record("again", TWO))
        return LocalStore.offline_days(self, group)

    def compact(self: LocalStore, group: FeatureGroup) -> None:
        compacted.append(group.name)

    on_store(sfs, offline_days=offline_days, compact=compact)

    answer = sfs("clear orders --force")

    assert answer.code == 4
    assert compacted == []
    assert versions(sfs, group) > 0


def test_a_compaction_that_fails_is_told_and_done_again_by_a_resumed_run(sfs: Sfs):
    group = make(sfs, online=False)

    def compact(self: LocalStore, group: FeatureGroup) -> None:
        raise StoreUnavailable(store="local", problem="it went away")

    on_store(sfs, compact=compact)

    assert sfs("clear orders --force").code == 12
    assert versions(sfs, group) == 0
    assert resumed(sfs).code == 0


def test_a_failed_listing_never_passes_for_an_empty_table(sfs: Sfs):
    group = make(sfs, online=False)

    def offline_days(self: LocalStore, group: FeatureGroup) -> Iterator[object]:
        raise StoreUnavailable(store="local", problem="it went away")

    on_store(sfs, offline_days=offline_days)

    assert sfs("clear orders --force").code == 12
    assert versions(sfs, group) == 12


def test_a_group_made_anew_between_plan_and_deed_keeps_its_records(sfs: Sfs):
    group = make(sfs, online=False)

    def delete_days(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        self.delete(group.name)
        sfs.clock.instant = sfs.clock.instant.plus(10**9)
        filled(self, iceberg("orders", online=False), record("new", TWO))
        return LocalStore.delete_days(self, group, batches)

    on_store(sfs, delete_days=delete_days)

    answer = sfs("clear orders --force")

    assert answer.code == 4
    with store_of(sfs) as store:
        again = store.describe("orders")
        assert again.created_at != group.created_at
        assert latest(store, again) == [record("new", TWO)]


def test_a_group_whose_name_begins_alike_is_left_alone(sfs: Sfs):
    make(sfs, "fg-1")
    other = make(sfs, "fg-17")
    with store_of(sfs) as store:
        before = objects_in(store, other)

    sfs.ok("clear fg-1 --force")

    assert versions(sfs, other) == 12
    with store_of(sfs) as store:
        assert objects_in(store, other) == before


def test_a_dry_run_changes_nothing(sfs: Sfs):
    group = make(sfs)

    sfs.ok("clear orders --dry-run")

    assert versions(sfs, group) == 12


def test_days_are_deleted_as_they_were_written_down(session: MemorySession, tmp_path: Path):
    filled(session.memory, iceberg(), record("r1", ONE), record("r2", LATER), record("r3", "2025-06-03T00:00:00Z"))

    plan = spooled(clear_of(session), tmp_path, session)

    (first, second) = plan.steps[0].source.slices(2)  # type: ignore[attr-defined]
    assert sorted([*first.column(DAY).to_pylist(), *second.column(DAY).to_pylist()]) == [
        "2025-06-01", "2025-06-02", "2025-06-03",
    ]  # fmt: skip
