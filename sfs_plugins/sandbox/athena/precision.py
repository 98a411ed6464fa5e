"""Which columns of a result hold microseconds: those of Iceberg tables do, and all other timestamps are milliseconds.

Athena's engine version 3 reads and writes Iceberg's timestamps to the microsecond, `timestamp(6)`; a cast to
`timestamp` is one to `timestamp(3)`, as everything from Hive tables is. Source: Athena guide, "Using Apache Iceberg
tables"; Trino, "Data types". DuckDB's own types do not tell them apart, so the query itself is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

Columns = Mapping[str, bool]
"""Names of columns, in lower case and in order, and whether each holds microseconds."""
_MILLISECONDS = (exp.CurrentTimestamp, exp.UnixToTime, exp.ParseDatetime, exp.FromISO8601Timestamp)
_TIMES = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
_DIGITS = 3


def columns_in(query: exp.Expr, known: Mapping[str, Columns]) -> Columns:
    """Return what a query gives, by the tables `known` by the names that it uses; `_col0` for what has no name.

    Of a `*`, only columns that hold microseconds are told.
    """
    for cte in query.ctes if isinstance(query, exp.Query) else ():
        found = columns_in(cte.this, known)
        names = [name.lower() for name in cte.alias_column_names] or list(found)
        known = {**known, cte.alias_or_name.lower(): dict(zip(names, found.values(), strict=False))}
    if isinstance(query, exp.Subquery):
        return columns_in(query.this, known)
    if isinstance(query, exp.SetOperation):
        left, right = columns_in(query.left, known), columns_in(query.right, known)
        others = [*right.values(), *([False] * len(left))]
        return {name: one or other for (name, one), other in zip(left.items(), others, strict=False)}
    return _of_select(query, known) if isinstance(query, exp.Select) else {}


def _of_select(query: exp.Select, known: Mapping[str, Columns]) -> Columns:
    joined = [query.args.get("from_") or query.args.get("from"), *(query.args.get("joins") or ())]
    sources: dict[str, Columns] = {}
    for one in joined:
        if one is not None:
            source = one.this
            columns = known.get(source.name.lower(), {}) if isinstance(source, exp.Table) else columns_in(source, known)
            sources[source.alias_or_name.lower()] = columns
    found: dict[str, bool] = {}
    for place, one in enumerate(query.expressions):
        if one.is_star:
            named = [sources.get(one.table.lower(), {})] if isinstance(one, exp.Column) else sources.values()
            found |= {name: True for columns in named for name, holds in columns.items() if holds}
        else:
            name = one.alias_or_name.lower() if isinstance(one, (exp.Column, exp.Alias)) else f"_col{place}"
            found[name] = _holds(one, sources, known)
    return found


def _holds(one: exp.Expr, sources: Mapping[str, Columns], known: Mapping[str, Columns]) -> bool:
    """Tell whether an expression holds microseconds: a function does if one of its arguments does."""
    if isinstance(one, exp.Column):
        named = [sources.get(one.table.lower(), {})] if one.table else sources.values()
        return any(columns.get(one.name.lower(), False) for columns in named)
    if isinstance(one, exp.Cast):
        digits = [int(part.name) for part in one.to.expressions if part.name.isdecimal()]
        return one.to.this in _TIMES and bool(digits) and digits[0] > _DIGITS
    if isinstance(one, exp.Query):
        return any(columns_in(one, known).values())
    if isinstance(one, _MILLISECONDS):
        return False
    return any(_holds(part, sources, known) for part in one.iter_expressions())
