"""More ways in which other tools go wrong on a feature store: in how calls are cut, spread, tried again and told.

Numbers in brackets are lines of docs/explanation/known-ways-to-be-wrong.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sfs_core.testing import filled, new_group, online, put, record
from sfs_plugins.sandbox.wire import Request, Response
from tests.sagemaker_store.conftest import Asked
from tests.sagemaker_store.served import ServedStore, Server


def id_of(entry: dict[str, Any]) -> Any:
    return next(value["ValueAsString"] for value in entry["Record"] if value["FeatureName"] == "id")


def times() -> Iterator[str]:
    """Event times a minute apart."""
    return (f"2025-06-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(24 * 60))


# one id of many records


class HotId:
    """Takes a record of one id at every third call only, as a store that is asked for more than an id's share."""

    def __init__(self, hot: str) -> None:
        self.hot, self.asked = hot, 0
        self.calls: list[list[str]] = []
        self.taken: list[str] = []

    def __call__(self, request: Request) -> Response | None:
        if request.path != "/BatchWriteRecord":
            return None
        entries = json.loads(request.body)["Entries"]
        self.calls.append([id_of(entry) for entry in entries])
        hot = [entry for entry in entries if id_of(entry) == self.hot]
        self.asked += len(hot)
        if not hot or self.asked % 3 == 0:
            self.taken += [value["ValueAsString"] for entry in hot for value in entry["Record"][2:]]
            return None
        errors = [
            {"Entry": entry, "ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"} for entry in hot
        ]
        others = [entry for entry in entries if id_of(entry) != self.hot]
        return Response(200, json.dumps({"Errors": errors, "UnprocessedEntries": others}).encode())


def test_the_records_of_a_hot_id_are_spread_over_calls_and_written_in_order(store: ServedStore, server: Server):
    """[41] An id has its own limit: its records go one a call, among others, and none is lost or overtaken."""
    group = filled(store, new_group("orders"))
    when = times()
    hot = [record("hot", next(when), items=str(number)) for number in range(12)]
    cold = [record(f"{number:03}", next(when)) for number in range(36)]
    server.instead = limit = HotId("hot")

    remarks = put(store, group, *hot, *cold)

    assert remarks == []
    assert all(len(set(ids)) == len(ids) for ids in limit.calls), "no id twice in a call"
    assert [len(ids) for ids in limit.calls if "000" in ids] == [25] * 3, "the rest of a call waits with its hot id"
    assert online(store, group, "hot") == hot[-1:]
    assert limit.taken == [str(number) for number in range(12)]


def test_records_of_many_ids_that_come_id_by_id_fill_calls_all_the_same(store: ServedStore, asked: Asked):
    """[41] A history sorted by id: 4 versions each of 50 ids are 8 calls of 25, and none of them names an id twice."""
    group = filled(store, new_group("orders"))
    when = list(times())
    records = [record(f"{number:03}", when[version]) for number in range(50) for version in range(4)]

    remarks = put(store, group, *records)

    assert remarks == []
    calls = [[id_of(entry) for entry in call["Entries"]] for call in asked.of("BatchWriteRecord")]
    assert [(len(ids), len(set(ids))) for ids in calls] == [(25, 25)] * 8
    assert {row["at"] for row in online(store, group)} == {when[3]}
