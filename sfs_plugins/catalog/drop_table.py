"""The table that a deleted feature group leaves in the catalogue: whose it is, and the sink that drops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sfs_core import Batch, Fact, FeatureGroup, Given, GlueTable, Message, Refused, Remark, Session, say


def table_name(table: GlueTable) -> str:
    """Return `database.table`."""
    return f"{table.database}.{table.table}"


def own_table(group: FeatureGroup, others: Iterable[FeatureGroup]) -> tuple[Given | None, tuple[Message, ...]]:
    """Return the group's own table as a source, and why a table stays: one that was brought along, or is shared."""
    import pyarrow as pa

    offline = group.offline
    if offline is None or offline.table is None:
        return None, ()
    name = table_name(offline.table)
    if offline.own_table is None:
        return None, (say("its table {table} was not made for it and stays in the catalogue", table=name),)
    for other in others:
        theirs = other.offline.table if other.offline else None
        if theirs is not None and table_name(theirs).lower() == name.lower():
            text = "its table {table} stays in the catalogue, because {other} uses it too"
            return None, (say(text, table=name, other=other.address),)
    return Given(say("table, by name"), pa.record_batch({"name": pa.array([name], pa.string())})), ()


@dataclass(frozen=True, slots=True)
class DropTable:
    """Drops the table of a feature group; one that turns out not to be the group's own is a failure, and stays."""

    group: FeatureGroup

    def describe(self) -> Message:
        """Return what it does."""
        table = self.group.offline.own_table if self.group.offline else None
        return say("drop {table} from the catalogue", table=table and table_name(table))

    def into(self, batches: Iterator[Batch], session: Session) -> Iterator[Fact]:
        """Yield the one fact."""
        for batch in batches:
            try:
                session.store_of(self.group).drop_table(self.group)
            except Refused as error:
                yield Fact.of(batch, [Remark.failed(0, error)])
            else:
                yield Fact.of(batch)
