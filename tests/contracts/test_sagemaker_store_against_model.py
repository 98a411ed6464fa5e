"""The SageMaker store tells what the reference model tells, after each of some thousand random operations over HTTP.

Real boto3, a real socket, the sandbox's own services. The machine is a test only if it can fail: each of the stores and
sandboxes below that are nearly right is found out within the same operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest

from sfs_core import (
    HIGHEST,
    Batch,
    Clock,
    EventTime,
    Fact,
    FeatureGroup,
    Put,
    RecordId,
    Store,
    TargetStore,
)
from sfs_core.testing import delete_each
from sfs_core.testing.machine import operations
from sfs_core.testing.machine_records import IDS
from sfs_plugins.sagemaker_store.clients import Clients
from tests.contracts.served_machine import AwkwardWire, MachineStore, Wire, open_served_store, over
from tests.sagemaker_store.served import clients, server

__all__ = ["clients", "open_served_store", "server"]

OpenServedStore = Callable[..., Store]


@pytest.mark.parametrize(
    ("event_time", "wire"), [("at:String", Wire), ("at:Fractional", AwkwardWire)], ids=["plain", "awkward"]
)
def test_random_operations_have_the_same_outcome_over_http_and_in_the_model(
    open_served_store: OpenServedStore, clients: Clients, event_time: str, wire: type[Wire], record_property
) -> None:
    with over(clients, wire()):
        done = operations(open_served_store, event_time=event_time, examples=3, steps=15, is_queried=True, shrink=False)

    record_property("operations", done)
    print(f"{done:,} operations, no difference")
    assert done >= 700


class SwallowsAnEntry(Wire):
    """The last entry of a BatchWriteRecord is neither written nor named in the answer."""

    def sent(self, operation: str, parameters: dict[str, Any]) -> None:
        if operation == "BatchWriteRecord" and len(parameters["Entries"]) > 1:
            parameters["Entries"] = parameters["Entries"][:-1]


class ForgetsTheUnprocessed(AwkwardWire):
    """Entries that were not processed are not sent again."""

    def answered(self, operation: str, answer: dict[str, Any], http: Any) -> None:
        if operation != "BatchWriteRecord":
            super().answered(operation, answer, http)


class StopsAtAnEmptyPage(AwkwardWire):
    """A listing ends with a page that is empty, token or not."""

    def answered(self, operation: str, answer: dict[str, Any], http: Any) -> None:
        super().answered(operation, answer, http)
        if operation == "ListRecords" and not answer.get("RecordIdentifiers"):
            answer.pop("NextToken", None)
            self.listed = []


class StaleHardDeletesSucceed(Wire):
    """A hard delete that comes too late is answered with 200."""

    def answered(self, operation: str, answer: dict[str, Any], http: Any) -> None:
        if operation == "DeleteRecord" and "not before" in answer.get("Error", {}).get("Message", ""):
            http.status_code = 200


class HardDeletesAreSoft(Wire):
    """A hard delete leaves a tombstone."""

    def sent(self, operation: str, parameters: dict[str, Any]) -> None:
        if operation == "DeleteRecord":
            parameters["DeletionMode"] = "SoftDelete"


class TimesToLiveAreDropped(Wire):
    """A record's own time to live does not reach the service."""

    def sent(self, operation: str, parameters: dict[str, Any]) -> None:
        for part in (parameters, *parameters.get("Entries", ())):
            part.pop("TtlDuration", None)


@pytest.mark.parametrize(
    "wrong",
    [
        SwallowsAnEntry,
        ForgetsTheUnprocessed,
        StopsAtAnEmptyPage,
        StaleHardDeletesSucceed,
        HardDeletesAreSoft,
        TimesToLiveAreDropped,
    ],
)
def test_a_sandbox_or_client_that_is_nearly_right_is_found_out(
    open_served_store: OpenServedStore, clients: Clients, wrong: type[Wire]
) -> None:
    with over(clients, wrong()), pytest.raises(AssertionError):
        operations(open_served_store, examples=3, steps=15, is_queried=True, shrink=False)


class TiesOverwrite(MachineStore):
    """A put of the event time that is there already replaces the record."""

    def put(self, group: FeatureGroup, batches: Iterable[Batch], how: Put) -> Iterator[Fact]:
        batches = list(batches)
        if group.online is not None and how.targets != (TargetStore.OFFLINE,):
            for batch in batches:
                self._forget_ties(group, batch.records)
        return super().put(group, batches, how)

    def _forget_ties(self, group: FeatureGroup, records: pa.RecordBatch) -> None:
        there = {row["id"]: row["at"] for row in self.read(group, [RecordId(one) for one in IDS]).records.to_pylist()}
        ids, times = records.column("id").to_pylist(), records.column("at").to_pylist()
        ties = {one for one, time in zip(ids, times, strict=True) if one in there and there[one] == time}
        later = group.event_time_text(HIGHEST)
        delete_each(self, group, [(one, later) for one in sorted(ties)], hard=True, to=(TargetStore.ONLINE,))


class HoldsWhatIsThereByName(MachineStore):
    """A record counts as written where there is one of that id, whatever its event time."""

    def holds(self, group: FeatureGroup, records: pa.RecordBatch, since: EventTime) -> Sequence[bool]:
        if group.online is None:
            return super().holds(group, records, since)
        ids = records.column("id").to_pylist()
        there = set(self.read(group, ids, ("id",)).records.column("id").to_pylist())
        return [one in there or held for one, held in zip(ids, super().holds(group, records, since), strict=True)]


@pytest.mark.parametrize("wrong", [TiesOverwrite, HoldsWhatIsThereByName])
def test_a_served_store_with_one_wrong_rule_is_found_out(
    open_served_store: OpenServedStore, wrong: type[MachineStore]
) -> None:
    def open_wrong(clock: Clock) -> Store:
        return open_served_store(clock, wrong)

    with pytest.raises(AssertionError):
        operations(open_wrong, examples=3, steps=15, is_queried=True, shrink=False)
