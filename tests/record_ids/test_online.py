"""Record ids as the online store lists them."""

from __future__ import annotations

import pytest

from sfs_core import SfsError
from sfs_core.testing import ONE, TWO, delete, filled, new_group, record
from sfs_plugins.record_ids import ListedRecordIds
from tests.memory_session import memory_session


def test_live_records_are_listed_and_tombstones_are_not(tmp_path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group(), record("1", ONE), record("2", ONE))
    delete(session.memory, group, "1", at=TWO)

    source = ListedRecordIds(group)

    assert [batch.to_pydict() for batch in source.batches(session)] == [{"record_id": ["2"]}]
    assert str(source.describe()) == "record ids of the online store"


def test_a_group_without_an_online_store_is_refused(tmp_path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group(online=False))

    with pytest.raises(SfsError, match="has no OnlineStore"):
        list(ListedRecordIds(group).batches(session))
