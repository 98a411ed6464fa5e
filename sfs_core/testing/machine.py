"""Random operations on a store and on the reference model, side by side: after each, both must tell the same.

The one module here that needs Hypothesis. A test asserts the number that `operations` returns, so that the comparison
cannot come to nothing unnoticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sfs_core.arrow import records_from
from sfs_core.clock import Clock, SetClock
from sfs_core.errors import SfsError
from sfs_core.event_time import NANOS
from sfs_core.facts import Batch
from sfs_core.model import (
    IS_DELETED,
    WRITE_TIME,
    FeatureDefinition,
    FeatureGroup,
    RecordId,
    StorageType,
    TableFormat,
    TargetStore,
    TtlDuration,
)
from sfs_core.rules import Value
from sfs_core.store import EventTimeRange, GroupChange, OfflineQuery, Put, Store, Versions
from sfs_core.testing import groups
from sfs_core.testing.groups import NOON, ORDERS, new_group, typed_rows
from sfs_core.testing.machine_queries import QueriedModel, Row, half_marked_deleted, is_a_latest, third_of_days_deleted
from sfs_core.testing.machine_records import HOUR, IDS, RecordBytes
from sfs_core.testing.memory import MemoryStore
from sfs_core.testing.offline_model import is_iceberg

OpenStore = Callable[[Clock], Store]
"""Opens a fresh, empty store that reads the clock given."""
Act = Callable[[Store, FeatureGroup], object]

_OFFLINE_EVERY: Final = 5
_COLLECTIONS: Final = ("names:String:List", "place:Fractional:Vector(2)")
_KINDS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"ttl": "2h"},
    {},
    {"online": False},
    {"offline": False},
    {"storage_type": StorageType.STANDARD_V2},
    {"storage_type": StorageType.STANDARD_V2, "ttl": "1d"},
    {"storage_type": StorageType.IN_MEMORY, "ttl": "3w"},
)
_MOVES: Final = (NANOS, NANOS, 1800 * NANOS, HOUR, 24 * HOUR, 24 * 30 * HOUR)
_CHANGES: Final = (
    GroupChange(ttl=TtlDuration.parse("1h")),
    GroupChange(ttl=TtlDuration.parse("2d")),
    GroupChange(remove_ttl=True),
    GroupChange(storage_type="Standard_V2"),
    *(GroupChange(add_features=(FeatureDefinition.parse(f"{name}:String"),)) for name in ("added1", "added2", "city")),
)

_TARGETS: Final = (None, None, None, (TargetStore.ONLINE,), (TargetStore.OFFLINE,))
_TTLS: Final = (None, None, None, "1s", "1s", "1s", "90m", "3w")

# Hypothesis chooses how many steps there are, which numbers they begin from, and how many records they have; all else
# comes out of the number, so that operations are as frequent as they are meant to be
NUMBERS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 4) | st.integers(1, 16) | st.integers(100, 250)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to the model, and compares what they answer and what they then hold.

    One operation is counted for each record of a batch, and one for anything else that is done.
    """

    open_store: ClassVar[OpenStore]
    event_time: ClassVar[str]
    is_queried: ClassVar[bool]
    counted: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock(NOON)
        model = QueriedModel if self.is_queried else MemoryStore
        self.stores: tuple[Store, Store] = (type(self).open_store(self.clock), model(clock=self.clock))
        self.random = Random(0)  # noqa: S311  (nothing secret)
        self.steps = self.made = 0

    @initialize(number=NUMBERS)
    def begin(self, number: int) -> None:
        """Make the group."""
        self.random.seed(number)
        self._create()

    @rule(number=NUMBERS, size=SIZES)
    def step(self, number: int, size: int) -> None:
        """Do one of the things below."""
        self.random.seed(number)
        (do,) = self.random.choices([do for do, _ in _STEPS], [weight for _, weight in _STEPS])
        note(f"{do.__name__} ({size} records)")
        do(self, size)

    def put(self, size: int) -> None:
        records = self.bytes().records(self.random.randbytes(3 * size))
        how, cut = self._how(), self.random.randint(1, 4)

        def act(store: Store, group: FeatureGroup) -> object:
            batches = (Batch(n, records_from(group.features, records[n::cut])) for n in range(cut))
            facts = [(f.batch.number, f.done, groups.failed(f.remarks)) for f in store.put(group, batches, how)]
            return sorted((number, done, sorted(failed)) for number, done, failed in facts)

        self.both("put", len(records), act)

    def delete(self, size: int) -> None:
        deletions = self.bytes().deletions(self.random.randbytes(3 * size))
        hard, to = self.random.random() < 0.5, self.random.choice(_TARGETS)

        def act(store: Store, group: FeatureGroup) -> object:
            return groups.failed(groups.delete_each(store, group, deletions, hard=hard, to=to))

        self.both("delete", len(deletions), act, offline=self.is_queried and not hard)

    def update_record(self, size: int) -> None:
        drawn = self.random.randbytes(3)
        timed = self.random.random() < 0.6
        (record,) = self.bytes().records(drawn) if drawn[0] < 252 else [{"id": "a", "items": "5.0"}]
        changes = {name: value for name, value in record.items() if name != "id" and (timed or name != "at")}
        how = self._how()

        def act(store: Store, group: FeatureGroup) -> object:
            store.update_record(group, RecordId(str(record["id"])), changes, how)
            return None

        self.both("update_record", 1, act)

    def move_clock(self, size: int) -> None:
        self.clock.instant = self.clock.instant.plus(self.random.choice(_MOVES))
        self.both("move_clock", 1, lambda store, group: None)

    def change_group(self, size: int) -> None:
        change = self.random.choice(_CHANGES)
        self.both("update", 1, lambda store, group: store.update(group.name, change))

    def make_anew(self, size: int) -> None:
        self.both("delete group", 1, lambda store, group: store.delete(group.name), compare=False)
        self.clock.instant = self.clock.instant.plus(NANOS)
        self._create()
        self.both("create group", 1, lambda store, group: None)

    def delete_objects(self, size: int) -> None:
        third = self.random.randrange(3)
        if is_iceberg(self.stores[1].describe("orders")):
            self.both("delete days", 1, lambda store, group: third_of_days_deleted(store, group, third))
            return

        def act(store: Store, group: FeatureGroup) -> object:
            store.settle(group)
            by_hour: dict[str, list[str]] = {}
            for key in groups.objects_in(store, group):
                by_hour.setdefault(key.partition("/data/")[2].rpartition("/")[0], []).append(key)
            chosen = sorted(by_hour)[third::3]
            remarks = groups.delete_objects(store, group, *(key for hour in chosen for key in by_hour[hour]))
            return sorted(by_hour), groups.failed(remarks)

        self.both("delete objects", 1, act)

    def ask_what_is_held(self, size: int) -> None:
        import pyarrow as pa

        good = bytes(byte % 252 for byte in self.random.randbytes(3 * size))
        keys: list[dict[str, Value]] = [{"id": str(one), "at": str(at)} for one, at in self.bytes().deletions(good)]
        since = self.clock.instant.plus(-self.random.choice((0, 1_000_000, *_MOVES)))
        deleted = pa.array([self.random.random() < 0.3 for _ in keys], pa.bool_())

        def act(store: Store, group: FeatureGroup) -> object:
            batch = records_from(group.features, keys).append_column(IS_DELETED, deleted)
            if self.is_queried:
                store.settle(group)
            return list(store.holds(group, batch, since))

        self.both("holds", 1, act)

    def ask_the_offline_store(self, size: int) -> None:
        start, end = sorted(self.bytes().instant(number) for number in self.random.randbytes(2))
        bounds = self.random.choice([None, EventTimeRange(start, end), EventTimeRange(start, None)])
        back = self.random.choice((None, 0, 1_000_000, *_MOVES))
        written_by = None if back is None else self.clock.instant.plus(-back)
        query = OfflineQuery(self.random.choice(list(Versions)), ("id", "at", "city"), bounds, None, written_by)
        self.both("versions", 1, lambda store, group: None)
        self.compare_offline(query)

    def _create(self) -> None:
        self.made += 1
        kind = self.random.choice(_KINDS)
        # every other group that a query engine reads is one of the format that it changes too: event times are texts
        in_table = self.is_queried and self.event_time.endswith("String") and self.random.random() < 0.5
        in_memory = kind.get("storage_type") is StorageType.IN_MEMORY
        new = new_group("orders", *ORDERS, *(_COLLECTIONS if in_memory else ()), event_time=self.event_time, **kind)
        if in_table and new.offline is not None:
            new = replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG))
        for store in self.stores:
            groups.created(store, new)

    def _how(self) -> Put:
        ttl = self.random.choice(_TTLS)
        return Put(self.random.choice(_TARGETS), TtlDuration.parse(ttl) if ttl else None)

    def bytes(self) -> RecordBytes:
        """Return what reads bytes as records of the group as it is now."""
        return RecordBytes(self.stores[1].describe("orders"), self.clock.instant)

    def both(self, name: str, count: int, act: Act, *, compare: bool = True, offline: bool = False) -> None:
        """Do it to both, a millisecond later than what was done before; both must answer alike and then hold alike.

        What they hold offline is compared now and then, and wherever `offline` says so: after delete markers.
        """
        self.counted[name] += count
        self.clock.instant = self.clock.instant.plus(1_000_000)
        answer, expected = (_answer(act, store) for store in self.stores)
        assert answer == expected
        self.steps += 1
        if compare:
            self.compare(offline=offline or self.steps % _OFFLINE_EVERY == 0)

    def compare(self, *, offline: bool) -> None:
        """Compare everything that can be read of the two stores."""
        held, expected = (_answer(_online, store) for store in self.stores)
        assert held == expected
        if offline:
            for versions in Versions:
                self.compare_offline(OfflineQuery(versions))

    def compare_offline(self, query: OfflineQuery) -> None:
        """Compare what the two offline stores tell."""
        told, foretold = (_answer(lambda store, group: _told(store, group, query), store) for store in self.stores)
        if told != foretold and self.is_queried and query.versions is Versions.LATEST and isinstance(told, list):
            every = replace(query, versions=Versions.HISTORY)
            assert is_a_latest(told, _history(self.stores[1], self.stores[1].describe("orders"), every))
        else:
            assert told == foretold

    def teardown(self) -> None:
        """Compare for the last time, and close the store."""
        try:
            if self.made and self.is_queried:
                self.both("delete", 1, half_marked_deleted(self.clock.instant), compare=False)
            if self.made:
                self.compare(offline=True)
        finally:
            self.stores[0].close()


