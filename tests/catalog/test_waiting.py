"""Making, changing and deleting take a store its time: the commands wait, and tell the reason of a failure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sfs_core import FeatureGroup, FeatureGroupNotFound, GroupChange, GroupStatus, NewFeatureGroup, Store, hookimpl
from sfs_core.testing import MemoryState, MemoryStore

CREATING = {"status": GroupStatus.CREATING}
DELETING = {"status": GroupStatus.DELETING}
IN_PROGRESS = {"last_update_status": "InProgress"}
SCHEMA = 'record_identifier: id\nevent_time: at\nfeatures: ["id:String", "at:String"]\nonline: {}\n'


@dataclass
class Slow:
    """A memory store that shows the states in `looks`, one a look, before a group as it really is."""

    looks: list[dict[str, Any]] = field(default_factory=list)
    state: MemoryState = field(default_factory=MemoryState)
    asked: list[str] = field(default_factory=list)

    def will_show(self, *looks: dict[str, Any]) -> None:
        """Show these states next, and begin to note what is asked for."""
        self.looks = list(looks)
        self.asked = []

    @hookimpl
    def sfs_stores(self) -> tuple[type[Store], ...]:
        plugin = self

        @dataclass
        class SlowStore(MemoryStore):
            """A store that is slow to change and notes what it was asked for."""

            def __post_init__(self) -> None:
                self.state = plugin.state

            def describe(self, name: str) -> FeatureGroup:
                shown = super().describe(name)
                if plugin.looks:
                    return replace(shown, **plugin.looks.pop(0))
                if plugin.asked[-1:] == ["delete"]:
                    raise FeatureGroupNotFound(name=name, place=self.place())
                return shown

            def create(self, new: NewFeatureGroup) -> None:
                super().create(new)
                plugin.asked.append("create")

            def update(self, name: str, change: GroupChange) -> None:
                super().update(name, change)
                plugin.asked.append("update")

            def delete(self, name: str) -> None:
                plugin.asked.append("delete")

        return (SlowStore,)


@pytest.fixture
def slow(sfs):
    plugin = Slow()
    sfs.plugins.append(("slow", plugin))
    sfs.configure('default = "dev"\n[connections.dev]\nstore = "memory"\n')
    sfs.file("s.yaml", SCHEMA)
    sfs.slow = plugin
    return sfs


@pytest.fixture
def made(slow):
    slow.ok("create orders --schema s.yaml")
    return slow


def last(answer):
    return answer.stderr.splitlines()[-1]


def test_create_waits_until_the_group_is_created(slow):
    slow.slow.will_show(CREATING, CREATING)

    answer = slow.ok("create orders --schema s.yaml")

    assert slow.slow.looks == []
    assert last(answer) == "made dev:orders: OnlineStore, 2 features"


def test_create_tells_why_the_store_gave_up(slow):
    failed = {"status": GroupStatus.CREATE_FAILED, "failure_reason": "Insufficient Lake Formation permission(s)"}
    slow.slow.will_show(CREATING, failed)

    answer = slow("create orders --schema s.yaml")

    assert answer.code == 4
    assert last(answer) == (
        "error: feature group 'orders' could not be created: Insufficient Lake Formation permission(s); "
        "delete it, mend the cause, and try again"
    )


def test_a_group_whose_creation_failed_can_be_deleted(slow):
    failed = {"status": GroupStatus.CREATE_FAILED, "failure_reason": "no role"}
    slow.slow.will_show(failed)
    slow("create orders --schema s.yaml")

    slow.slow.will_show(failed, failed, failed)
    slow.ok("delete orders --force")

    assert slow.slow.asked == ["delete"]


def test_update_waits_until_the_change_is_made(made):
    made.slow.will_show({}, IN_PROGRESS, IN_PROGRESS)

    answer = made.ok("update orders --ttl 1d")

    assert made.slow.looks == []
    assert last(answer) == "changed dev:orders: time to live 1d; records written before keep theirs"


def test_update_tells_why_the_store_gave_up_and_changes_no_more(made):
    failed = {"last_update_status": "Failed", "last_update_failure": "throughput is lowered"}
    made.slow.will_show({}, IN_PROGRESS, failed)

    answer = made("update orders --ttl 2d --throughput 1:1")

    assert answer.code == 4
    assert last(answer) == (
        "error: feature group 'orders' could not be changed (time to live 2d; records written before keep theirs): "
        "throughput is lowered"
    )
    assert made.slow.asked == ["update"]


def test_delete_waits_until_the_group_is_gone(made):
    made.slow.will_show({}, {}, {}, DELETING)

    made.ok("delete orders --force")

    assert made.slow.looks == []
    assert made.slow.asked == ["delete"]


def test_delete_tells_why_the_store_gave_up(made):
    failed = {"status": GroupStatus.DELETE_FAILED, "failure_reason": "a lock is held"}
    made.slow.will_show({}, {}, {}, DELETING, failed)

    answer = made("delete orders --force")

    assert answer.code == 4
    assert "error: feature group 'dev:orders' could not be deleted: a lock is held" in answer.stderr.splitlines()
