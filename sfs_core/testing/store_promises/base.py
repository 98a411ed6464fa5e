"""What the promises have in common: the clock, and making groups on any store, quick or slow."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar

import pytest

from sfs_core.clock import SetClock
from sfs_core.errors import FeatureGroupNotFound
from sfs_core.model import FeatureGroup, FeatureType, GroupStatus, NewFeatureGroup, TableFormat
from sfs_core.store import GroupChange, Store
from sfs_core.testing.groups import NOON, Record, put


class StorePromises:
    """Promises of a store. A slow store overrides the class variables."""

    offline_uri: ClassVar[str] = "s3://feature-store/tests"
    table_format: ClassVar[TableFormat] = TableFormat.GLUE
    patience_seconds: ClassVar[float] = 60

    @pytest.fixture
    def clock(self) -> SetClock:
        """The clock of the store under test, at noon."""
        return SetClock(NOON)

    def make(self, store: Store, new: NewFeatureGroup) -> FeatureGroup:
        """Make a group, with its offline objects where the store may have them, and return it once it is Created."""
        offline = new.offline
        if offline is not None:
            # a group with an event time in seconds cannot have an Iceberg table
            is_text = any(f.name == new.event_time and f.type is FeatureType.STRING for f in new.features)
            table_format = self.table_format if is_text else TableFormat.GLUE
            offline = replace(offline, s3_uri=self.offline_uri, table_format=table_format)
        store.create(replace(new, offline=offline))
        return self.wait_until_created(store, new.name)

    def fill(self, store: Store, new: NewFeatureGroup, *records: Record) -> FeatureGroup:
        """Make a group and put records into every store it has."""
        group = self.make(store, new)
        remarks = put(store, group, *records)
        assert not remarks, [str(remark.message) for remark in remarks]
        return group

    def wait_until_created(self, store: Store, name: str) -> FeatureGroup:
        """Return a group once it is no longer being created."""
        deadline = time.monotonic() + self.patience_seconds
        while (group := store.describe(name)).status is GroupStatus.CREATING and time.monotonic() < deadline:
            time.sleep(0.05)
        assert group.status is GroupStatus.CREATED, group.failure_reason
        return group

    def change(self, store: Store, group: FeatureGroup, change: GroupChange) -> FeatureGroup:
        """Change a group and return it once the change is over."""
        store.update(group.name, change)
        deadline = time.monotonic() + self.patience_seconds
        while (now := store.describe(group.name)).last_update_status == "InProgress" and time.monotonic() < deadline:
            time.sleep(0.05)
        return now

    def remove(self, store: Store, group: FeatureGroup) -> None:
        """Delete a group and return once it is gone."""
        store.delete(group.name)
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            try:
                store.describe(group.name)
            except FeatureGroupNotFound:
                return
            time.sleep(0.05)
        raise AssertionError(f"{group.name} is still there")