_STEPS: Final[tuple[tuple[Callable[[StoreMachine, int], None], int], ...]] = (
    (StoreMachine.put, 36),
    (StoreMachine.delete, 20),
    (StoreMachine.update_record, 8),
    (StoreMachine.move_clock, 10),
    (StoreMachine.change_group, 5),
    (StoreMachine.make_anew, 2),
    (StoreMachine.delete_objects, 4),
    (StoreMachine.ask_what_is_held, 6),
    (StoreMachine.ask_the_offline_store, 9),
)


def _answer(act: Act, store: Store) -> object:
    """Return what a store answers: a value, or the name of the error it raises."""
    try:
        return act(store, store.describe("orders"))
    except SfsError as error:
        return error.code


def _online(store: Store, group: FeatureGroup) -> object:
    """Return what the online store lists and holds, texts as they are, and when each record expires."""
    listed = groups.ids_in(store, group), groups.ids_in(store, group, soft_deleted=True)
    found = store.read(group, [RecordId(one) for one in IDS])
    records = sorted(zip(map(repr, found.records.to_pylist()), found.expires_at.to_pylist(), strict=True))
    return listed, records


def _told(store: Store, group: FeatureGroup, query: OfflineQuery) -> Sequence[object]:
    """Return what the offline store tells, in typed values: the latest by id, the history sorted anew."""
    if query.versions is Versions.LATEST:
        return typed_rows(group, groups.latest(store, group, query))
    return sorted(repr(sorted(row.items())) for row in _history(store, group, query))


def _history(store: Store, group: FeatureGroup, query: OfflineQuery) -> list[Row]:
    rows = typed_rows(group, groups.history(store, group, query), without=[WRITE_TIME])
    ranks = [(row["at"], str(row["id"]), row["api_invocation_time"]) for row in rows]
    assert ranks == sorted(ranks)
    return list(rows)


def operations(
    open_store: OpenStore,
    *,
    event_time: str = "at:String",
    examples: int,
    steps: int = 30,
    shrink: bool = True,
    is_queried: bool = False,
) -> int:
    """Drive a store beside the model, `examples` times from empty, `steps` steps each; return the operations done.

    `is_queried` is for a store whose offline side a query engine reads: `machine_queries` says how it may differ.

    The same operations each time while the code stays as it is, so that a failure is a failure tomorrow. Raises
    AssertionError at a difference, with a short sequence that shows it; without `shrink`, with the first one found.
    """
    counted: Counter[str] = Counter()
    members = {"event_time": event_time, "is_queried": is_queried, "counted": counted}
    machine = type("StoreBesideModel", (StoreMachine,), {"open_store": staticmethod(open_store), **members})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            deadline=None,
            database=None,
            derandomize=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return counted.total()
