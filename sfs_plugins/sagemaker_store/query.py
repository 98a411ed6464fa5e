"""The SQL asked of an offline store, for Athena: every identifier quoted, every value a literal of its own type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    BadOption,
    EventTime,
    EventTimeRange,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
    OfflineQuery,
    Refused,
    Versions,
    say,
)

# no feature's name begins so
RANK: Final = '"_sfs_rank"'
INSTANT: Final = '"_sfs_instant"'


class NoGlueTable(Refused):
    """The offline store is not in the catalogue, so Athena cannot read it."""

    sentence = "feature group {group!r} has no Glue table, so Athena cannot read its offline store"


def quoted(name: str) -> str:
    """Return an identifier, quoted for a SELECT; the catalogue holds names in lower case."""
    return '"' + name.lower().replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def select(group: FeatureGroup, query: OfflineQuery, features: Sequence[FeatureDefinition], *, as_text: bool) -> str:
    """Return the SELECT of a query; with `as_text` every column is cast to text, as a CSV result needs it.

    Versions are bounded before they are ranked, delete markers dropped after, and `where` sees what is left.
    """
    wanted = [_column(feature.name, as_text=as_text) for feature in features]
    if query.versions is Versions.HISTORY:
        wanted += [_column(IS_DELETED, as_text=as_text), _time(WRITE_TIME), _time(API_INVOCATION_TIME)]
    conditions = ["true"]
    if query.versions is Versions.LATEST:
        conditions = [f"{RANK} = 1", f"NOT {quoted(IS_DELETED)}"]
    if query.where:
        conditions.append(f"({checked(query.where)})")
    text = f"SELECT {', '.join(wanted)} FROM ({_ranked(group, query)}) WHERE {' AND '.join(conditions)}"
    if query.versions is Versions.HISTORY:
        # the versions of one record that tie are neighbours; an output column would hide one of its name from ORDER BY
        record_id = f"CAST({quoted(group.record_identifier)} AS varchar)"
        keys = [INSTANT, record_id, quoted(API_INVOCATION_TIME), quoted(WRITE_TIME)]
        text += f" ORDER BY {', '.join(keys)}"
    return text + (f" LIMIT {int(query.limit)}" if query.limit is not None else "")


def select_ids(group: FeatureGroup, event_time: EventTimeRange | None, *, as_text: bool) -> str:
    """Return the SELECT of every record id, each once, of the versions in a range of event times.

    Of a table that was brought along only what lies under the group's own root: others may share it.
    """
    bounds = " AND ".join([*_bounds(group, OfflineQuery(event_time=event_time)), *_own(group)])
    column = quoted(group.record_identifier)
    chosen = _column(group.record_identifier, as_text=as_text)
    return f"SELECT DISTINCT {chosen} FROM {_table(group)} WHERE {column} IS NOT NULL AND {bounds}"


def _own(group: FeatureGroup) -> list[str]:
    offline = group.offline
    if offline is None or offline.own_table is not None or offline.root is None:
        return []
    return [f'substr("$path", 1, {len(offline.root)}) = {literal(offline.root)}']


def _column(name: str, *, as_text: bool) -> str:
    return f"CAST({quoted(name)} AS varchar) AS {quoted(name)}" if as_text else quoted(name)


def _time(name: str) -> str:
    # Iceberg keeps these with a zone, which UNLOAD and CTAS refuse (known ways to be wrong, line 34)
    return f"CAST({quoted(name)} AS timestamp) AS {quoted(name)}"


def _ranked(group: FeatureGroup, query: OfflineQuery) -> str:
    newest = ", ".join(f"{key} DESC" for key in (instant(group), quoted(API_INVOCATION_TIME), quoted(WRITE_TIME)))
    rank = f"row_number() OVER (PARTITION BY {quoted(group.record_identifier)} ORDER BY {newest}) AS {RANK}"
    bounds = " AND ".join(_bounds(group, query))
    return f"SELECT *, {instant(group)} AS {INSTANT}, {rank} FROM {_table(group)} WHERE {bounds}"


def _table(group: FeatureGroup) -> str:
    table = group.offline.table if group.offline else None
    if table is None:
        raise NoGlueTable(group=group.name)
    return f"{quoted(table.database)}.{quoted(table.table)}"


def instant(group: FeatureGroup) -> str:
    """Return an expression that orders event times as instants, whatever their width: known ways to be wrong, 23."""
    column = quoted(group.event_time)
    if group.feature(group.event_time).type is FeatureType.FRACTIONAL:
        return column
    return f"concat(substr({column}, 1, 19), '.', rpad(replace(substr({column}, 21), 'Z', ''), 9, '0'))"


def _bounds(group: FeatureGroup, query: OfflineQuery) -> list[str]:
    bounds = ["true"]
    if query.event_time is not None and query.event_time.start is not None:
        bounds.append(f"{instant(group)} >= {_instant_literal(group, query.event_time.start)}")
    if query.event_time is not None and query.event_time.end is not None:
        bounds.append(f"{instant(group)} < {_instant_literal(group, query.event_time.end)}")
    if query.written_by is not None:
        bounds.append(f"CAST({quoted(WRITE_TIME)} AS timestamp) <= {_moment(query.written_by)}")
    return bounds


def _moment(instant: EventTime) -> str:
    """Return an instant as an SQL timestamp, to the microsecond."""
    return f"TIMESTAMP {literal(instant.moment().strftime('%Y-%m-%d %H:%M:%S.%f'))}"


def _instant_literal(group: FeatureGroup, time: EventTime) -> str:
    if group.event_time_in_seconds:
        return f"CAST({literal(time.unix_seconds())} AS double)"
    whole, _, decimals = time.iso().rstrip("Z").partition(".")
    return literal(f"{whole}.{decimals.ljust(9, '0')}")


def written_since(group: FeatureGroup, ids: Sequence[str], since: EventTime) -> str:
    """Return the SELECT of every version of some records: id, event time, marker or not, and whether it is of late."""
    column = f"CAST({quoted(group.record_identifier)} AS varchar)"
    columns = [column, f"CAST({quoted(group.event_time)} AS varchar)", f"CAST({quoted(IS_DELETED)} AS varchar)"]
    is_late = f"CAST({quoted(API_INVOCATION_TIME)} AS timestamp) >= {_moment(since)}"
    wanted = ", ".join(literal(one) for one in ids)
    names = zip([*columns, f"CAST({is_late} AS varchar)"], ("id", "at", "marker", "late"), strict=True)
    chosen = ", ".join(f"{expression} AS {quoted(name)}" for expression, name in names)
    return f"SELECT {chosen} FROM {_table(group)} WHERE {column} IN ({wanted})"


def checked(where: str) -> str:
    """Return a condition that is one expression: its brackets and quotes close, and nothing follows it."""
    depth, quote = 0, ""
    for character in where:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        if depth < 0 or (not quote and character == ";"):
            break
    if depth or quote or ";" in where or "--" in where or "/*" in where:
        raise BadOption(option="--where", value=where, expected=say('one SQL condition, as "amount" > 10'))
    return where
