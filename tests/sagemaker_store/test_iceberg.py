"""Iceberg offline stores on AWS's wire: emptied by Athena in SQL, and never a file of them deleted by hand.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from sfs_core import (
    DAY,
    Batch,
    FeatureGroup,
    FilesOfATable,
    NewFeatureGroup,
    NotAnIcebergTable,
    Refused,
    TableFormat,
    record_ids,
)
from sfs_core.testing import (
    ONE,
    TWO,
    delete,
    delete_objects,
    filled,
    history,
    ids_in,
    latest,
    new_group,
    objects_in,
    online,
    put,
    record,
)
from sfs_plugins.sagemaker_store import iceberg_table
from sfs_plugins.sagemaker_store.athena import QueryFailed
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.errors import OutcomeUnknown
from sfs_plugins.sagemaker_store.iceberg_table import NoEventDay, deletion
from sfs_plugins.sandbox.wire import Request, Response
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, ServedStore, Server
from tests.sagemaker_store.test_tables import table_of, tables

LATER = "2025-06-02T00:00:00Z"


def iceberg(name: str = "orders", *features: str, online: bool = True) -> NewFeatureGroup:
    new = new_group(name, *features, online=online)
    assert new.offline is not None
    return replace(new, offline=replace(new.offline, table_format=TableFormat.ICEBERG))


@pytest.fixture
def group(store: ServedStore) -> FeatureGroup:
    """An Iceberg group with four versions on two days, settled."""
    group = filled(store, iceberg(), record("1", ONE), record("2", ONE), record("2", TWO), record("3", LATER))
    store.settle(group)
    return group


def root_of(group: FeatureGroup) -> str:
    assert group.offline is not None and group.offline.root is not None
    return group.offline.root


def counted(store: ServedStore, group: FeatureGroup) -> dict[str, int]:
    rows = [row for batch in store.offline_days(group) for row in batch.to_pylist()]
    return {row[DAY]: row["records"] for row in rows}


def delete_days(store: ServedStore, group: FeatureGroup, *days: str) -> None:
    import pyarrow as pa

    batch = Batch(0, pa.record_batch({DAY: pa.array(days, pa.string())}))
    (fact,) = store.delete_days(group, [batch])
    assert (fact.done, fact.remarks) == (len(days), ())


@dataclass
class Wire:
    """What goes over the wire, and what is answered in the sandbox's place: `ends` is asked of each statement."""

    statements: list[str] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    ends: Callable[[str], dict[str, Any] | None] = lambda statement: None
    unanswered: bool = False
    table_at: str | None = None
    _ended: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response | None:
        target = request.headers.get("x-amz-target", "")
        if target == "AmazonAthena.StartQueryExecution":
            return self._start(json.loads(request.body))
        if target == "AmazonAthena.GetQueryExecution":
            return self._get(json.loads(request.body)["QueryExecutionId"])
        if target == "AWSGlue.GetTable" and self.table_at is not None:
            return self._table(json.loads(request.body), self.table_at)
        is_batch = request.method == "POST" and "delete" in request.query
        if not target and "/feature-store" in request.path and (request.method == "DELETE" or is_batch):
            self.deletions.append(f"{request.method} {request.path}")
        return None

    def _start(self, asked: dict[str, Any]) -> Response | None:
        statement = asked["QueryString"]
        self.statements.append(statement)
        status = self.ends(statement)
        if status is None:
            return None
        query = f"{len(self.statements):08}-0000-0000-0000-000000000000"
        self._ended[query] = status
        return Response(200, json.dumps({"QueryExecutionId": query}).encode())

    def _table(self, asked: dict[str, Any], location: str) -> Response:
        table = {"DatabaseName": asked["DatabaseName"], "Name": asked["Name"], "Parameters": {"table_type": "ICEBERG"}}
        table["StorageDescriptor"] = {"Location": location}
        return Response(200, json.dumps({"Table": table}).encode())

    def _get(self, query: str) -> Response | None:
        if self.unanswered and self.statements[-1].startswith("DELETE"):
            return Response(500, b"{}")
        if query not in self._ended:
            return None
        return Response(200, json.dumps({"QueryExecution": {"Status": self._ended[query]}}).encode())


