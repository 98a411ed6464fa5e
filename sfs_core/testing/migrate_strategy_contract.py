"""The contract of a migrate strategy, as a test class."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from sfs_core.errors import Refused
from sfs_core.flow import CheckRecords
from sfs_core.messages import say
from sfs_core.model import FeatureGroup, TargetStore
from sfs_core.plan import Plan, Step
from sfs_core.ports import MigrateRequest, MigrateRoute, MigrateStrategy
from sfs_core.report import Report
from sfs_core.session import Session
from sfs_core.testing.clear_strategy_contract import held
from sfs_core.testing.groups import FOUR, ONE, THREE, TWO, created, delete, filled, new_group, online, put, record
from sfs_core.testing.part_promises import check_light, check_part
from sfs_core.testing.sessions import carried_out, memory_session
from sfs_core.writing import PutRecords


class MigrateStrategyContract:
    """Every promise of a migrate strategy, seen on the memory store.

    A subclass gives the fixture `strategy`, and sets `reads` to the store that it reads. `source` has both stores: a
    record of two versions, one of one, and one that was deleted. `target` is empty.
    """

    reads: ClassVar[TargetStore] = TargetStore.OFFLINE

    @pytest.fixture
    def session(self, tmp_path: Path) -> Session:
        """Return a session on a memory store."""
        return memory_session(tmp_path)

    @pytest.fixture
    def source(self, session: Session) -> FeatureGroup:
        """Return the group that is read."""
        store = session.store("memory")
        records = (record("r1", ONE, city="Oslo"), record("r2", ONE), record("r3", ONE), record("r1", TWO, city="Rome"))
        group = filled(store, new_group("old"), *records)
        delete(store, group, "r3", at=TWO)
        return group

    @pytest.fixture
    def target(self, session: Session) -> FeatureGroup:
        """Return the group that is written."""
        return created(session.store("memory"), new_group("new"))

    def route(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> MigrateRoute:
        """Return the route from source to target."""
        return strategy.route(MigrateRequest(source, target, None, None, None, session.now()))

    def migrate(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> Report:
        """Put what the route gives into the target, as `migrate` does."""
        route = self.route(strategy, source, target, session)
        put_records = PutRecords(target, skip_newer=route.skip_newer, replay=route.replay)
        through = (*route.through, CheckRecords(target))
        return carried_out(Plan(say("Migrate"), (Step(route.records, put_records, through),)), session)

    def test_it_is_a_frozen_dataclass_of_options(self, strategy: MigrateStrategy) -> None:
        check_part(type(strategy), [])

    def test_its_module_imports_nothing_heavy(self, strategy: MigrateStrategy) -> None:
        check_light(type(strategy))

    def test_it_routes_the_same_twice(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> None:
        assert self.route(strategy, source, target, session) == self.route(strategy, source, target, session)

    def test_routing_changes_nothing(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> None:
        before = held(session, source), held(session, target)

        self.route(strategy, source, target, session)

        assert (held(session, source), held(session, target)) == before

    def test_a_source_without_the_store_it_reads_is_refused(
        self, strategy: MigrateStrategy, target: FeatureGroup, session: Session
    ) -> None:
        is_online = self.reads is TargetStore.ONLINE
        source = created(session.store("memory"), new_group("other", online=not is_online, offline=is_online))

        with pytest.raises(Refused):
            self.route(strategy, source, target, session)

    def test_the_target_holds_the_sources_records_afterwards(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> None:
        """The newest version of each; what was deleted is not brought."""
        before = held(session, source)

        report = self.migrate(strategy, source, target, session)

        assert report.exit_code == 0
        assert online(session.store_of(target), target) == [record("r1", TWO, city="Rome"), record("r2", ONE)]
        assert held(session, source) == before

    def test_what_is_newer_in_the_target_stays(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> None:
        store = session.store_of(target)
        put(store, target, record("r1", THREE, city="Bonn"), record("r4", FOUR))

        self.migrate(strategy, source, target, session)

        assert online(store, target) == [record("r1", THREE, city="Bonn"), record("r2", ONE), record("r4", FOUR)]

    def test_migrating_twice_shows_the_same(
        self, strategy: MigrateStrategy, source: FeatureGroup, target: FeatureGroup, session: Session
    ) -> None:
        self.migrate(strategy, source, target, session)
        first = online(session.store_of(target), target)

        report = self.migrate(strategy, source, target, session)

        assert report.exit_code == 0
        assert online(session.store_of(target), target) == first
