"""Comparing what a target holds with what it should hold, in a stream: memory is flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    FeatureGroup,
    IdSet,
    Interrupted,
    OfflineQuery,
    RecordId,
    Session,
    TargetStore,
    TtlDuration,
    say,
)
from sfs_plugins.migrate.comparison import Compare, Difference, Example, Expiry, Tally
from sfs_plugins.migrate.sample import Sample, bound
from sfs_plugins.migrate.shelf import Shelf

if TYPE_CHECKING:
    import pyarrow as pa

_LOOKED_UP: Final = 1000
Lookup = Callable[[list[str]], "pa.RecordBatch"]


@dataclass(frozen=True)
class Comparing:
    """What is compared: expected records (in the target's features, each id once) with one store of the target.

    `extra` asks for records of the target that are not expected, too; `count` is how many records there must be then.
    """

    target: FeatureGroup
    store: TargetStore
    sample: Sample
    ttl: TtlDuration | None
    newer_is_fine: bool
    extra: bool
    count: int | None = None

    def run(self, expected: Iterable[pa.RecordBatch], session: Session) -> Tally:
        """Compare, and return what was found."""
        expiry = Expiry(self.ttl if self.store is TargetStore.ONLINE else None, session.clock.now())
        compare = Compare(self.target, expiry, self.newer_is_fine)
        identifier = self.target.record_identifier
        with closing(Shelf(self.target)) as shelf, closing(IdSet()) as seen:
            lookup = self._lookup(shelf, session)
            for records in expected:
                for part in _parts(self.sample.of(records, identifier)):
                    if session.stop.is_set():
                        raise Interrupted
                    ids = part.column(identifier).to_pylist()
                    if self.extra:
                        seen.add(ids)
                    compare.batch(part, lookup(ids))
            if self.extra:
                self._extra(seen, shelf, session, compare.tally)
        return compare.tally

    def _lookup(self, shelf: Shelf, session: Session) -> Lookup:
        """Return what finds records of the target: its online store, or its offline store read onto the shelf."""
        store = session.store_of(self.target)
        if self.store is TargetStore.ONLINE:
            return lambda ids: store.read(self.target, [RecordId(one) for one in ids]).records
        for batch in latest(self.target, session):
            shelf.put(self.sample.of(batch, self.target.record_identifier))
        return shelf.read

    def _extra(self, seen: IdSet, shelf: Shelf, session: Session, tally: Tally) -> None:
        """Count the target's records that are not expected; their ids go into `seen`, as a listing may repeat them."""
        listed = shelf.ids()
        if self.store is TargetStore.ONLINE:
            listed = session.store_of(self.target).list_record_ids(self.target)
        there = 0
        for batch in listed:
            there += batch.num_rows
            for record_id in seen.add(self.sample.of(batch, batch.schema.names[0]).column(0).to_pylist()):
                tally.compared += 1
                tally.add(Example(Difference.EXTRA, record_id))
        if self.count is not None and self.store is TargetStore.ONLINE and there != self.count:
            tally.add(Example(Difference.COUNT, "", None, self.count, there))


def _parts(records: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, records.num_rows, _LOOKED_UP):
        yield records.slice(start, _LOOKED_UP)


def latest(group: FeatureGroup, session: Session) -> Iterator[pa.RecordBatch]:
    """Yield the latest records of a group's offline store, once what is buffered is there."""
    store = session.store_of(group)
    store.settle(group)
    yield from store.versions(group, OfflineQuery())


def listed(group: FeatureGroup, session: Session) -> Iterator[pa.RecordBatch]:
    """Yield the records of a group's online store, each id once."""
    store = session.store_of(group)
    with closing(IdSet()) as seen:
        for batch in store.list_record_ids(group):
            ids = seen.add(batch.column(0).to_pylist())
            for start in range(0, len(ids), _LOOKED_UP):
                yield store.read(group, [RecordId(one) for one in ids[start : start + _LOOKED_UP]]).records


def summary(source: str, comparing: Comparing, tally: Tally) -> dict[str, Any]:
    """Return a comparison as JSON values."""
    return {
        "source": source,
        "target": comparing.target.address,
        "store": comparing.store.value,
        "sample": None if comparing.sample.is_all else f"{comparing.sample.share * 100:.3g}%",
        "compared": tally.compared,
        "equal": tally.equal,
        **{difference.value: tally.differences[difference] for difference in Difference},
        "expired": tally.expired,
        "newer in target": tally.newer,
        "bound": None if comparing.sample.is_all else str(bound(tally.compared, tally.different)),
    }


def lines(source: str, comparing: Comparing, tally: Tally) -> list[str]:
    """Return a comparison in words: what was looked at, what differs, and examples."""
    fields: dict[str, object] = {"store": comparing.store.value, "target": comparing.target.address}
    some = say("every record") if comparing.sample.is_all else say("a sample")
    told = say(
        "Compared {source} with the {store} of {target}, {some}: {compared:,} records, {equal:,} equal",
        source=source, some=some, compared=tally.compared, equal=tally.equal, **fields,
    )  # fmt: skip
    text = [str(told)]
    text += [f"  {count:,} {kind}" for kind, count in tally.differences.items()]
    if tally.newer:
        text.append(str(say("  {count:,} newer in the target, left as they are", count=tally.newer)))
    if tally.expired:
        text.append(str(say("  {count:,} not there because their time to live is over", count=tally.expired)))
    for example in tally.examples:
        text.append(_line(example))
    if not comparing.sample.is_all:
        text.append(f"  {bound(tally.compared, tally.different)}")
    return text


def _line(example: Example) -> str:
    if example.difference in (Difference.MISSING, Difference.EXTRA):
        return f"    {example.difference}: {example.record_id}"
    place = f"{example.record_id} {example.feature or ''}".strip()
    return f"    {example.difference}: {place}{': ' if place else ''}{example.source!r} -> {example.target!r}"
