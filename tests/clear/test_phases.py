"""The phases of a clear, each gated on the one before, on stores that are disturbed while it runs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sfs_core import (
    MAX_ROUNDS,
    Batch,
    ClearRequest,
    Delete,
    Fact,
    Fate,
    FeatureGroup,
    Message,
    OnlineRecordIds,
    Plan,
    Remark,
    Session,
    Step,
    StoreUnavailable,
    TargetStore,
    say,
)
from sfs_core.application import run
from sfs_core.testing import put, record
from sfs_plugins.local_store import LocalStore
from tests.clear.local import EMPTY, Held, held, make, store_of
from tests.conftest import Answer, Sfs, Terminal
from tests.parts import plugin


def on_store(sfs: Sfs, **methods: Callable[..., Any]) -> None:
    """Put a store in place of the local one that differs from it in some methods."""
    store = type("Disturbed", (LocalStore,), {"name": "disturbed", **methods})
    sfs.plugins.append(("disturbed", plugin(sfs_stores=[store])))
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "disturbed"\npath = "{sfs.store}"\n')


Deletion = Callable[[LocalStore, FeatureGroup, Iterable[Batch], Delete], Iterator[Fact]]


def only_run(sfs: Sfs) -> dict[str, Any]:
    (one,) = sfs.ok("runs list --output json").json
    return one  # type: ignore[no-any-return]


# the gates


def breaking_at(call: int, error: Exception) -> Deletion:
    calls = []

    def delete_records(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        calls.append(1)
        if len(calls) == call:
            raise error
        return LocalStore.delete_records(self, group, batches, how)

    return delete_records


def test_a_store_that_goes_away_never_lets_the_offline_phase_begin(sfs: Sfs):
    group = make(sfs, records=10)
    before = held(sfs, group)
    gone = StoreUnavailable(store="local", problem="it went away")
    on_store(sfs, delete_records=breaking_at(3, gone))

    answer = sfs("clear orders --force --batch-size 2 --max-workers 1")

    assert answer.code == 12
    name = only_run(sfs)["run"]
    lines = answer.stderr.splitlines()
    done = [line.rpartition(": ")[2] for line in lines[-6:-2]]
    assert done == ["4 done, 4 perhaps done, 2 not tried", "0 done", "0 done, 10 not tried", "0 done"]
    assert lines[-2:] == [
        "error: local cannot be used: it went away",
        f"`sagemaker-fs runs show {name}` lists what was not done; `sagemaker-fs runs resume {name}` tries again",
    ]
    assert held(sfs, group) == replace(before, ids=held(sfs, group).ids)
    assert len(held(sfs, group).ids) == 6


def test_what_a_store_left_undone_is_done_by_resume(sfs: Sfs):
    group = make(sfs, records=10)
    on_store(sfs, delete_records=breaking_at(3, StoreUnavailable(store="local", problem="it went away")))
    sfs("clear orders --force --batch-size 2 --max-workers 1")

    answer = sfs.ok(f"runs resume {only_run(sfs)['run']} --force")

    assert held(sfs, group) == EMPTY
    assert "10 done" in answer.stderr
    assert only_run(sfs)["state"] == "done"


def test_a_record_that_cannot_be_deleted_never_lets_the_offline_phase_begin(sfs: Sfs):
    group = make(sfs, records=4)
    before = held(sfs, group)

    def delete_records(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        for batch in batches:
            ids = batch.records.column("record_id").to_pylist()
            remarks = [Remark(row, Fate.FAILED, "Stubborn", say("no")) for row, one in enumerate(ids) if one == "r3"]
            others = batch.records.filter([one != "r3" for one in ids])
            list(LocalStore.delete_records(self, group, [Batch(0, others)], how))
            yield Fact.of(batch, remarks)

    on_store(sfs, delete_records=delete_records)

    answer = sfs("clear orders --force")

    assert answer.code == 3
    assert held(sfs, group) == replace(before, ids=["r3"])
    shown = sfs.ok(f"runs show {only_run(sfs)['run']} --output jsonl").json
    assert (shown["code"], shown["message"], shown["record"]) == ("Stubborn", "no", {"record_id": "r3"})


def test_objects_that_cannot_be_deleted_are_failures(sfs: Sfs):
    group = make(sfs, records=2)

    def delete_objects(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch]) -> Iterator[Fact]:
        for batch in batches:
            yield Fact.of(batch, [Remark(0, Fate.FAILED, "Stubborn", say("no"))])

    on_store(sfs, delete_objects=delete_objects)

    answer = sfs("clear orders --force")

    assert answer.code == 3
    assert held(sfs, group).ids == []
    assert len(held(sfs, group).objects) == 2


# others who write meanwhile


def with_writer(times: int) -> Deletion:
    """Return a deletion after which somebody puts one more record, so many times."""
    left = list(range(times))

    def delete_records(self: LocalStore, group: FeatureGroup, batches: Iterable[Batch], how: Delete) -> Iterator[Fact]:
        yield from LocalStore.delete_records(self, group, batches, how)
        if left:
            put(self, group, record(f"late-{left.pop()}", "2025-05-31T00:00:00Z", city="Rome"))

    return delete_records


@pytest.mark.parametrize("times", [1, 3, MAX_ROUNDS])
def test_what_is_put_meanwhile_goes_too(sfs: Sfs, times: int):
    group = make(sfs)
    on_store(sfs, delete_records=with_writer(times))

    sfs.ok("clear orders --force")

    assert held(sfs, group) == EMPTY


def test_a_writer_that_never_stops_ends_the_clear_before_the_offline_phase(sfs: Sfs):
    group = make(sfs)
    on_store(sfs, delete_records=with_writer(99))

    answer = sfs("clear orders --force")

    assert answer.code == 4
    assert answer.stderr.splitlines()[-2] == (
        "error: record ids of the online store, soft-deleted ones too still holds 1 after 10 rounds: stop what writes "
        "to it, then `runs resume`"
    )
    assert len(held(sfs, group).objects) >= 3


def test_once_the_writer_has_stopped_resume_empties_the_group(sfs: Sfs):
    group = make(sfs)
    on_store(sfs, delete_records=with_writer(MAX_ROUNDS + 1))
    assert sfs("clear orders --force").code == 4

    sfs.ok(f"runs resume {only_run(sfs)['run']} --force")

    assert held(sfs, group) == EMPTY


def test_the_cap_holds_for_what_is_put_meanwhile(sfs: Sfs):
    group = make(sfs)
    on_store(sfs, delete_records=with_writer(99))

    answer = sfs("clear orders --online-only --force --max-delete 5")

    assert answer.code == 7
    assert held(sfs, group).ids == ["late-96"]


def test_the_offline_store_is_listed_once_more_after_it_has_settled(sfs: Sfs):
    group = make(sfs)
    listed: list[int] = []

    def offline_objects(self: LocalStore, group: FeatureGroup) -> Iterator[Any]:
        listed.append(1)
        if len(listed) == 3:
            with store_of(sfs) as store:
                put(store, group, record("late", "2025-05-31T00:00:00Z"), to=[TargetStore.OFFLINE])
        return LocalStore.offline_objects(self, group)

    on_store(sfs, offline_objects=offline_objects)

    answer = sfs.ok("clear orders --force --settle 0.001")

    assert "  5. after 0.001 minutes, list again: objects under" in answer.stderr
    assert "waiting 0.001 minutes\n" in answer.stderr
    assert held(sfs, group) == EMPTY
    assert len(listed) == 4


# a plan that is no longer true


class Meanwhile(Terminal):
    """A terminal at which somebody types the name, after something has happened elsewhere."""

    def __init__(self, typed: str, happened: Callable[[], None]) -> None:
        super().__init__(typed)
        self.happened = happened

    def readline(self, *args: Any) -> str:  # type: ignore[override]
        self.happened()
        return super().readline(*args)


def clear_while(sfs: Sfs, happened: Callable[[], None]) -> Answer:
    stdin, stdout, stderr = Meanwhile("orders\n", happened), io.StringIO(), io.StringIO()
    code = run(
        ["clear", "orders"],
        environ=sfs.environ,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        folder=sfs.folder,
        clock=sfs.clock,
    )
    return Answer(code, stdout.getvalue(), stderr.getvalue())


@pytest.mark.parametrize("offline", [True, False])
def test_a_group_made_anew_before_the_name_is_typed_is_not_cleared(sfs: Sfs, offline: bool):
    make(sfs, offline=offline)
    made: list[FeatureGroup] = []

    def make_anew() -> None:
        with store_of(sfs) as store:
            store.delete("orders")
        sfs.clock.instant = sfs.clock.instant.plus(10**9)
        made.append(make(sfs, records=5, offline=offline))

    answer = clear_while(sfs, make_anew)

    assert answer.code == 5
    assert answer.stderr.splitlines()[-1].removeprefix("Type orders to go on: ") == (
        "error: orders changed since the plan was shown, so nothing more was done: look at a new plan with --dry-run"
    )
    assert len(held(sfs, made[0]).ids) == 5
    assert sfs.ok("runs list --output json").json == []


def test_a_group_that_went_before_the_name_is_typed(sfs: Sfs):
    make(sfs)

    def remove() -> None:
        with store_of(sfs) as store:
            store.delete("orders")

    assert clear_while(sfs, remove).code == 5


def test_a_group_made_anew_is_not_cleared_by_resume(sfs: Sfs):
    make(sfs, records=10, offline=False)
    on_store(sfs, delete_records=breaking_at(3, StoreUnavailable(store="local", problem="it went away")))
    sfs("clear orders --force --batch-size 2 --max-workers 1")
    with store_of(sfs) as store:
        store.delete("orders")
    sfs.clock.instant = sfs.clock.instant.plus(10**9)
    group = make(sfs, offline=False)

    answer = sfs(f"runs resume {only_run(sfs)['run']} --force")

    assert answer.code == 5
    assert held(sfs, group) == Held(["r0", "r1", "r2"], [], 0, [])


# parts of third parties


@dataclass(frozen=True)
class Losing:
    """A sink that forgets a record of each batch."""

    def describe(self) -> Message:
        return say("lose one")

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        for batch in batches:
            yield Fact(batch, batch.records.num_rows - 1)


@dataclass(frozen=True)
class LoseRecords:
    """A strategy by which records get lost."""

    name: ClassVar[str] = "lose"
    clears: ClassVar[TargetStore] = TargetStore.ONLINE

    def plan(self, request: ClearRequest) -> Plan:
        return Plan(say("Lose"), (Step(OnlineRecordIds(request.group), Losing()),))


def test_a_sink_that_loses_records_is_a_failure_of_its_own_and_ends_the_clear(sfs: Sfs):
    group = make(sfs)
    before = held(sfs, group)
    sfs.plugins.append(("loser", plugin(sfs_clear_strategies=[LoseRecords])))

    answer = sfs("clear orders --online-by lose --force")

    assert answer.code == 70
    assert "error: Losing was given 3 records and accounted for 2: this is a bug in that part\n" in answer.stderr
    assert held(sfs, group) == before


# going on


def test_clear_resumes_its_own_runs(sfs: Sfs):
    group = make(sfs, records=10)
    on_store(sfs, delete_records=breaking_at(3, StoreUnavailable(store="local", problem="it went away")))
    sfs("clear orders --force --batch-size 2 --max-workers 1")

    sfs.ok(f"clear orders --force --resume {only_run(sfs)['run']}")

    assert held(sfs, group) == EMPTY


def test_clear_does_not_resume_the_run_of_another_group(sfs: Sfs):
    make(sfs, records=10)
    other = make(sfs, "others")
    on_store(sfs, delete_records=breaking_at(3, StoreUnavailable(store="local", problem="it went away")))
    sfs("clear orders --force --batch-size 2 --max-workers 1")
    name = only_run(sfs)["run"]

    answer = sfs(f"clear others --resume {name}")

    assert (answer.code, answer.stderr) == (
        4,
        f"error: run {name} cannot be resumed: it is `clear orders --force --batch-size 2 --max-workers 1`, which is "
        "not what is asked for here\n",
    )
    assert len(held(sfs, other).ids) == 3


def test_a_run_that_was_never_confirmed_cannot_be_resumed(sfs: Sfs):
    make(sfs, records=10)
    on_store(sfs, delete_records=breaking_at(1, StoreUnavailable(store="local", problem="it went away")))
    sfs("clear orders --force")
    name = only_run(sfs)["run"]
    (Path(sfs.environ["SFS_STATE_DIR"]) / "runs" / name / "plan.json").unlink()

    answer = sfs(f"runs resume {name} --force")

    assert (answer.code, answer.stderr) == (
        4,
        f"error: run {name} cannot be resumed: it was never confirmed, so nothing was changed: start it anew\n",
    )


def test_groups_of_another_connection_are_told_apart(sfs: Sfs):
    group = make(sfs)
    sfs.configure(
        f'default = "dev"\n[connections.dev]\nstore = "local"\npath = "{sfs.store}"\n'
        f'[connections.other]\nstore = "local"\npath = "{sfs.folder}/other-store"\n'
    )

    answer = sfs("clear other:orders --force")

    assert answer.code == 10
    assert len(held(sfs, group).ids) == 3


def test_two_names_of_one_folder_are_one_group_to_two_runs(sfs: Sfs):
    make(sfs)
    (sfs.folder / "link").symlink_to(sfs.store)
    refused: list[Answer] = []

    def clear_by_another_name() -> None:
        refused.append(sfs(f"clear orders --force --path {sfs.folder}/link"))

    answer = clear_while(sfs, clear_by_another_name)

    assert (answer.code, refused[0].code) == (0, 4)
    assert "is changing local:orders already" in refused[0].stderr