@pytest.fixture
def wire(store: ServedStore, server: Server) -> Iterator[Wire]:
    wire = Wire()
    server.instead = wire
    yield wire
    server.instead = lambda request: None


def ended(state: str, reason: str) -> dict[str, Any]:
    return {"State": state, "StateChangeReason": reason}


def test_clear_deletes_by_sql_and_never_a_file_and_the_table_goes_on(
    aws: Sfs, store: ServedStore, group: FeatureGroup, wire: Wire
):
    """[36, 37]."""
    sibling = filled(store, iceberg("orders-17"), record("1", ONE))
    store.settle(sibling)
    before = objects_in(store, group)
    wire.statements.clear()

    answer = aws.ok("clear orders --force")

    assert "3. 2 from event days in the offline store of aws:orders (4 versions) -> delete every version: 2 done" in (
        answer.stderr
    )
    name = table_of(group).table
    changed = [statement for statement in wire.statements if not statement.startswith("SELECT")]
    assert changed[0].startswith(f'DELETE FROM "sagemaker_featurestore"."{name}" WHERE ("at" >= \'2025-06-0')
    assert changed[1:] == [
        f'OPTIMIZE "sagemaker_featurestore"."{name}" REWRITE DATA USING BIN_PACK',
        f"VACUUM `{name}`",
    ]
    assert wire.deletions == []
    assert set(before) <= set(objects_in(store, group))
    assert (history(store, group), online(store, group)) == ([], [])
    put(store, group, record("new", ONE))
    assert latest(store, group) == [record("new", ONE)]
    assert latest(store, sibling) == [record("1", ONE)]


def test_what_lands_while_a_clear_waits_for_buffered_writes_goes_too(aws: Sfs, store: ServedStore, wire: Wire):
    """[30]: the last listing is after the store's own lag."""
    group, listings = filled(store, iceberg(online=False), record("1", ONE)), count()

    def land_late(statement: str) -> None:
        if "GROUP BY" in statement and next(listings) == 2:
            store.settle(group)

    wire.ends = land_late

    answer = aws.ok("clear orders --force --settle 0.001")

    texts = [line.rpartition(": ")[2] for line in answer.stderr.splitlines()[-4:]]
    assert texts == ["0 done", "0 done", "1 done", "1 done"]
    wire.ends = lambda statement: None
    assert counted(store, group) == {}


def test_a_delete_through_athena_on_the_glue_format_is_refused_and_never_tried(
    aws: Sfs, store: ServedStore, wire: Wire
):
    """[36]."""
    glue = filled(store, new_group("orders"), record("1", ONE))
    store.settle(glue)
    table = table_of(glue)

    with pytest.raises(QueryFailed) as refused:
        store.athena.run(deletion(glue, table, ["2025-06-01"]), table)
    for ask in (lambda: [*store.offline_days(glue)], lambda: delete_days(store, glue, "2025-06-01")):
        with pytest.raises(NotAnIcebergTable):
            ask()
    wire.statements.clear()
    aws.ok("clear orders --force")

    assert "NOT_SUPPORTED" in str(refused.value)
    assert wire.statements == []
    assert objects_in(store, glue) == []


def test_times_with_a_zone_are_unloaded_only_once_they_are_cast(
    aws: Sfs, store: ServedStore, group: FeatureGroup, clients: Clients
):
    """[34] The same query as it is fails; what the tool asks does not."""
    table = table_of(group)
    as_it_is = f'SELECT * FROM "{table.database}"."{table.table}"'

    with pytest.raises(QueryFailed) as failed:
        store.athena.run(f"UNLOAD ({as_it_is}) TO 's3://results/as-it-is/' WITH (format = 'PARQUET')", table)
    aws.ok("export orders latest.jsonl")
    aws.ok("export orders history.csv --what history")

    assert "timestamp" in str(failed.value)
    assert len((aws.folder / "latest.jsonl").read_text().splitlines()) == 3
    assert len((aws.folder / "history.csv").read_text().splitlines()) == 5


