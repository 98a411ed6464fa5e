"""Writing records: BatchWriteRecord, 25 a call, or PutRecord where that is not to be had; each entry accounted for."""

from __future__ import annotations

import threading
from collections import Counter
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
    OperationUnknown,
    OutcomeUnknown,
    is_absent_group,
)

if TYPE_CHECKING:
    from sfs_plugins.sagemaker_store.calls import Calls

ENTRIES_A_CALL: Final = 25
ROUNDS: Final = 12
"""How often entries that come back unprocessed are sent again."""

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
            if self.group.record_identifier not in batch.records.schema.names:
                return []
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
        return Fact.of(batch, sorted(remarks, key=lambda remark: remark.row))

    def _chunks(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Yield at most 25 rows at a time, no id twice in one: their order there is not defined.

        The records of one id keep their order, and are spread over calls that others fill: an id takes so many writes
        a second and no more, and of a hot one trying again would not make it more (known ways to be wrong, line 41).
        """
        rounds: list[list[Row]] = []
        seen: Counter[str] = Counter()
        for row in rows:
            one = self._id(row[1])
            if seen[one] == len(rounds):
                rounds.append([])
            rounds[seen[one]].append(row)
            seen[one] += 1
        for each in rounds:
            yield from (each[start : start + ENTRIES_A_CALL] for start in range(0, len(each), ENTRIES_A_CALL))

    def _id(self, values: Sequence[Mapping[str, Any]]) -> str:
        texts = (value.get("ValueAsString") for value in values if value["FeatureName"] == self.group.record_identifier)
        return str(next(texts, ""))

    def _send(self, chunk: list[Row]) -> list[Remark]:
        """Send up to 25 records until each is written or has failed, and return the remarks on those that failed."""
        if self.batch_refused.is_set():
            return self._put_each(chunk)
        remarks: list[Remark] = []
        left = chunk
        for attempt in range(1, ROUNDS + 1):
            entries = [self._entry(values) for _, values in left]
            try:
                answer = self.calls(self.client, "BatchWriteRecord", self.group.name, Entries=entries)
            except (AccessDenied, BadRequest, OutcomeUnknown, FeatureGroupNotFound) as error:
                return remarks + self._refused(left, error)
            sorted_out = self._sorted_out(left, answer)
            remarks += sorted_out.failed + self._put_each(sorted_out.by_itself)
            left = sorted_out.again
            if not left:
                return remarks
            self.calls.pause(attempt)
        problem = StoreUnavailable(store="sagemaker", problem=say("unprocessed after {rounds} tries", rounds=ROUNDS))
        return remarks + [Remark.failed(row, problem) for row, _ in left]

    def _refused(self, left: list[Row], error: SfsError) -> list[Remark]:
        """Tell what to do with a call that was refused whole: one by one, in halves, or given up as unknown."""
        if isinstance(error, OutcomeUnknown):
            return [Remark.failed(row, error) for row, _ in left]
        if isinstance(error, AccessDenied | OperationUnknown):
            self.batch_refused.set()
        if isinstance(error, AccessDenied | OperationUnknown | FeatureGroupNotFound) or len(left) == 1:
            return self._put_each(left)
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

    def _put_each(self, rows: list[Row]) -> list[Remark]:
        """Put records by PutRecord, in order. Raises AccessDenied, FeatureGroupNotFound: the next would fare no better.

        A group that is not found although it was made is asked for again for a while (known ways to be wrong, line 50).
        """
        remarks = []
        for row, values in rows:
            request = {"FeatureGroupName": self.group.name, "Record": values, **self._common()}
            try:
                self.calls(self.client, "PutRecord", self.group.name, fresh=True, **request)
            except (BadRequest, OutcomeUnknown) as error:
                remarks.append(Remark.failed(row, error))
        return remarks

    def _sorted_out(self, sent: list[Row], answer: Mapping[str, Any]) -> _SortedOut:
        """Return what becomes of what an answer names; entries are matched by id, which a call has once each.

        Raises StoreUnavailable for an answer that speaks of something else: then nothing in it can be believed.
        """
        by_id = {self._id(values): (row, values) for row, values in sent}
        found = _SortedOut([_of(by_id, self._id(entry["Record"])) for entry in answer["UnprocessedEntries"]])
        for error in answer["Errors"]:
            code, text = error["ErrorCode"], error.get("ErrorMessage", "")
            row = _of(by_id, self._id(error["Entry"]["Record"]))
            if code in THROTTLES:
                self.calls.throttled("BatchWriteRecord")
            if code in THROTTLES | PASSING:
                found.again.append(row)
            elif code in DENIED or is_absent_group(code, text):
                # PutRecord tells what exactly is denied, and whether the group is only too new
                found.by_itself.append(row)
            else:
                problem = BadRequest(store="sagemaker", group=self.group.name, problem=text or code)
                found.failed.append(Remark.failed(row[0], problem))
        return found


@dataclass
class _SortedOut:
    """What becomes of the entries that an answer names: sent again, put by themselves, or failed."""

    again: list[Row]
    by_itself: list[Row] = field(default_factory=list)
    failed: list[Remark] = field(default_factory=list)


def _of(rows: Mapping[str, Row], record_id: str) -> Row:
    if record_id not in rows:
        raise StoreUnavailable(store="sagemaker", problem=say("its answer names an entry that was not sent"))
    return rows[record_id]


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
