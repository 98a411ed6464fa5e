"""A damaged Iceberg table is one clear error wherever it is met; what is buffered waits until the table is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from sfs_core import (
    DAY,
    Batch,
    FeatureDefinition,
    FeatureGroup,
    GroupChange,
    OfflineQuery,
    Versions,
)
from sfs_core.testing import ONE, TWO, created, latest, new_group, put, record
from sfs_plugins.iceberg.errors import DamagedTable
from sfs_plugins.local_store import LocalStore
from sfs_plugins.sandbox.settling import settle_all
from tests.local_store.test_iceberg_upkeep import aged, iceberg

DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3]),
    "other bytes": lambda path: path.write_bytes(b"\xff\x00Iceberg" * 200),
    "gone": lambda path: path.unlink(),
}


def day(text: str) -> Batch:
    return Batch(0, pa.record_batch({DAY: [text]}))


READING: dict[str, Callable[[LocalStore, FeatureGroup], object]] = {
    "latest": lambda store, group: list(store.versions(group, OfflineQuery(Versions.LATEST))),
    "history": lambda store, group: list(store.versions(group, OfflineQuery(Versions.HISTORY))),
    "ids": lambda store, group: list(store.offline_record_ids(group)),
    "days": lambda store, group: list(store.offline_days(group)),
    "delete days": lambda store, group: list(store.delete_days(group, [day("2025-06-01")])),
    "compact": lambda store, group: store.compact(group),
}
ADDING: dict[str, Callable[[LocalStore, FeatureGroup], object]] = {
    "settle": lambda store, group: store.settle(group),
    "delete": lambda store, group: store.delete(group.name),
}
GROWING: dict[str, Callable[[LocalStore, FeatureGroup], object]] = {
    "add a feature": lambda store, group: store.update(
        group.name, GroupChange(add_features=(FeatureDefinition.parse("colour:String"),))
    ),
}
# what only adds records reads no manifest, and what only adds a column not even their list
MET: dict[str, dict[str, Callable[[LocalStore, FeatureGroup], object]]] = {
    "*.metadata.json": READING | ADDING | GROWING,
    "snap-*.avro": READING | ADDING,
    "*-m0.avro": READING,
}


@pytest.fixture
def filled(open_store: Callable[..., LocalStore]) -> Iterator[tuple[LocalStore, FeatureGroup]]:
    """A store with two snapshots in a group's table, and one record buffered for it."""
    store = open_store(offline_delay=900.0)
    group = created(store, iceberg())
    for number in range(2):
        put(store, group, record(str(number), ONE))
        store.settle(group)
    put(store, group, record("buffered", TWO))
    yield store, group


@pytest.mark.parametrize("files", MET)
def test_a_damaged_table_is_one_clear_error_and_mended_it_has_everything(
    filled: tuple[LocalStore, FeatureGroup], folder: Path, files: str
) -> None:
    store, group = filled
    before = aged(folder)
    kept = {path: path.read_bytes() for path in folder.rglob(files)}
    wrong = []
    for how, damage in DAMAGES.items():
        for path in kept:
            damage(path)
        for name, act in MET[files].items():
            try:
                act(store, group)
                wrong.append((how, name, "no error"))
            except DamagedTable as error:
                assert str(error).startswith("s3://feature-store/tests/")
                assert ", a file of an Iceberg table, is damaged or missing (" in str(error)
            except Exception as error:
                wrong.append((how, name, repr(error)[:100]))
        for path, content in kept.items():
            path.write_bytes(content)

    assert wrong == []
    assert [path for path in before if not path.exists()] == []
    assert store.describe(group.name) == replace(group, online=store.describe(group.name).online)
    assert {row["id"] for row in latest(store, group)} == {"0", "1", "buffered"}


def test_a_damaged_table_is_in_no_other_groups_way(
    open_store: Callable[..., LocalStore], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One group's table is damaged, another's was as its deletion began, the buffer of a third is: others go on."""
    store = open_store(offline_delay=900.0)
    damaged, going = created(store, iceberg("a-damaged")), created(store, iceberg("going"))
    broken, other = created(store, new_group("broken")), created(store, new_group("other"))
    for group in (damaged, going, broken, other):
        put(store, group, record("1", ONE))
    with store._opened(store._catalogue.find("broken")).held.database.writing() as connection:
        connection.execute("UPDATE buffered SET batch = x'00'")
    kept = {path: path.read_bytes() for path in folder.rglob("*.metadata.json")}
    store._catalogue.begin_deletion("going")
    for path in kept:
        path.write_bytes(b"")

    settle_all(store)
    created(store, new_group("new"))
    with pytest.raises(DamagedTable):
        store.create(iceberg("going"))

    assert len(list(folder.rglob("*.parquet"))) == 1
    told = capsys.readouterr().err
    assert "a-damaged: s3://feature-store/tests/" in told
    assert "broken: ArrowInvalid" in told
    for path, content in kept.items():
        path.write_bytes(content)
    created(store, iceberg("going"))
    assert [row["id"] for row in latest(store, damaged)] == ["1"]
    assert len(list(folder.rglob("*.parquet"))) == 3


def test_a_store_that_closes_settles_what_it_can_and_tells_of_the_rest(
    open_store: Callable[..., LocalStore], folder: Path
) -> None:
    store = open_store()
    damaged, other = created(store, iceberg("a-damaged")), created(store, iceberg("other"))
    metadata = [path for path in folder.rglob("*.metadata.json") if "a-damaged" in str(path)]
    kept = {path: path.read_bytes() for path in metadata}
    for path in kept:
        path.write_bytes(b"")
    for group in (damaged, other):
        store._opened(store._catalogue.find(group.name)).held.settled_at = float("inf")
        put(store, group, record("1", ONE))

    with pytest.raises(DamagedTable):
        store.close()

    assert len(list(folder.rglob("*.parquet"))) == 1
    for path, content in kept.items():
        path.write_bytes(content)
    assert [row["id"] for row in latest(open_store(), damaged)] == ["1"]
