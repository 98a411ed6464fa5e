"""Deleting records: each at an event time later than its own, whatever others do meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sfs_core import (
    Batch,
    Delete,
    DeleteRecords,
    DeletionMode,
    Fact,
    FeatureGroup,
    Put,
    Session,
    TargetStore,
    records_from,
)
from sfs_core import record_ids as ids_of
from sfs_core.testing import NOON, ONE, MemoryStore, delete, filled, history, ids_in, new_group, record
from tests.memory_session import memory_session

FUTURE = "2999-01-01T00:00:00Z"
BOTH = (TargetStore.ONLINE, TargetStore.OFFLINE)


@dataclass
class BusyStore(MemoryStore):
    """A memory store where somebody puts a newer version of record 1 just as it is deleted for the first time."""

    is_busy: bool = True

    def delete_records(self, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        if self.is_busy:
            self.is_busy = False
            newer = records_from(group.features, [record("1", FUTURE)])
            list(self.put(group, [Batch(0, newer)], Put()))
        return super().delete_records(group, batches, how)


def facts(sink: DeleteRecords, session: Session, *ids: str, in_doubt: bool = False) -> list[Fact]:
    return list(sink.into(iter([Batch(0, ids_of(ids), in_doubt)]), session))


def test_a_record_of_the_future_is_deleted_at_the_next_nanosecond(tmp_path: Path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group("orders"), record("1", FUTURE), record("2", ONE))

    (fact,) = facts(DeleteRecords(group, DeletionMode.HARD, NOON), session, "1", "2")

    assert (fact.done, fact.remarks) == (2, ())
    assert ids_in(session.memory, group, soft_deleted=True) == []


def test_a_version_put_between_reading_and_deleting_is_read_again_and_deleted_after_it(tmp_path: Path):
    session = memory_session(tmp_path, BusyStore)
    group = filled(session.memory, new_group("orders"), record("1", ONE))

    (fact,) = facts(DeleteRecords(group, DeletionMode.HARD, NOON), session, "1")

    assert (fact.done, fact.remarks) == (1, ())
    assert ids_in(session.memory, group) == []


def test_a_tombstone_of_the_future_goes_though_it_cannot_be_read(tmp_path: Path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group("orders"), record("1", ONE))
    delete(session.memory, group, "1", at=FUTURE)
    assert ids_in(session.memory, group, soft_deleted=True) == ["1"]

    (fact,) = facts(DeleteRecords(group, DeletionMode.HARD, NOON), session, "1")

    assert (fact.done, fact.remarks) == (1, ())
    assert ids_in(session.memory, group, soft_deleted=True) == []


def test_a_tombstone_of_the_future_leaves_no_delete_marker_at_the_end_of_time(tmp_path: Path):
    """No version could ever be later than that: the record could not come back in the offline store."""
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group("orders"), record("1", ONE), record("2", ONE))
    delete(session.memory, group, "1", at=FUTURE, to=(TargetStore.ONLINE,))

    (fact,) = facts(DeleteRecords(group, DeletionMode.HARD, NOON, BOTH), session, "1", "2")

    assert (fact.done, fact.remarks) == (2, ())
    assert ids_in(session.memory, group, soft_deleted=True) == []
    markers = [(row["id"], row["at"]) for row in history(session.memory, group) if row["is_deleted"]]
    assert sorted(markers) == [("1", NOON.iso()), ("2", NOON.iso())]


def test_a_record_at_the_end_of_time_cannot_be_deleted_and_is_said_to_have_failed(tmp_path: Path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group("orders"), record("1", "9999-12-31T23:59:59.999999999Z"))

    (fact,) = facts(DeleteRecords(group, DeletionMode.HARD, NOON), session, "1")

    assert [(remark.row, remark.code) for remark in fact.remarks] == [(0, "EventTimeNotLater")]
    assert fact.done == 0


def test_a_soft_delete_in_doubt_leaves_one_delete_marker_not_two(tmp_path: Path):
    session = memory_session(tmp_path)
    group = filled(session.memory, new_group("orders"), record("1", ONE), record("2", ONE))
    sink = DeleteRecords(group, DeletionMode.SOFT, session.now(), BOTH)
    facts(sink, session, "1")

    (fact,) = facts(sink, session, "1", "2", in_doubt=True)

    assert (fact.done, fact.remarks) == (2, ())
    markers = [row["id"] for row in history(session.memory, group) if row["is_deleted"]]
    assert markers == ["1", "2"]
