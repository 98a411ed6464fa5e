"""The built-in record-id sources and strategies keep the contracts of their kind."""

from pathlib import Path

import pytest

from sfs_core import ClearStrategy, FeatureGroup, MigrateStrategy, RecordIdSource, TargetStore
from sfs_core.testing import ClearStrategyContract, MigrateStrategyContract, RecordIdSourceContract
from sfs_plugins.clear import DeleteObjects, HardDelete, SoftDelete
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
