"""The built-in record-id sources and strategies keep the contracts of their kind."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfs_core import (
    ClearStrategy,
    Connection,
    Connections,
    Console,
    FeatureGroup,
    MigrateStrategy,
    RecordIdSource,
    Session,
    SetClock,
    TableFormat,
    TargetStore,
)
from sfs_core.testing import NOON, ClearStrategyContract, MigrateStrategyContract, RecordIdSourceContract
from sfs_plugins.clear import DeleteObjects, DeleteRows, HardDelete, SoftDelete
from sfs_plugins.local_store import LocalStore
from sfs_plugins.migrate.history import HistoryRecords
from sfs_plugins.migrate.strategies import LatestRecords, ListedRecords
from sfs_plugins.record_ids import FileRecordIds, ListedRecordIds, QueriedRecordIds, ScannedRecordIds


class TestListedRecordIds(RecordIdSourceContract):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return ListedRecordIds(group)


class TestFileRecordIds(RecordIdSourceContract):
    @pytest.fixture(params=["ids.txt", "ids.csv"])
    def source(self, group: FeatureGroup, tmp_path: Path, request: pytest.FixtureRequest) -> RecordIdSource:
        path = tmp_path / request.param
        path.write_text("\n".join(self.ids))
        return FileRecordIds(group, path)


class TestQueriedRecordIds(RecordIdSourceContract):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return QueriedRecordIds(group)


class TestScannedRecordIds(RecordIdSourceContract):
    @pytest.fixture
    def source(self, group: FeatureGroup) -> RecordIdSource:
        return ScannedRecordIds(group)


class TestHardDelete(ClearStrategyContract):
    @pytest.fixture
    def strategy(self) -> ClearStrategy:
        return HardDelete()


class TestSoftDelete(ClearStrategyContract):
    @pytest.fixture
    def strategy(self) -> ClearStrategy:
        return SoftDelete()


class TestDeleteObjects(ClearStrategyContract):
    @pytest.fixture
    def strategy(self) -> ClearStrategy:
        return DeleteObjects()


class TestDeleteRows(ClearStrategyContract):
    table_format = TableFormat.ICEBERG

    @pytest.fixture
    def strategy(self) -> ClearStrategy:
        return DeleteRows()


class TestDeleteRowsOfTheLocalStore(TestDeleteRows):
    """The connection has the name that the contract asks for, and the embedded store's real table."""

    @pytest.fixture
    def session(self, tmp_path: Path) -> Iterator[Session]:
        memory = Connection("memory", "local", {"path": str(tmp_path / "store")})
        connections = Connections(tmp_path / "config.toml", {"memory": memory}, "memory")
        said, clock = Console(io.StringIO()), SetClock(NOON)
        session = Session(connections, {"local": LocalStore}, said, tmp_path / "state", clock)
        yield session
        session.close()


class TestLatestRecords(MigrateStrategyContract):
    @pytest.fixture
    def strategy(self) -> MigrateStrategy:
        return LatestRecords()


class TestHistoryRecords(MigrateStrategyContract):
    @pytest.fixture
    def strategy(self) -> MigrateStrategy:
        return HistoryRecords()


class TestListedRecords(MigrateStrategyContract):
    reads = TargetStore.ONLINE

    @pytest.fixture
    def strategy(self) -> MigrateStrategy:
        return ListedRecords()
