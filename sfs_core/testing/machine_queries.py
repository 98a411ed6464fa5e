"""What the state machine expects of a store whose offline side is read by a query engine, such as Amazon Athena.

Such a store may differ from the model in two ways, and in no other. A query engine has nothing to rank versions by that
tie in event time, api_invocation_time and write_time: each of them is a right answer to LATEST, and a delete marker
among them makes absence one. The clock moves between operations, so that only records of one operation tie so. And the
service tells of an online record neither when it was written nor by whom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sfs_core.event_time import EventTime
from sfs_core.facts import DAY, Batch
from sfs_core.model import API_INVOCATION_TIME, IS_DELETED, SYSTEM_COLUMNS, FeatureGroup
from sfs_core.store import Store
from sfs_core.testing.catalogue_model import ModelGroup
from sfs_core.testing.groups import delete_each, failed
from sfs_core.testing.machine_records import IDS
from sfs_core.testing.memory import MemoryStore

Row = Mapping[str, object]


class QueriedModel(MemoryStore):
    """The model, but for `holds`: it sees what is settled, and no write times online.

    The offline store counts. What the online store has counts once, where no offline version, however old, explains it:
    a False leads to a second version offline, and a wrong True would leave a record out.
    """

    def _written_since(self, model: ModelGroup, since: EventTime) -> Counter[tuple[str, EventTime, bool]]:
        offline: Counter[tuple[str, EventTime, bool]] = Counter()
        known = set()
        for version in self._versions(model.group):
            told = (version.record_id, version.event_time, version.is_deleted)
            known.add(told)
            offline[told] += version.api_invocation_time >= since
        now = self.clock.now()
        live = {(key, item.event_time, False) for key in model.online.items if (item := model.online.live(key, now))}
        return offline + Counter(live - known)


def is_a_latest(told: Sequence[Row], history: Sequence[Row]) -> bool:
    """Tell whether rows are the latest by id of a history, whichever of versions that tie is ranked last."""
    ranked: dict[object, list[Row | None]] = {}
    ranks: dict[object, tuple[object, object]] = {}
    for row in history:  # in order: what ranks higher comes later
        one, rank = row["id"], (row["at"], row[API_INVOCATION_TIME])
        if ranks.get(one) != rank:
            ranked[one], ranks[one] = [], rank
        features = {name: value for name, value in row.items() if name not in SYSTEM_COLUMNS}
        ranked[one].append(None if row[IS_DELETED] else features)
    by_id = {row["id"]: row for row in told}
    return (
        len(by_id) == len(told)
        and by_id.keys() <= ranked.keys()
        and all(by_id.get(one) in choices for one, choices in ranked.items())
    )


def third_of_days_deleted(store: Store, group: FeatureGroup, third: int) -> object:
    """Delete every third event day, and return how many versions each day had."""
    import pyarrow as pa

    store.settle(group)
    found = sorted((row[DAY], row["records"]) for batch in store.offline_days(group) for row in batch.to_pylist())
    chosen = [day for day, _ in found[third::3]]
    facts = list(store.delete_days(group, [Batch(0, pa.record_batch({DAY: chosen}))] if chosen else []))
    return found, sum(fact.done for fact in facts)


def half_marked_deleted(at: EventTime) -> Callable[[Store, FeatureGroup], object]:
    """Return what leaves delete markers as the newest versions of half of the records there may be."""

    def act(store: Store, group: FeatureGroup) -> object:
        return failed(delete_each(store, group, [(one, group.event_time_text(at)) for one in IDS[::2]]))

    return act
