"""The contract of a record-id source, as a test class."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from sfs_core.facts import RECORD_ID
from sfs_core.messages import Message
from sfs_core.model import FeatureGroup
from sfs_core.ports import RecordIdSource
from sfs_core.session import Session
from sfs_core.testing.groups import ONE, filled, history, new_group, online, record
from sfs_core.testing.part_promises import check_light, check_part
from sfs_core.testing.sessions import memory_session


class RecordIdSourceContract:
    """Every promise of a record-id source.

    A subclass gives the fixture `source`: a source that gives the record ids `ids` of the group that the fixture
    `group` makes. A source that reads something else than the group, such as a file, writes it first. `group` is of
    the connection `memory` of the fixture `session` and holds those records, in both its stores.
    """

    ids: ClassVar[tuple[str, ...]] = ("r1", "r2", "r3")

    @pytest.fixture
    def session(self, tmp_path: Path) -> Session:
        """Return a session on a memory store."""
        return memory_session(tmp_path)

    @pytest.fixture
    def group(self, session: Session) -> FeatureGroup:
        """Return a group that holds `ids`."""
        store = session.store("memory")
        return filled(store, new_group("orders"), *(record(record_id, ONE) for record_id in self.ids))

    def test_it_is_a_record_id_source(self, source: RecordIdSource) -> None:
        assert isinstance(source, RecordIdSource)

    def test_it_is_a_frozen_dataclass_of_a_group_and_options(self, source: RecordIdSource, group: FeatureGroup) -> None:
        check_part(type(source), ["group"])
        assert source.group == group  # type: ignore[attr-defined]

    def test_its_module_imports_nothing_heavy(self, source: RecordIdSource) -> None:
        check_light(type(source))

    def test_it_describes_itself_with_a_noun_phrase(self, source: RecordIdSource) -> None:
        """The count is put before it: `3 from record ids in FILE`."""
        told = source.describe()

        assert isinstance(told, Message)
        assert str(told).strip() == str(told) != ""
        assert not str(told).endswith(".")

    def test_it_gives_batches_of_one_column_of_texts_without_nulls(
        self, source: RecordIdSource, session: Session
    ) -> None:
        for batch in source.batches(session):
            assert str(batch.schema) == f"{RECORD_ID}: string"
            assert batch.column(RECORD_ID).null_count == 0

    def test_it_gives_the_record_ids(self, source: RecordIdSource, session: Session) -> None:
        """In any order, and one may come twice."""
        assert given(source, session) == sorted(self.ids)

    def test_it_gives_them_again(self, source: RecordIdSource, session: Session) -> None:
        assert given(source, session) == given(source, session)

    def test_asking_changes_nothing(self, source: RecordIdSource, session: Session, group: FeatureGroup) -> None:
        store = session.store_of(group)
        before = (online(store, group), history(store, group))

        given(source, session)

        assert (online(store, group), history(store, group)) == before


def given(source: RecordIdSource, session: Session) -> list[str]:
    """Return the ids a source gives, each once, sorted."""
    return sorted({one for batch in source.batches(session) for one in batch.column(RECORD_ID).to_pylist()})
