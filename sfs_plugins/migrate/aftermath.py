"""After a migration: what was read is compared with what the target holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfs_core import (
    IS_DELETED,
    SYSTEM_COLUMNS,
    TIES_AFTER,
    TIES_BEFORE,
    FeatureGroup,
    Message,
    OfflineQuery,
    Plan,
    PutRecords,
    Session,
    Spooled,
    TargetStore,
    Versions,
    say,
)
from sfs_plugins.migrate.comparison import Tally
from sfs_plugins.migrate.sample import Sample, Verification
from sfs_plugins.migrate.shelf import Shelf
from sfs_plugins.migrate.verification import Comparing, lines, summary
from sfs_plugins.migrate.versions import CompareVersions

if TYPE_CHECKING:
    import pyarrow as pa


def compared(plan: Plan, asked: Verification, session: Session, *, is_fresh: bool) -> int:
    """Compare, say what was found, and return how many records differ.

    `is_fresh` says that the target held nothing before: then it must hold nothing else now.
    """
    step = plan.steps[-1]
    assert isinstance(step.into, PutRecords)  # noqa: S101  (the last step of a migration puts)
    assert isinstance(step.source, Spooled)  # noqa: S101  (plans are spooled before they are shown)
    group = session.store_of(step.into.group).describe(step.into.group.name)
    return sum(_Aftermath(step.source, step.into, group, asked, session, is_fresh).run())


@dataclass(frozen=True)
class _Aftermath:
    """What was read, where it went, and how much of it is compared."""

    read: Spooled
    put: PutRecords
    group: FeatureGroup
    asked: Verification
    session: Session
    is_fresh: bool

    def run(self) -> Iterator[int]:
        """Compare store after store; yield how many records differ in each."""
        stores = self.put.how.targets or self.group.stores
        sample = self.asked.sample_of(self.read.count)
        lag = self.session.store_of(self.group).offline_lag
        if TargetStore.OFFLINE in stores:
            self.session.store_of(self.group).settle(self.group)
        for store in stores:
            if store is TargetStore.OFFLINE and lag:
                self._note_lag(lag.total_seconds() / 60)
            elif store is TargetStore.ONLINE or self.asked.is_full or stores == (TargetStore.OFFLINE,):
                yield self._compare(store, sample)
        if self.put.replay and self.asked.is_full and TargetStore.OFFLINE in stores and not lag:
            yield self._compare_versions()

    def _compare(self, store: TargetStore, sample: Sample) -> int:
        ttl = self.put.how.ttl or (self.group.online.ttl if self.group.online else None)
        count = None if ttl or self.put.replay else self.read.count
        comparing = Comparing(self.group, store, sample, ttl, newer_is_fine=True, extra=self.is_fresh, count=count)
        with closing(Shelf(self.group)) as shelf:
            tally = comparing.run(self._expected(shelf, sample), self.session)
        source = say("{count:,} records read", count=self.read.count)
        self._tell(lines(str(source), comparing, tally), comparing, tally)
        return tally.different

    def _expected(self, shelf: Shelf, sample: Sample) -> Iterator[pa.RecordBatch]:
        """Yield what was read, or of a history the newest version of each record that is not deleted."""
        if not self.put.replay:
            yield from self.read.batches(self.session)
            return
        for batch in self.read.batches(self.session):
            _shelve(shelf, sample.of(batch, self.group.record_identifier), self.group.record_identifier)
        yield from shelf.batches()

    def _compare_versions(self) -> int:
        found = self.session.store_of(self.group).versions(self.group, OfflineQuery(Versions.HISTORY))
        tally = CompareVersions(self.group, self.is_fresh).run(self.read.batches(self.session), found)
        told = say(
            "Compared every version with the history of {target}: {compared:,} versions, {equal:,} equal",
            target=self.group.address, compared=tally.compared, equal=tally.equal,
        )  # fmt: skip
        text = [str(told), *(f"  {count:,} {kind}" for kind, count in tally.differences.items())]
        self.session.console.show("verification", text, {"versions": {"compared": tally.compared}})
        return tally.different

    def _tell(self, text: list[str], comparing: Comparing, tally: Tally) -> None:
        told = summary(self.group.address, comparing, tally)
        self.session.console.show("verification", text, {"verification": told})

    def _note_lag(self, minutes: float) -> None:
        text: Message = say(
            "the offline store of {group} shows these records up to {minutes:g} minutes from now: "
            "`sagemaker-fs verify {group}` compares then",
            group=self.group.address, minutes=minutes,
        )  # fmt: skip
        self.session.console.note(text)


def _shelve(shelf: Shelf, records: pa.RecordBatch, identifier: str) -> None:
    """Put the last version of each record of a batch in, and take out those whose last one is a delete marker."""
    import pyarrow as pa

    last = {record_id: row for row, record_id in enumerate(records.column(identifier).to_pylist())}
    marked = records.column(IS_DELETED).to_pylist()
    shelf.remove([record_id for record_id, row in last.items() if marked[row]])
    rows = pa.array([row for row in last.values() if not marked[row]], pa.int64())
    beside = (*SYSTEM_COLUMNS, TIES_BEFORE, TIES_AFTER)
    shelf.put(records.take(rows).select([name for name in records.schema.names if name not in beside]))
