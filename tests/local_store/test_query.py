"""What can be asked of the offline store, and what its Parquet files may look like."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfs_core import BadOption, EventTime, EventTimeRange, FeatureDefinition, GroupChange, OfflineQuery, Versions
from sfs_core.testing import NOON, ONE, THREE, TWO, created, delete, filled, history, latest, new_group, put, record
from sfs_plugins.local_store import LocalStore
from sfs_plugins.local_store.condition import checked

AWKWARD = (
    "year:Integral",
    "Hour:String",
    "file_row_number:Integral",
    "order-by:String",
    "select:Fractional",
    "i:String",
)


def test_features_may_have_the_names_of_partitions_keywords_and_places(store: LocalStore) -> None:
    one = record(
        "1", ONE, **{"year": "1", "Hour": "h", "file_row_number": "9", "order-by": "x", "select": "0.5", "i": "j"}
    )
    group = filled(store, new_group("orders", *AWKWARD), one, record("2", TWO))

    assert latest(store, group) == [one, record("2", TWO)]
    assert latest(store, group, OfflineQuery(where="year = 1 AND \"order-by\" = 'x' AND \"Hour\" = 'h'")) == [one]
    assert [version["id"] for version in history(store, group)] == ["1", "2"]


def test_a_feature_that_no_file_has_yet_can_be_asked_for(store: LocalStore) -> None:
    group = filled(store, new_group("orders", "city:String"), record("1", ONE, city="Oslo"))
    store.update("orders", GroupChange(add_features=(FeatureDefinition.parse("items:Integral"),)))
    wider = store.describe("orders")

    assert latest(store, wider, OfflineQuery(where="items IS NULL")) == [record("1", ONE, city="Oslo")]
    put(store, wider, record("2", TWO, items="5"))
    assert latest(store, wider) == [record("1", ONE, city="Oslo"), record("2", TWO, items="5")]
    assert group.last_update_status is None


def test_files_of_other_tools_are_read_with_what_they_have(store: LocalStore, folder: Path) -> None:
    group = filled(store, new_group(), record("1", ONE, items="1"))
    assert group.offline is not None
    assert group.offline.root is not None
    part = folder / "s3" / group.offline.root[5:] / "data/year=2025/month=06/day=01/hour=02/part-00000.parquet"
    part.parent.mkdir()
    time = pa.array([NOON.moment()]).cast(pa.timestamp("us"))
    columns = {"id": ["1"], "at": [TWO], "api_invocation_time": time, "write_time": time, "is_deleted": [False]}
    pq.write_table(pa.table(columns), part)

    assert latest(store, group) == [record("1", TWO)]


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_the_latest_records_are_the_same_however_small_the_parts_are_that_they_are_found_in(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """A group of some hundred thousand versions is ranked part by part: here parts of a few lines."""
    group = filled(store, new_group("orders", "number:Integral", "city:String"))
    for hour in range(4):
        at = f"2025-06-01T0{hour}:00:00Z"
        put(
            store,
            group,
            *(record(f"{n:02}", at, number=str(n), city=f"{n} at {hour}") for n in range(hour, 30, hour + 1)),
        )
    delete(store, group, *(f"{n:02}" for n in range(0, 30, 5)), at=THREE)
    put(store, group, record("07", THREE, number="7", city="tied"), record("10", THREE, number="10", city="revived"))
    whole = latest(store, group)

    monkeypatch.setattr("sfs_plugins.local_store.query._PART_LINES", lines)

    assert latest(store, group) == whole
    assert [row["id"] for row in whole] == [f"{n:02}" for n in range(30) if n % 5 or n == 10]
    assert latest(store, group, OfflineQuery(where="number < 4")) == whole[:3]
    assert len(latest(store, group, OfflineQuery(limit=9))) == 9
    early = EventTimeRange(None, EventTime.parse(TWO, seconds=False))
    assert len(latest(store, group, OfflineQuery(event_time=early))) == 30


def test_event_times_of_mixed_widths_rank_as_instants(store: LocalStore) -> None:
    times = [
        "2025-06-01T01:00:00.5Z",
        "2025-06-01T01:00:00Z",
        "2025-06-01T01:00:00.49Z",
        "2025-06-01T01:00:00.500000001Z",
    ]
    group = filled(store, new_group(), *(record("1", at) for at in times))

    assert [version["at"] for version in history(store, group)] == [times[1], times[2], times[0], times[3]]
    assert latest(store, group) == [record("1", times[3])]


def test_bounds_are_instants_too(store: LocalStore) -> None:
    group = filled(store, new_group(), *(record(at, at) for at in (ONE, "2025-06-01T01:00:00.5Z", TWO)))
    half = EventTime.parse("2025-06-01T01:00:00.500Z", seconds=False)
    two = EventTime.parse(TWO, seconds=False)

    found = latest(store, group, OfflineQuery(event_time=EventTimeRange(half, two)))

    assert [one["at"] for one in found] == ["2025-06-01T01:00:00.5Z"]


def test_a_marker_of_the_same_instant_put_later_hides_the_record(store: LocalStore) -> None:
    group = filled(store, new_group(online=False), record("1", ONE))
    delete(store, group, "1", at="2025-06-01T01:00:00.000Z")

    assert latest(store, group) == []
    assert [version["is_deleted"] for version in history(store, group)] == [False, True]


def test_numbers_are_typed_in_a_condition(store: LocalStore) -> None:
    group = filled(store, new_group(), record("1", ONE, items="9"), record("2", ONE, items="10", amount="1e3"))

    assert latest(store, group, OfflineQuery(where="items > 9 AND amount = 1000")) == [
        record("2", ONE, items="10", amount="1000.0")
    ]
    assert latest(store, group, OfflineQuery(Versions.HISTORY, where="NOT is_deleted AND items < 10", features=("id",)))


@pytest.mark.parametrize(
    "where",
    [
        "items = 1; DROP TABLE newest",
        "items = 1) OR (1 = 1",
        "1 = 1) --",
        "items FROM read_parquet('x')",
        "items IN (SELECT 1)",
        "EXISTS (FROM '/etc/passwd')",
        "items = ?",
        "items AS x",
        "items, at",
        "true WHERE true",
        "true UNION SELECT true",
        "true /* ",
        "getenv('HOME') = ''",
        "row_number() OVER () = 1",
        "*",
        "",
        "nonsense = 1",
        "sum(items) > 1",
        "CAST(city AS INTEGER) = 1",
    ],
)
def test_a_condition_that_is_not_one_expression_over_features_is_refused(store: LocalStore, where: str) -> None:
    group = filled(store, new_group(), record("1", ONE, city="Oslo", items="1"))

    with pytest.raises(BadOption, match="--where does not take"):
        latest(store, group, OfflineQuery(where=where))


@pytest.mark.parametrize(
    "where",
    [
        "items = 1 -- one",
        "items BETWEEN 1 AND 3 OR city LIKE 'O%'",
        "NOT (items IS NULL)",
        "city IN ('a', 'b;c', '--')",
        "CASE WHEN items > 1 THEN true ELSE false END",
        "lower(city) = 'o''slo'",
        "items::VARCHAR || 'x' = '1x'",
        "CAST(\"at\" AS TIMESTAMP) < TIMESTAMP '2025-06-01 00:00:00'",
    ],
)
def test_an_ordinary_condition_is_one(where: str) -> None:
    assert checked(where) == f"({where}\n)"


def test_a_limit_of_none_is_none_and_of_zero_is_nothing(store: LocalStore) -> None:
    group = filled(store, new_group(), record("1", ONE), record("2", THREE))

    assert len(latest(store, group, OfflineQuery(limit=0))) == 0
    assert len(latest(store, group, OfflineQuery(limit=1))) == 1
    assert len(latest(store, group)) == 2


def test_a_group_without_objects_tells_nothing_and_still_checks_the_question(store: LocalStore) -> None:
    group = created(store, new_group())

    assert latest(store, group) == []
    with pytest.raises(BadOption):
        latest(store, group, OfflineQuery(where="1; 2"))
