"""The kit itself: what it imports, the memory store as a plugin, clocks, and contracts that can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pytest

from sfs_core import NANOS, FeatureGroup, Message, Session, record_ids, say
from sfs_core.testing import (
    NOON,
    ONE,
    MemoryPlugin,
    MemoryStore,
    RecordIdSourceContract,
    StepClock,
    filled,
    memory_session,
    new_group,
    online,
    record,
)

if TYPE_CHECKING:
    from tests.conftest import Sfs


def test_the_kit_does_not_need_hypothesis() -> None:
    code = "import sys, sfs_core.testing; print('hypothesis' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout == "False\n"


def test_commands_run_one_after_another_on_the_memory_plugin(sfs: Sfs) -> None:
    plugin = MemoryPlugin()
    sfs.plugins = [("memory", plugin)]
    sfs.configure('default = "memory"\n[connections.memory]\nstore = "memory"\n')
    store = MemoryStore(state=plugin.state("memory"))
    group = filled(store, new_group("orders"), record("1", ONE, city="Oslo"))

    sfs.ok(f"put orders id=2 at={ONE} city=Rome")

    assert online(store, group) == [record("1", ONE, city="Oslo"), record("2", ONE, city="Rome")]


def test_connections_of_the_memory_plugin_are_stores_of_their_own() -> None:
    plugin = MemoryPlugin()
    (store,) = plugin.sfs_stores()

    one, two, again = (store(connection=name) for name in ("one", "two", "one"))  # type: ignore[call-arg]
    filled(one, new_group("orders"), record("1", ONE))

    assert again.describe("orders").address == "one:orders"
    with pytest.raises(Exception, match="no feature group 'orders'"):
        two.describe("orders")


def test_a_step_clock_is_later_each_time_it_is_asked() -> None:
    clock = StepClock(NOON, step_nanoseconds=NANOS)

    assert [clock.now().iso(), clock.now().iso()] == ["2025-06-01T12:00:01Z", "2025-06-01T12:00:02Z"]


@dataclass(frozen=True)
class GivesNulls:
    """A source that breaks its promise."""

    name: ClassVar[str] = "nulls"
    group: FeatureGroup

    def describe(self) -> Message:
        return say("record ids and nulls")

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        yield record_ids(["r1", "r2"])
        yield pa.record_batch({"record_id": pa.array([None], pa.string())})


def test_the_contract_of_record_id_sources_finds_nulls_and_missing_ids(tmp_path: Path) -> None:
    contract, session = RecordIdSourceContract(), memory_session(tmp_path)
    source = GivesNulls(filled(session.store("memory"), new_group(), record("r1", ONE)))

    with pytest.raises(AssertionError):
        contract.test_it_gives_batches_of_one_column_of_texts_without_nulls(source, session)
    with pytest.raises((AssertionError, TypeError)):
        contract.test_it_gives_the_record_ids(source, session)


def test_the_contract_of_record_id_sources_finds_a_module_that_imports_pyarrow_at_its_top(tmp_path: Path) -> None:
    source = GivesNulls(filled(memory_session(tmp_path).store("memory"), new_group(), record("r1", ONE)))

    with pytest.raises(AssertionError):
        RecordIdSourceContract().test_its_module_imports_nothing_heavy(source)
