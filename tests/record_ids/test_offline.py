"""Record ids of the offline store of the embedded store: by a query of its files, and from their id column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sfs_core import FeatureGroup, GlueTable, RecordIdSource, Session
from sfs_core.testing import ONE, RecordIdSourceContract, delete, filled, memory_session, new_group, record
from sfs_plugins.local_store import LocalStore
from sfs_plugins.record_ids import QueriedRecordIds, ScannedRecordIds
from tests.conftest import Sfs

BOTH = pytest.mark.parametrize("source", ["athena", "s3-scan"])


@pytest.fixture
def group(sfs: Sfs) -> FeatureGroup:
    """A group of the ids 1, 2 and, by its delete marker alone, 3."""
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    group = filled(store, new_group("orders"), record("1", ONE), record("2", ONE))
    delete(store, group, "3", at=ONE)
    store.close()
    return group


def folder_of(sfs: Sfs, group: FeatureGroup) -> Path:
    assert group.offline is not None and group.offline.root is not None
    return sfs.store / "s3" / group.offline.root.removeprefix("s3://")


@BOTH
def test_every_verb_that_takes_ids_takes_them(sfs: Sfs, group: FeatureGroup, source: str):
    got = sfs(f"bulk-get orders --ids {source}")
    cleared = sfs.ok(f"clear orders --online-only --ids {source} --dry-run")
    migrated = sfs.ok(f"migrate orders copy --create-target --ids {source} --force")
    deleted = sfs.ok(f"bulk-delete orders --ids {source} --force")

    assert got.stderr == "2 of 3 records found\n"
    assert "  1. 3 from record ids " in cleared.stderr
    assert ": 2 done" in migrated.stderr
    assert ": 3 done" in deleted.stderr


@BOTH
def test_no_ids_are_an_error(sfs: Sfs, source: str):
    LocalStore(connection="dev", clock=sfs.clock, path=sfs.store).create(new_group("orders"))

    answer = sfs(f"clear orders --online-only --ids {source} --force")

    assert answer.code == 4
    assert answer.stderr == (
        "error: the offline store of dev:orders shows no record ids, so nothing was done: what was put lately lands "
        "there up to 15 minutes late; try again then, or give --ids online\n"
    )


def test_a_table_that_was_brought_along_and_shows_nothing_of_the_group_is_named(sfs: Sfs):
    store, new = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store), new_group("orders")
    assert new.offline is not None
    brought = replace(new.offline, table=GlueTable("shared", "everything"), disable_glue_table=True)
    group = filled(store, replace(new, offline=brought))
    store.close()

    answer = sfs("clear orders --online-only --ids athena --force")

    assert group.offline is not None
    assert (answer.code, answer.stderr) == (
        4,
        "error: table shared.everything, which was not made for dev:orders, shows no record ids under "
        f"{group.offline.root}, and others may not be the group's, so nothing was done: give --ids s3-scan or "
        "--ids online\n",
    )


@BOTH
def test_a_group_without_an_offline_store_has_no_such_ids(sfs: Sfs, source: str):
    LocalStore(connection="dev", clock=sfs.clock, path=sfs.store).create(new_group("orders", offline=False))

    answer = sfs(f"bulk-get orders --ids {source}")

    assert answer.code == 2
    assert answer.stderr.startswith("error: feature group ") and " has no OfflineStore" in answer.stderr


def test_a_foreign_file_is_an_error_of_a_scan(sfs: Sfs, group: FeatureGroup):
    (folder_of(sfs, group) / "notes.txt").write_text("x" * 100)

    answer = sfs("bulk-delete orders --ids s3-scan --force")

    assert answer.code == 4
    assert "/notes.txt is not a Parquet file of dev:orders (Parquet magic bytes not found" in answer.stderr
    assert sfs.ok("get orders 1").code == 0


class _OnDisk(RecordIdSourceContract):
    @pytest.fixture
    def session(self, tmp_path: Path) -> Session:
        session = memory_session(tmp_path)
        store = LocalStore(connection="memory", clock=session.clock, path=tmp_path / "store")
        session._opened["memory"] = store
        return session


class TestQueriedOnDisk(_OnDisk):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return QueriedRecordIds(group)


class TestScannedOnDisk(_OnDisk):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return ScannedRecordIds(group)