def test_what_athena_adds_to_the_columns_of_the_glue_format_is_not_exported(aws: Sfs, store: ServedStore):
    """[33] `SELECT *` has the partition columns and the system columns besides."""
    group = filled(store, new_group("orders", "city:String"), record("1", ONE, city="Oslo"))
    store.settle(group)
    table = table_of(group)

    (everything,) = store.athena.rows(f'SELECT * FROM "{table.database}"."{table.table}"', table)
    aws.ok("export orders out.csv")

    added = {"year", "month", "day", "hour", "is_deleted", "write_time", "api_invocation_time"}
    assert set(everything.schema.names) == {"id", "at", "city"} | added
    assert (aws.folder / "out.csv").read_text() == f"id,at,city\n1,{ONE},Oslo\n"


def test_the_bounds_of_a_day_are_the_day_itself(store: ServedStore):
    days = ("2025-05-31T23:59:59Z", "2025-06-09T00:00:00Z", "2025-06-09T23:59:59.999999999Z", "2025-06-10T00:00:00Z")
    group = filled(store, iceberg(), *(record(str(number), at) for number, at in enumerate(days)))
    store.settle(group)

    delete_days(store, group, "2025-06-09", "2025-05-31")

    assert counted(store, group) == {"2025-06-10": 1}
    assert len(online(store, group)) == 4


def test_a_statement_is_quoted_and_bounded(store: ServedStore, group: FeatureGroup):
    long = replace(group, event_time="e" * 64)
    days = [f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]

    statement = deletion(group, table_of(group), ["2025-06-09"])
    longest = deletion(long, table_of(group), days[: iceberg_table.DAYS_A_QUERY])

    name = table_of(group).table
    assert statement == (
        f'DELETE FROM "sagemaker_featurestore"."{name}" WHERE ("at" >= \'2025-06-09\' AND "at" < \'2025-06-0:\')'
    )
    assert len(longest) < 262_144


@pytest.mark.parametrize("day", ["2025", "", "2025-06-01T", "2025-06-01' OR '1'='1", "%"])
def test_what_is_no_day_is_never_part_of_a_statement(store: ServedStore, group: FeatureGroup, wire: Wire, day: str):
    """`2025` would be a prefix of every day of a year."""
    with pytest.raises(NoEventDay):
        delete_days(store, group, "2025-06-01", day)

    assert wire.statements == []
    assert len(history(store, group)) == 4


def test_a_version_without_a_day_is_told_of_and_the_table_is_not_called_empty(
    aws: Sfs, store: ServedStore, group: FeatureGroup
):
    """Other tools may write what the service would refuse."""
    table = table_of(group)
    store.athena.run(
        f'INSERT INTO "{table.database}"."{table.table}" ("id", "at", "is_deleted") '
        "VALUES ('9', 'yesterday', false)", table
    )  # fmt: skip

    answer = aws("clear orders --force --offline-only")

    assert answer.code == 4
    assert answer.stderr.splitlines()[-1] == (
        "error: 1 versions in the Iceberg table of aws:orders have the event time 'yesterday'..., which is no day, so "
        "they cannot be told apart by the day: delete them in Athena, then try again"
    )
    assert len(ids_in(store, group)) == 3


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_does_not_succeed_is_a_failure_with_its_own_text(
    aws: Sfs, store: ServedStore, group: FeatureGroup, wire: Wire, state: str
):
    wire.ends = lambda statement: ended(state, "not today") if statement.startswith("DELETE") else None

    answer = aws("clear orders --force --offline-only")

    assert answer.code == 12
    assert f"ended {state}: not today" in answer.stderr
    assert not any(statement.startswith(("OPTIMIZE", "VACUUM")) for statement in wire.statements)
    wire.ends = lambda statement: None
    assert counted(store, group) == {"2025-06-01": 3, "2025-06-02": 1}


