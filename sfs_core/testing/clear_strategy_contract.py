"""The contract of a clear strategy, as a test class."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from sfs_core.deleting import CompactOffline
from sfs_core.errors import Refused, StoreNotEnabled
from sfs_core.model import FeatureGroup, NewFeatureGroup, TableFormat, TargetStore
from sfs_core.plan import Plan
from sfs_core.ports import ClearRequest, ClearStrategy
from sfs_core.session import Session
from sfs_core.testing.groups import ONE, TWO, created, delete, filled, history, ids_in, new_group, online, put, record
from sfs_core.testing.part_promises import check_light, check_part
from sfs_core.testing.sessions import carried_out, memory_session


class ClearStrategyContract:
    """Every promise of a clear strategy, seen on the memory store.

    A subclass gives the fixture `strategy`, and names the `table_format` that it empties. `group` has both stores and
    holds records of the past and of the future, a tombstone and an older version; `fg-17` beside it must not be
    touched.
    """

    table_format: ClassVar[TableFormat] = TableFormat.GLUE

    @pytest.fixture
    def session(self, tmp_path: Path) -> Session:
        """Return a session on a memory store."""
        return memory_session(tmp_path)

    @pytest.fixture
    def group(self, session: Session) -> FeatureGroup:
        """Return the group that is cleared."""
        store = session.store("memory")
        filled(store, self.new_group("fg-17"), record("r1", ONE))
        group = filled(store, self.new_group("fg-1"), *(record(f"r{number}", ONE) for number in range(5)))
        put(store, group, record("r1", "2099-01-01T00:00:00Z"), record("r2", TWO))
        delete(store, group, "r3", at=TWO)
        return group

    def new_group(self, name: str) -> NewFeatureGroup:
        """Return the definition of a group whose offline store has the table format."""
        new = new_group(name)
        return replace(new, offline=new.offline and replace(new.offline, table_format=self.table_format))

    def plan(self, strategy: ClearStrategy, group: FeatureGroup, session: Session) -> Plan:
        """Return the plan of clearing a group, two records a batch."""
        return strategy.plan(ClearRequest(group, None, session.now(), max_workers=2, batch_records=2))

    def test_it_is_a_frozen_dataclass_of_options(self, strategy: ClearStrategy) -> None:
        check_part(type(strategy), [])
        assert strategy.clears in TargetStore

    def test_its_module_imports_nothing_heavy(self, strategy: ClearStrategy) -> None:
        check_light(type(strategy))

    def test_it_plans_the_same_twice(self, strategy: ClearStrategy, group: FeatureGroup, session: Session) -> None:
        first, second = (self.plan(strategy, group, session) for _ in range(2))

        assert first == second
        assert json.dumps(first.to_json()) == json.dumps(second.to_json())

    def test_planning_changes_nothing(self, strategy: ClearStrategy, group: FeatureGroup, session: Session) -> None:
        before = held(session, group)

        self.plan(strategy, group, session)

        assert held(session, group) == before

    def test_what_it_deletes_counts_towards_the_deletion_cap_and_then_the_store_is_proved_empty(
        self, strategy: ClearStrategy, group: FeatureGroup, session: Session
    ) -> None:
        """Only what looks after the files of a table may come after that."""
        plan = self.plan(strategy, group, session)

        deleting = [step for step in plan.steps if not isinstance(step.into, CompactOffline)]
        assert all(step.destroys for step in deleting)
        assert deleting[-1].until_empty
        assert plan.steps[: len(deleting)] == (*deleting,)

    def test_a_group_without_the_store_is_refused(self, strategy: ClearStrategy, session: Session) -> None:
        is_online = strategy.clears is TargetStore.ONLINE
        group = created(session.store("memory"), new_group("other", online=not is_online, offline=is_online))

        with pytest.raises((Refused, StoreNotEnabled)):
            self.plan(strategy, group, session)

    def test_its_store_is_empty_afterwards(
        self, strategy: ClearStrategy, group: FeatureGroup, session: Session
    ) -> None:
        report = carried_out(self.plan(strategy, group, session), session)

        assert report.exit_code == 0
        if strategy.clears is TargetStore.ONLINE:
            assert ids_in(session.store_of(group), group) == []
        else:
            assert history(session.store_of(group), group) == []

    def test_the_groups_other_store_and_other_groups_are_left_alone(
        self, strategy: ClearStrategy, group: FeatureGroup, session: Session
    ) -> None:
        store = session.store_of(group)
        other = store.describe("fg-17")
        look = history if strategy.clears is TargetStore.ONLINE else online
        before = (look(store, group), held(session, other))

        carried_out(self.plan(strategy, group, session), session)

        assert (look(store, group), held(session, other)) == before

    def test_clearing_what_is_empty_is_done(
        self, strategy: ClearStrategy, group: FeatureGroup, session: Session
    ) -> None:
        carried_out(self.plan(strategy, group, session), session)

        assert carried_out(self.plan(strategy, group, session), session).exit_code == 0


def held(session: Session, group: FeatureGroup) -> list[object]:
    """Return all that a group with both stores holds."""
    store = session.store_of(group)
    return [online(store, group), ids_in(store, group, soft_deleted=True), history(store, group)]
