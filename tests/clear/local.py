"""Feature groups of the local store that a command line works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sfs_core import FeatureGroup
from sfs_core.testing import filled, history, ids_in, new_group, objects_in, record
from sfs_plugins.local_store import LocalStore
from tests.conftest import Sfs


@contextmanager
def store_of(sfs: Sfs) -> Iterator[LocalStore]:
    store = LocalStore(connection="dev", clock=sfs.clock, path=sfs.store)
    try:
        yield store
    finally:
        store.close()


def make(
    sfs: Sfs, name: str = "orders", *, records: int = 3, online: bool = True, offline: bool = True
) -> FeatureGroup:
    """Make a group that holds the records r0, r1, ... an hour apart."""
    rows = (record(f"r{number}", f"2025-05-01T{number % 24:02}:00:00Z", city="Oslo") for number in range(records))
    with store_of(sfs) as store:
        return filled(store, new_group(name, online=online, offline=offline), *rows)


@dataclass(frozen=True)
class Held:
    """What a group holds: ids of the online store, of tombstones too, versions and objects of the offline store."""

    ids: list[str]
    tombstones: list[str]
    versions: int
    objects: list[str]


def held(sfs: Sfs, group: FeatureGroup) -> Held:
    with store_of(sfs) as store:
        ids = ids_in(store, group) if group.online else []
        all_ids = ids_in(store, group, soft_deleted=True) if group.online else []
        tombstones = sorted({*all_ids} - {*ids})
        if group.offline is None:
            return Held(ids, tombstones, 0, [])
        return Held(ids, tombstones, len(history(store, group)), objects_in(store, group))


EMPTY = Held([], [], 0, [])
