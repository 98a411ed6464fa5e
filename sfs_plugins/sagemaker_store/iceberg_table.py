"""An Iceberg offline store, emptied by Athena: its versions by the day, in SQL, and never a file of it by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sfs_core import (
    DAY,
    FeatureGroup,
    FilesOfATable,
    GlueTable,
    NotAnIcebergTable,
    Refused,
    StoreNotEnabled,
    StoreUnavailable,
    TableFormat,
    TargetStore,
    say,
)
from sfs_plugins.sagemaker_store import tables
from sfs_plugins.sagemaker_store.athena import Athena, QueryFailed
from sfs_plugins.sagemaker_store.errors import OutcomeUnknown
from sfs_plugins.sagemaker_store.offline import table_of
from sfs_plugins.sagemaker_store.query import literal, quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls

DAYS_A_QUERY: Final = 100
"""As many partitions as Athena writes to at once; so many conditions stay far below its 262,144 characters."""
RUNS: Final = 20
"""How often a statement is carried out that says it is not at its end, or that a writer was in its way."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MORE_RUNS = re.compile(r"ICEBERG_(?:OPTIMIZE|VACUUM)_MORE_RUNS_NEEDED")
_IN_THE_WAY = re.compile(r"ICEBERG_COMMIT_ERROR|ICEBERG_CONFLICT|commit.*conflict", re.IGNORECASE)


class NoEventDay(Refused):
    """Versions that were written by other means have no event time that begins with a day."""

    sentence = (
        "{count} versions in the Iceberg table of {group} have the event time {start!r}..., which is no day, so they "
        "cannot be told apart by the day: delete them in Athena, then try again"
    )


def check_own(calls: Calls, glue: Any, described: FeatureGroup, now: FeatureGroup) -> None:
    """Raise unless a group is the very one described, and its table an Iceberg table at its own root.

    Raises StoreNotEnabled, NotAnIcebergTable, NoGlueTable, TableNotOwn, and Refused for a group made anew.
    """
    if described.offline is None or now.offline is None:
        raise StoreNotEnabled(group=described.address, store=TargetStore.OFFLINE)
    if now.offline.table_format is not TableFormat.ICEBERG:
        raise NotAnIcebergTable(group=described.address)
    before, after = described.offline, now.offline
    if (described.created_at, before.root, before.table) != (now.created_at, after.root, after.table):
        raise Refused(problem=say("{group} has been made anew since it was described", group=described.address))
    found = tables.own(calls, glue, now, table_of(now))
    if str(found.get("Parameters", {}).get("table_type", "")).upper() != "ICEBERG":
        raise NotAnIcebergTable(group=described.address)


def refuse_files(described: FeatureGroup, now: FeatureGroup) -> None:
    """Raise FilesOfATable where a group that is there keeps an Iceberg table at the root that was described."""
    if now.offline is None or now.offline.table_format is not TableFormat.ICEBERG or described.offline is None:
        return
    if now.offline.root == described.offline.root:
        raise FilesOfATable(group=described.address)


def days(athena: Athena, group: FeatureGroup) -> Iterator[pa.RecordBatch]:
    """Yield each event day and how many versions it has. Raises NoEventDay."""
    import pyarrow as pa

    day = f"substr({quoted(group.event_time)}, 1, 10)"
    counted = f'SELECT {day} AS "day", CAST(count(*) AS varchar) AS "records" FROM {_name(table_of(group))}'
    for batch in athena.rows(f"{counted} GROUP BY {day}", table_of(group)):
        found = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        for text, count in found:
            if text is None or not _DAY.fullmatch(text):
                raise NoEventDay(group=group.address, start=text, count=count)
        if found:
            counts = pa.array([int(count) for _, count in found], pa.int64())
            yield pa.record_batch({DAY: pa.array([text for text, _ in found], pa.string()), "records": counts})


def delete_days(athena: Athena, group: FeatureGroup, days: Sequence[str]) -> None:
    """Delete every version of some days, a bounded number of days a query; done means that every query succeeded.

    Raises QueryFailed with Athena's own text, OutcomeUnknown for a query whose end nobody told.
    """
    for day in days:
        if not _DAY.fullmatch(day):
            raise NoEventDay(group=group.address, start=day, count=say("unknown"))
    table = table_of(group)
    for start in range(0, len(days), DAYS_A_QUERY):
        statement = deletion(group, table, days[start : start + DAYS_A_QUERY])
        try:
            _carried_out(athena, statement, table)
        except QueryFailed:
            raise
        except StoreUnavailable as error:
            raise OutcomeUnknown(operation="DELETE", problem=error) from error


def deletion(group: FeatureGroup, table: GlueTable, days: Sequence[str]) -> str:
    """Return the DELETE of some days: bounds of the event time itself, by which whole files are known to go.

    The text after all that begin with a day is the day with its last digit one higher, whatever the calendar says.
    """
    column = quoted(group.event_time)
    bounds = [
        f"({column} >= {literal(day)} AND {column} < {literal(day[:-1] + chr(ord(day[-1]) + 1))})" for day in days
    ]
    return f"DELETE FROM {_name(table)} WHERE {' OR '.join(bounds)}"


def compact(athena: Athena, table: GlueTable) -> None:
    """Rewrite small files and files with deletions, then let go of what is past its age. Raises QueryFailed.

    VACUUM takes a name in backticks, of the database that the query is about: no others (Athena guide, VACUUM).
    """
    backticked = table.table.lower().replace("`", "``")
    for statement in (f"OPTIMIZE {_name(table)} REWRITE DATA USING BIN_PACK", f"VACUUM `{backticked}`"):
        _carried_out(athena, statement, table)


def _carried_out(athena: Athena, statement: str, table: GlueTable) -> None:
    """Carry out a statement, again where Athena says that more runs are needed or that a writer was in the way."""
    for attempt in range(1, RUNS):
        try:
            return athena.change(statement, table)
        except QueryFailed as error:
            reason = str(error.message.fields["reason"])
            if _IN_THE_WAY.search(reason):
                athena.calls.pause(attempt)
            elif not _MORE_RUNS.search(reason):
                raise
    return athena.change(statement, table)


def _name(table: GlueTable) -> str:
    return f"{quoted(table.database)}.{quoted(table.table)}"
