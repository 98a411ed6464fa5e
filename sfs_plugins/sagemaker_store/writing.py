"""Writing records: BatchWriteRecord, 25 a call, or PutRecord where that is not to be had; each entry accounted for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    AccessDenied,
    BadRequest,
    Batch,
    Fact,
    FeatureGroup,
    FeatureGroupNotFound,
    Put,
    Remark,
    SfsError,
    StoreUnavailable,
    check,
    in_flight,
    say,
)
from sfs_plugins.sagemaker_store.definitions import ttl_json
from sfs_plugins.sagemaker_store.errors import (
    DENIED,
    PASSING,
    THROTTLES,
    OutcomeUnknown,
    is_absent_group,
)

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls

ENTRIES_A_CALL: Final = 25
ROUNDS: Final = 12
UNKNOWN_OPERATION: Final = frozenset({"UnknownOperationException", "UnknownOperation", "404", "NotFound"})

Row = tuple[int, list[dict[str, Any]]]
"""A record of a batch: its row, and its FeatureValues."""


@dataclass
class Writer:
    """Writes one group's records. `batch_refused` is set once BatchWriteRecord turned out not to be permitted."""

    calls: Calls
    client: Any
    group: FeatureGroup
    how: Put
    batch_refused: threading.Event = field(default_factory=threading.Event)

    def facts(self, batches: Iterable[Batch]) -> Iterator[Fact]:
        """Yield a fact a batch, `max_workers` batches in flight; records of one id are never written at once."""

        def ids(batch: Batch) -> Sequence[str]:
            column: list[str | None] = batch.records.column(self.group.record_identifier).to_pylist()
            return [one for one in column if one is not None]

        return in_flight(batches, self.write, self.how.max_workers, ids)

    def write(self, batch: Batch) -> Fact:
        """Write one batch: what the service would refuse is told at once, the rest is sent in calls of 25."""
        remarks = list(check(batch.records, self.group))
        bad = {remark.row for remark in remarks}
        rows = [(row, values) for row, values in enumerate(_entries(batch, self.group)) if row not in bad]
        for chunk in self._chunks(rows):
            remarks += self._send(chunk)
        return Fact.of(batch, remarks)

    def _chunks(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Yield at most 25 rows at a time, in order, no id twice in one: their order there is not defined."""
        chunk: list[Row] = []
        ids: set[str] = set()
        for row in rows:
            one = self._id(row[1])
            if len(chunk) == ENTRIES_A_CALL or one in ids:
                yield chunk
                chunk, ids = [], set()
            chunk.append(row)
            ids.add(one)
        if chunk:
            yield chunk

    def _id(self, values: Sequence[Mapping[str, Any]]) -> str:
        return str(next(v["ValueAsString"] for v in values if v["FeatureName"] == self.group.record_identifier))

    def _send(self, chunk: list[Row]) -> list[Remark]:
        if self.batch_refused.is_set() or not hasattr(self.client, "batch_write_record"):
            return [remark for row in chunk for remark in self._put_one(row)]
        remarks: list[Remark] = []
        left = chunk
        for attempt in range(ROUNDS):
            try:
                answer = self.calls(
                    self.client,
                    "BatchWriteRecord",
                    self.group.name,
                    Entries=[self._entry(values) for _, values in left],
                )
            except (AccessDenied, BadRequest, OutcomeUnknown, FeatureGroupNotFound) as error:
                return remarks + self._refused(left, error)
            left, failed = self._sorted_out(left, answer)
            remarks += failed
            if not left:
                return remarks
            self.calls.sleep(min(20.0, 0.05 * 2**attempt))
        problem = StoreUnavailable(store="sagemaker", problem=say("unprocessed after {rounds} tries", rounds=ROUNDS))
        return remarks + [Remark.failed(row, problem) for row, _ in left]

    def _refused(self, left: list[Row], error: SfsError) -> list[Remark]:
        """Tell what to do with a call that was refused whole: one by one, in halves, or given up as unknown."""
        if isinstance(error, OutcomeUnknown):
            return [Remark.failed(row, error) for row, _ in left]
        if isinstance(error, AccessDenied):
            self.batch_refused.set()
        if isinstance(error, AccessDenied | FeatureGroupNotFound) or len(left) == 1:
            return [remark for row in left for remark in self._put_one(row)]
        middle = len(left) // 2
        return self._send(left[:middle]) + self._send(left[middle:])

    def _entry(self, values: list[dict[str, Any]]) -> dict[str, Any]:
        entry: dict[str, Any] = {"FeatureGroupName": self.group.name, "Record": values}
        return entry | self._common()

    def _common(self) -> dict[str, Any]:
        common: dict[str, Any] = {}
        if self.how.targets is not None:
            common["TargetStores"] = [store.value for store in self.how.targets]
        if self.how.ttl is not None:
            common["TtlDuration"] = ttl_json(self.how.ttl)
        return common

    def _put_one(self, row: Row) -> list[Remark]:
        try:
            self.calls(
                self.client,
                "PutRecord",
                self.group.name,
                fresh=True,
                FeatureGroupName=self.group.name,
                Record=row[1],
                **self._common(),
            )
        except (BadRequest, OutcomeUnknown) as error:
            return [Remark.failed(row[0], error)]
        return []

    def _sorted_out(self, sent: list[Row], answer: Mapping[str, Any]) -> tuple[list[Row], list[Remark]]:
        """Return what is to be sent again and what failed; entries are matched by id, which a call has once each."""
        by_id = {self._id(values): (row, values) for row, values in sent}
        again = [by_id[self._id(entry["Record"])] for entry in answer["UnprocessedEntries"]]
        failed = []
        for error in answer["Errors"]:
            code, text = error["ErrorCode"], error.get("ErrorMessage", "")
            place = by_id.get(self._found_id(error["Entry"]))
            if place is None:
                raise StoreUnavailable(store="sagemaker", problem=say("an error names no entry that was sent"))
            if code in THROTTLES:
                self.calls.throttled()
            if code in THROTTLES | PASSING or is_absent_group(code, text):
                again.append(place)
            elif code in DENIED:
                raise AccessDenied(
                    principal=self.calls.principal(), action="sagemaker:PutRecord", resource=self.group.name
                )
            else:
                problem = BadRequest(store="sagemaker", group=self.group.name, problem=text or code)
                failed.append(Remark.failed(place[0], problem))
        return again, failed

    def _found_id(self, entry: Mapping[str, Any]) -> str:
        names = {value["FeatureName"]: value.get("ValueAsString", "") for value in entry["Record"]}
        return str(names.get(self.group.record_identifier, ""))


def _entries(batch: Batch, group: FeatureGroup) -> Iterator[list[dict[str, Any]]]:
    """Yield each record as FeatureValues, absent features left out; system columns do not go on the wire."""
    names = [feature.name for feature in group.features if feature.name in batch.records.schema.names]
    collections = {feature.name for feature in group.features if feature.collection}
    columns = [batch.records.column(name).to_pylist() for name in names]
    keys = ["ValueAsStringList" if name in collections else "ValueAsString" for name in names]
    for values in zip(*columns, strict=True):
        yield [
            {"FeatureName": name, key: value}
            for name, key, value in zip(names, keys, values, strict=True)
            if value is not None
        ]