def test_of_two_queries_of_a_batch_one_that_fails_is_no_success(store: ServedStore, group: FeatureGroup, wire: Wire):
    days = [f"2025-{month:02}-{day:02}" for month in range(6, 10) for day in range(1, 29)]

    def second(statement: str) -> dict[str, Any] | None:
        return ended("FAILED", "not today") if "2025-09-28" in statement else None

    wire.ends = second

    with pytest.raises(QueryFailed, match="not today"):
        delete_days(store, group, *days)

    assert len([one for one in wire.statements if one.startswith("DELETE")]) == 2
    assert counted(store, group) == {}


def test_a_query_whose_end_nobody_tells_is_of_unknown_outcome_and_the_next_listing_decides(
    aws: Sfs, store: ServedStore, group: FeatureGroup, wire: Wire
):
    wire.unanswered = True

    with pytest.raises(OutcomeUnknown) as unknown:
        delete_days(store, group, "2025-06-01", "2025-06-02")

    assert "DELETE was sent and not answered, so its outcome is unknown" in str(unknown.value)
    wire.unanswered = False
    aws.ok("clear orders --force --offline-only")
    assert counted(store, group) == {}


@pytest.mark.parametrize(
    ("verb", "reason"),
    [
        ("DELETE", "ICEBERG_COMMIT_ERROR: Failed to commit Iceberg update to table"),
        ("OPTIMIZE", "ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED: run it again"),
        ("VACUUM", "ICEBERG_VACUUM_MORE_RUNS_NEEDED: run it again"),
    ],
)
def test_a_statement_is_carried_out_again_where_athena_says_so_and_not_for_ever(
    store: ServedStore, group: FeatureGroup, wire: Wire, verb: str, reason: str
):
    def work() -> None:
        delete_days(store, group, "2025-06-01", "2025-06-02")
        store.compact(group)

    left = iter(range(3))
    wire.ends = lambda statement: (
        ended("FAILED", reason) if statement.startswith(verb) and next(left, None) is not None else None
    )
    work()
    assert counted(store, group) == {}
    assert len([one for one in wire.statements if one.startswith(verb)]) == 4

    wire.ends = lambda statement: ended("FAILED", reason) if statement.startswith(verb) else None
    with pytest.raises(QueryFailed, match=reason.partition(":")[0]):
        work()
    assert len([one for one in wire.statements if one.startswith(verb)]) == 4 + iceberg_table.RUNS


def test_a_table_that_lies_elsewhere_is_another_ones_and_keeps_its_records(
    aws: Sfs, store: ServedStore, group: FeatureGroup, wire: Wire
):
    """What Describe names may have been put in its place since."""
    wire.table_at = "s3://feature-store/elsewhere"

    answer = aws("clear orders --force --offline-only")

    name = f"sagemaker_featurestore.{table_of(group).table}"
    assert (answer.code, answer.stderr.splitlines()[-1]) == (
        4,
        f"error: table {name} is not that of feature group 'orders' alone (it lies at 's3://feature-store/elsewhere', "
        f"not at {root_of(group)}), so it is left as it is",
    )
    assert wire.statements == []


def test_the_table_of_another_group_is_never_emptied_by_a_mistaken_description(store: ServedStore, wire: Wire):
    mine, other = (filled(store, iceberg(name), record("1", ONE)) for name in ("fg-1", "fg-17"))
    store.settle(mine)
    assert mine.offline is not None

    for mistaken in (
        replace(mine, offline=replace(mine.offline, table=table_of(other))),
        replace(mine, offline=other.offline),
        replace(mine, created_at=None),
    ):
        with pytest.raises(Refused):
            delete_days(store, mistaken, "2025-06-01")

    assert wire.statements == []
    assert latest(store, other) == [record("1", ONE)]


