"""Record ids from SQLite keep every promise of a record-id source, and a failure says what is wrong."""

import sqlite3

import pytest
from sfs_sqlite import SqliteRecordIds

from sfs_core import FileUnreadable
from sfs_core.testing import RecordIdSourceContract


class TestSqlite(RecordIdSourceContract):
    @pytest.fixture
    def source(self, group, tmp_path):
        database = tmp_path / "ids.db"
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE ids (id TEXT)")
            connection.executemany("INSERT INTO ids VALUES (?)", [(record_id,) for record_id in self.ids])
        return SqliteRecordIds(group, database)

    def test_a_file_that_is_not_there_is_an_error_and_is_not_made(self, group, session, tmp_path):
        missing = tmp_path / "none.db"

        with pytest.raises(FileUnreadable, match="unable to open database file"):
            list(SqliteRecordIds(group, missing).batches(session))

        assert not missing.exists()
