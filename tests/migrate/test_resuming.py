"""Going on with a migration: what it made and wrote is taken as its own, and nothing else is."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pytest

from sfs_core import (
    IS_DELETED,
    Batch,
    Connection,
    Connections,
    Console,
    EventTime,
    Fact,
    FeatureGroup,
    Interrupted,
    Put,
    PutRecords,
    Session,
    records_from,
)
from sfs_core.testing import new_group, put
from sfs_plugins.local_store import LocalStore
from sfs_plugins.migrate.history import MarkTies
from tests.parts import plugin

ODD = "2025-05-01T00:00:00.123456789Z"
ONE = "2025-05-01T00:00:00Z"


def a_run_with_a_rejected_record(sfs, dev, more=""):
    """Migrate two records, of which one cannot be taken as it is: the run ends with 3 and can be resumed."""
    dev.fill(new_group("old", "city:String", online=False), {"id": "1", "at": ONE}, {"id": "2", "at": ODD})
    dev.fill(new_group("new", "city:String", event_time="at:Fractional"))
    answer = sfs(f"migrate old new --on-error skip {more}")
    assert answer.code == 3
    return next(path.name for path in (sfs.folder / "state" / "runs").iterdir())


def test_a_run_that_is_resumed_puts_nothing_twice(sfs, dev):
    run = a_run_with_a_rejected_record(sfs, dev)

    answer = sfs(f"runs resume {run}")

    assert answer.code == 3
    assert len(dev.history("new")) == 1


def test_a_source_that_changed_meanwhile_does_not_change_a_resumed_run(sfs, dev):
    run = a_run_with_a_rejected_record(sfs, dev)
    store = dev.open()
    put(store, store.describe("old"), {"id": "3", "at": ONE})
    store.close()

    sfs(f"runs resume {run}")

    assert [row["id"] for row in dev.online("new")] == ["1"]


def test_a_target_that_was_made_by_another_meanwhile_is_refused(sfs, dev):
    dev.fill(new_group("old", "city:String", online=False), {"id": "1", "at": ONE})
    run = stopped_before_putting(sfs, dev, "migrate old new --create-target")
    store = dev.open()
    store.delete("new")
    store.close()
    dev.fill(new_group("new", "town:String"))

    refused = sfs(f"runs resume {run}")

    assert refused.code == 4
    assert refused.stderr == (
        "error: dev:new is there already and has other features, so nothing was changed: "
        "leave out --create-target, or delete it\n"
    )
    assert dev.online("new") == []


def test_a_target_that_the_run_made_is_used_when_it_is_resumed(sfs, dev):
    dev.fill(new_group("old", "city:String", online=False), {"id": "1", "at": ONE})
    run = stopped_before_putting(sfs, dev, "migrate old new --create-target")

    sfs.ok(f"runs resume {run}")

    assert [row["id"] for row in dev.online("new")] == ["1"]
    assert len(dev.history("new")) == 1


@dataclass
class StoppingStore(LocalStore):
    """The local store, where every put is stopped, as by Ctrl-C, as long as there is a file `stop` in its folder."""

    name: ClassVar[str] = "stopping"

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        if (self.path / "stop").exists():
            raise Interrupted
        yield from super().put(group, batches, how)


def stopped_before_putting(sfs, dev, line):
    """Run a command that makes its target and is stopped then; return the run's name."""
    sfs.plugins.append(("stopping", plugin(sfs_stores=[StoppingStore])))
    sfs.configure(f'default = "dev"\n[connections.dev]\nstore = "stopping"\npath = {str(sfs.store)!r}\n')
    stop = sfs.store / "stop"
    stop.touch()
    assert sfs(line).code == 130
    stop.unlink()
    return next(path.name for path in (sfs.folder / "state" / "runs").iterdir())


@pytest.mark.parametrize("written", range(7))
def test_versions_and_delete_markers_that_tie_over_batches_are_written_once(sfs, dev, written):
    """The first ones were written before a kill; every batch is in doubt, and the history ends up the same."""
    source = dev.fill(new_group("old", "city:String", online=False))
    target = dev.fill(new_group("new", "city:String"))
    kinds = [None, "a", None, "b", "c", None]
    connections = Connections(sfs.folder, {"dev": Connection("dev", "local", {"path": str(sfs.store)})}, "dev")
    session = Session(connections, {"local": LocalStore}, Console(io.StringIO()), sfs.folder, sfs.clock)
    records = records_from(source.features, [{"id": "1", "at": ONE, "city": city or ""} for city in kinds])
    history = records.append_column(IS_DELETED, pa.array([city is None for city in kinds]))
    marked, _ = MarkTies(target).apply(history, session)
    put_records = PutRecords(target, replay=True)
    list(put_records.into(iter([Batch(0, marked.slice(0, written))] if written else []), session))

    again = [Batch(number, marked.slice(number * 2, 2), in_doubt=True) for number in range(3)]
    list(put_records.into(iter(again), session))
    session.close()

    assert [row.get("city") for row in dev.history("new")] == kinds
    assert dev.online("new") == []


def test_versions_that_tie_are_held_as_often_as_they_were_written(dev):
    """A batch in doubt: of three versions of one record and event time two were written before the kill."""
    group = dev.fill(new_group("orders", "city:String", online=False), *[{"id": "1", "at": ONE}] * 2)
    store = dev.open()
    texts = [ONE, "2025-05-01T00:00:00.000Z", ONE]
    asked = records_from(group.features, [{"id": "1", "at": at} for at in texts])
    held = store.holds(group, asked.append_column(IS_DELETED, pa.array([False] * 3)), EventTime(0))
    store.close()

    assert list(held) == [True, True, False]