def test_its_own_files_are_not_deleted_through_s3_while_the_group_is_there(
    store: ServedStore, group: FeatureGroup, wire: Wire
):
    """[37] Also by a description that says another format."""
    keys = objects_in(store, group)
    assert group.offline is not None
    mistaken = replace(group, offline=replace(group.offline, table_format=TableFormat.GLUE))

    for described in (group, mistaken):
        with pytest.raises(FilesOfATable):
            delete_objects(store, described, *keys)

    assert wire.deletions == []


def test_deleting_a_group_with_its_data_drops_the_table_before_the_files(
    aws: Sfs, store: ServedStore, group: FeatureGroup, clients: Clients, served: Served
):
    """[38] Stopped between the two, files without a table stay, and no table without files; resumed, nothing does."""
    served.faults.set({"rules": [{"fault": "denied", "operation": "DeleteObjects"}]})

    stopped = aws("delete orders --with-offline-data --force")

    assert stopped.code != 0
    assert (tables(clients), bool(objects_in(store, group))) == ([], True)
    served.faults.set({"rules": []})
    (run,) = aws.ok("runs list --output json").json
    aws.ok(f"runs resume {run['run']} --force")
    assert objects_in(store, group) == []


def test_a_table_that_cannot_be_told_to_be_its_own_keeps_its_files(
    aws: Sfs, store: ServedStore, group: FeatureGroup, wire: Wire
):
    before = objects_in(store, group)
    wire.table_at = "s3://feature-store/elsewhere"

    answer = aws("delete orders --with-offline-data --force")

    assert answer.code == 3
    assert set(before) <= set(objects_in(store, group))


def test_ids_come_from_an_iceberg_table_too(store: ServedStore, group: FeatureGroup):
    delete(store, group, "4", at=LATER)
    store.settle(group)

    found = [one for batch in store.offline_record_ids(group) for one in batch.column(0).to_pylist()]

    assert sorted(found) == ["1", "2", "3", "4"]
    assert record_ids(found).num_rows == 4


@pytest.mark.parametrize("table_format", [TableFormat.GLUE, TableFormat.ICEBERG])
def test_an_offline_only_iceberg_group_is_migrated_into_a_group_with_both_stores(
    aws: Sfs, store: ServedStore, table_format: TableFormat
):
    """Rows [32, 34] besides: a deleted record stays deleted, and times with a zone are no obstacle."""
    source = filled(store, iceberg("old", online=False), record("1", ONE), record("1", TWO), record("2", LATER))
    put(store, source, record("3", ONE))
    delete(store, source, "3", at=TWO)
    new = iceberg("new")
    assert new.offline is not None
    target = filled(
        store,
        replace(new, offline=replace(new.offline, table_format=table_format)),
        record("9", "2026-01-01T00:00:00Z"),
    )
    store.settle(source)

    aws.ok("migrate old new --clear-target --force --verify full")

    store.settle(target)
    assert online(store, target) == [record("1", TWO), record("2", LATER)]
    assert latest(store, target) == [record("1", TWO), record("2", LATER)]
    aws.ok("verify old new")


def test_a_group_is_made_like_an_iceberg_group_and_its_format_is_shown(
    aws: Sfs, store: ServedStore, group: FeatureGroup
):
    aws.ok("create copy --like orders")
    aws.ok("migrate orders made --create-target --force")

    listed = {row["name"]: row["table_format"] for row in aws.ok("list --output json").json}
    assert listed == {"copy": "Iceberg", "made": "Iceberg", "orders": "Iceberg"}
    assert aws.ok("describe made --output json").json["offline"]["table_format"] == "Iceberg"
    assert online(store, store.describe("made")) == latest(store, group)
