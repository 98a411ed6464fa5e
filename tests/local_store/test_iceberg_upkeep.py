"""Upkeep of Iceberg tables that another tool has changed: nothing of others goes, and no value is taken for a day."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.table import Table
from pyiceberg.table.update import SetLocationUpdate

from sfs_core import FeatureGroup, NewFeatureGroup, Refused, StoreUnavailable, TableFormat
from sfs_core.testing import ONE, created, history, new_group, put, record
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.tables import open_table
from sfs_plugins.local_store import LocalStore


@dataclass
class Held:
    """The pointer of a group's table, as clients of the store move it."""

    store: LocalStore
    group: FeatureGroup

    def location(self) -> str | None:
        return self.store.table_metadata(self.group)

    def swap(self, old: str | None, new: str) -> bool:
        return self.store.swap_table_metadata(self.group, old, new)


def iceberg(name: str = "orders", s3_uri: str | None = None) -> NewFeatureGroup:
    new = new_group(name)
    assert new.offline is not None
    place = s3_uri or new.offline.s3_uri
    return replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG, s3_uri=place))


def opened(store: LocalStore, group: FeatureGroup) -> Table:
    return open_table(Held(store, group), FolderIO(store.path))


def root_of(group: FeatureGroup) -> str:
    assert group.offline is not None
    return str(group.offline.root)


def aged(folder: Path) -> list[Path]:
    """Make every object old, and return them all."""
    files = sorted(path for path in (folder / "s3").rglob("*") if path.is_file())
    for path in files:
        os.utime(path, (0, 0))
    return files


def test_a_table_that_was_given_a_wider_place_removes_nothing_there(store: LocalStore, folder: Path) -> None:
    group, other = created(store, iceberg()), created(store, new_group("others"))
    for one in (group, other):
        put(store, one, record("1", ONE))
        store.settle(one)
    with opened(store, group).transaction() as change:
        change.set_properties({"write.metadata.path": f"{root_of(group)}metadata"})
    with opened(store, group).transaction() as change:
        above = root_of(group).rstrip("/").rpartition("/")[0]
        change._updates += (SetLocationUpdate(location=above),)
    before = aged(folder)

    with pytest.raises(Refused):
        store.compact(group)

    assert [path for path in before if not path.exists()] == []
    assert len(history(store, other)) == 1


def test_a_table_around_another_group_removes_nothing_of_that_group(store: LocalStore, folder: Path) -> None:
    group = created(store, iceberg())
    inner = created(store, iceberg("inner", root_of(group).rstrip("/")))
    for one in (group, inner):
        put(store, one, record("1", ONE))
        store.settle(one)
    before = aged(folder)

    with pytest.raises(Refused):
        store.compact(group)

    assert [path for path in before if not path.exists()] == []
    assert len(history(store, inner)) == 1


def test_records_without_an_event_time_stay_without_a_day_when_compacted(store: LocalStore) -> None:
    group = created(store, iceberg())
    put(store, group, record("1", ONE))
    store.settle(group)
    table = opened(store, group)
    for _ in range(2):
        some = table.scan().to_arrow()
        place = some.column_names.index(group.event_time)
        nothing = pa.nulls(1, some.schema.field(place).type)
        table.append(some.slice(0, 1).set_column(place, some.field(place), nothing))

    store.compact(group)

    table = opened(store, group)
    assert table.scan(f"{group.event_time} IS NULL").to_arrow().num_rows == 2
    assert len(list(table.scan().plan_files())) == 2


@pytest.mark.parametrize("damage", [b"", b"not Iceberg at all"], ids=["empty", "other bytes"])
def test_a_damaged_data_file_is_told_of_in_one_sentence_and_nothing_goes(
    store: LocalStore, folder: Path, damage: bytes
) -> None:
    group = created(store, iceberg())
    for number in range(2):
        put(store, group, record(str(number), ONE))
        store.settle(group)
    for path in folder.rglob("*.parquet"):
        path.write_bytes(damage)
    before = aged(folder)

    with pytest.raises(
        StoreUnavailable, match=r"^s3://.*, a file of an Iceberg table, is damaged or missing \(.+\), so nothing"
    ):
        store.compact(group)

    assert [path for path in before if not path.exists()] == []
