"""Feature groups with an Iceberg table in the embedded store: once and only once, and readable by others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable

from sfs_core import (
    BadDefinition,
    FeatureDefinition,
    GroupChange,
    NewFeatureGroup,
    Refused,
    StoreUnavailable,
    TableFormat,
)
from sfs_core.testing import NOON, ONE, TWO, created, history, latest, new_group, put, record
from sfs_plugins.local_store import LocalStore

DAYS = 5
DIE = """
from sfs_plugins.local_store.table_pointer import TablePointer
from sfs_plugins.iceberg.file_io import FolderIO
"""
WRITE = """
group = store.describe("orders")
put(store, group, *(record(str(one), f"2025-06-0{one % 5 + 1}T00:00:00Z", items=str(one)) for one in range(30)))
"""
MOMENTS = {
    "before a data file is whole": "die_after(0, FolderIO, 'place')",
    "after some data files are in place": "die_after(2, FolderIO, 'place')",
    "before the metadata file is written": f"die_after({DAYS + 2}, FolderIO, 'place')",
    "between the metadata file and the pointer": "die_after(0, TablePointer, 'swap')",
    "before the pointer's move is committed": "buffer.end = end_and_die",
}


def iceberg(name: str = "orders", *features: str) -> NewFeatureGroup:
    new = new_group(name, *features)
    assert new.offline is not None
    return replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_while_settling_neither_loses_nor_doubles_a_version(
    moment: str, store: LocalStore, child: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    group = created(store, iceberg())

    killed = child(DIE + MOMENTS[moment] + WRITE)
    killed.communicate(timeout=60)
    versions = history(store, group)

    assert killed.returncode == 9
    assert sorted(int(str(version["items"])) for version in versions) == list(range(30))
    assert len(list(folder.rglob("*.parquet"))) == DAYS
    assert list(folder.rglob("*.writing/*")) == []


def test_a_process_killed_before_the_table_is_made_leaves_a_group_that_works(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    make = """
from dataclasses import replace
new = new_group("orders")
store.create(replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG)))
"""

    killed = child(DIE + MOMENTS["between the metadata file and the pointer"] + make)
    killed.communicate(timeout=60)
    group = store.describe("orders")
    assert store.table_metadata(group) is not None
    put(store, group, record("1", ONE))

    assert killed.returncode == 9
    assert latest(store, group) == [record("1", ONE)]


def test_the_pointer_moves_only_from_where_it_was_and_within_the_groups_root(store: LocalStore) -> None:
    group, other = created(store, iceberg()), created(store, iceberg("others"))
    first = store.table_metadata(group)
    assert first is not None
    put(store, group, record("1", ONE))
    second = store.table_metadata(group)
    assert second is not None

    assert store.swap_table_metadata(group, first, first) is False
    assert store.table_metadata(group) == second
    assert store.swap_table_metadata(group, second, first) is True
    assert history(store, group) == []
    with pytest.raises(Refused):
        store.swap_table_metadata(group, first, str(store.table_metadata(other)))


def test_a_group_without_an_iceberg_table_has_no_metadata_file(store: LocalStore) -> None:
    assert store.table_metadata(created(store, new_group())) is None


def test_the_table_of_a_deleted_group_is_found_by_its_version_hint(store: LocalStore, folder: Path) -> None:
    group = created(store, iceberg())
    put(store, group, record("1", ONE), record("2", TWO))

    store.delete("orders")

    [hint] = folder.rglob("version-hint.text")
    metadata = StaticTable.from_metadata(str(hint.parent / hint.read_text()))
    snapshot = metadata.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary["total-records"] == "2"
    assert list((folder / "groups").iterdir()) == []


def test_a_feature_may_not_have_the_name_of_the_partitions(store: LocalStore) -> None:
    created(store, iceberg())

    with pytest.raises(BadDefinition) as refused:
        store.update("orders", GroupChange(add_features=(FeatureDefinition.parse("At_trunc:String"),)))

    assert "the partitions of its Iceberg table have the name 'at_trunc' already" in str(refused.value)


def test_a_group_may_have_a_feature_of_that_name_from_the_start(store: LocalStore) -> None:
    group = created(store, iceberg("orders", "at_trunc:String", "city-name:String"))

    put(store, group, record("1", ONE, at_trunc="x", **{"city-name": "Oslo"}))

    assert latest(store, group) == [record("1", ONE, at_trunc="x", **{"city-name": "Oslo"})]


def test_without_pyiceberg_an_iceberg_group_is_refused_with_what_to_install(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyiceberg", None)

    with pytest.raises(BadDefinition) as refused:
        store.create(iceberg())

    assert "sfs-local-store[iceberg]" in str(refused.value)
    monkeypatch.undo()
    assert created(store, iceberg()).created_at == NOON


def test_a_table_whose_metadata_is_gone_is_told_of_and_what_is_buffered_stays(
    open_store: Callable[..., LocalStore], folder: Path
) -> None:
    store = open_store(offline_delay=900.0)
    group = created(store, iceberg())
    put(store, group, record("1", ONE))
    [metadata] = folder.rglob("*.metadata.json")
    kept = metadata.read_bytes()
    metadata.unlink()

    with pytest.raises(StoreUnavailable):
        store.settle(group)

    metadata.write_bytes(kept)
    assert latest(store, group) == [record("1", ONE)]
