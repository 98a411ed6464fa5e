"""The online store under changes, in large batches, and at the end of time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sfs_core import Batch, DiskFull, Fact, FeatureGroup, Put, records_from
from sfs_core.testing import ONE, TWO, created, delete, expires, filled, history, ids_in, new_group, online, put, record
from sfs_plugins.local_store import LocalStore, buffer, writing
from sfs_plugins.local_store import online as online_lines


def batch_of(group: FeatureGroup, number: int, *ids: str, at: str = ONE) -> Batch:
    return Batch(number, records_from(group.features, [record(one, at) for one in ids]))


def test_ids_that_stay_are_listed_once_while_others_are_deleted(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online_lines, "_PAGE_IDS", 10)
    group = filled(store, new_group(), *(record(f"{one:03}", ONE) for one in range(100)))

    listed: list[str] = []
    for page in store.list_record_ids(group):
        ids = page.column("record_id").to_pylist()
        listed += ids
        delete(store, group, *ids[::2], at=TWO, hard=True)

    assert listed == [f"{one:03}" for one in range(100)]
    assert ids_in(store, group) == [f"{one:03}" for one in range(1, 100, 2)]


def test_a_batch_of_any_size_is_written_in_slices_and_in_order(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_SLICE_RECORDS", 7)
    monkeypatch.setattr(writing, "_SLICE_BYTES", 400)
    group = created(store, new_group())
    times = [f"2025-06-01T00:00:{second:02}Z" for second in range(60)]
    records = [record("1", at, city="x" * second) for second, at in enumerate(times)]

    [fact] = store.put(group, [Batch(0, records_from(group.features, records))], Put())

    assert fact.done == 60
    assert online(store, group) == [records[-1]]
    assert [version["at"] for version in history(store, group)] == times


def test_of_a_stream_that_fails_what_was_told_as_done_is_there(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = created(store, new_group())
    real, calls = buffer.append, []

    def full_at_last(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(buffer, "append", full_at_last)
    taken: list[int] = []

    def batches() -> Iterator[Batch]:
        for number in range(100):
            taken.append(number)
            yield batch_of(group, number, str(number))

    facts: list[Fact] = []
    with pytest.raises(DiskFull):
        facts.extend(store.put(group, batches(), Put()))
    monkeypatch.undo()

    assert [fact.batch.number for fact in facts] in ([], [0, 1])
    assert ids_in(store, group) == ["0", "1"]
    assert len(taken) <= 4


def test_batches_of_one_id_are_applied_in_the_order_given(store: LocalStore) -> None:
    group = created(store, new_group())

    batches = [batch_of(group, number, "1", at=f"2025-06-01T00:00:{number:02}Z") for number in range(50)]
    facts = list(store.put(group, batches, Put(max_workers=8)))

    assert [fact.batch.number for fact in facts] == list(range(50))
    assert online(store, group) == [record("1", "2025-06-01T00:00:49Z")]


def test_what_would_expire_after_the_end_of_time_expires_at_the_end(store: LocalStore) -> None:
    group = created(store, new_group())

    put(store, group, record("1", "9999-12-31T00:00:00Z"), record("2", "9999-12-30T00:00:00.5Z"), ttl="1d")
    put(store, group, record("3", ONE), ttl="999999999w")

    assert expires(store, group, "1") == "9999-12-31T23:59:59.999999999Z"
    assert expires(store, group, "2") == "9999-12-31T00:00:00.500Z"
    assert expires(store, group, "3") == "9999-12-31T23:59:59.999999999Z"
