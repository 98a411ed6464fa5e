"""From Athena's SQL to DuckDB's, by sqlglot, with the repairs that give the same answers."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sfs_plugins.sandbox.athena.failures import QueryFailed

# statements that are taken apart elsewhere are announced as not understood
logging.getLogger("sqlglot").setLevel(logging.ERROR)
_JODA = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "SSS": "%g",
    "a": "%p", "EEE": "%a", "EEEE": "%A", "MMM": "%b", "MMMM": "%B", "DDD": "%j",
}  # fmt: skip
_TERADATA = {"yyyy": "%Y", "mm": "%m", "dd": "%d", "hh24": "%H", "hh": "%I", "mi": "%M", "ss": "%S"}
_TIMES = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ)
_OWN_TIME_FORMAT = re.compile(r"([A-Za-z])\1*|'([^']*)'")
PATH_COLUMN = "$path"


def parsed(query: str, parameters: Sequence[str]) -> exp.Expr:
    """Return a statement, its placeholders filled in order. Raises QueryFailed."""
    try:
        statements = [one for one in sqlglot.parse(query, read="athena") if one is not None]
    except SqlglotError as error:
        raise QueryFailed(f"SYNTAX_ERROR: {_first_line(error)}") from error
    if len(statements) != 1:
        raise QueryFailed("SYNTAX_ERROR: Only one sql statement is allowed.")
    return _filled(statements[0], parameters)


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(error).splitlines()[0])


def _filled(statement: exp.Expr, parameters: Sequence[str]) -> exp.Expr:
    places = [one for one in statement.find_all(exp.Placeholder, bfs=False) if one.args.get("this") is None]
    if len(places) != len(parameters):
        raise QueryFailed(f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected {len(places)} but found "
                          f"{len(parameters)}")  # fmt: skip
    for place, text in zip(places, parameters, strict=True):
        try:
            place.replace(exp.paren(sqlglot.parse_one(text, read="athena")))
        except SqlglotError as error:
            raise QueryFailed(f"INVALID_PARAMETER_USAGE: {text!r} is not a literal") from error
    return statement


def to_duckdb(query: exp.Expr) -> str:
    """Return a query (without names of tables changed) as DuckDB's SQL, its columns named as Athena names them."""
    query = query.copy()
    _name_columns(query)
    return query.transform(_repaired).sql("duckdb")


def _name_columns(query: exp.Expr) -> None:
    """Name what has no name: `_col0`, by its place."""
    if isinstance(query, exp.SetOperation):
        _name_columns(query.left)
        return
    if isinstance(query, exp.Subquery):
        _name_columns(query.this)
        return
    if not isinstance(query, exp.Select):
        return
    for place, column in enumerate(query.expressions):
        if not column.is_star and not isinstance(column, (exp.Column, exp.Alias, exp.Aliases)):
            column.replace(exp.alias_(column.copy(), f"_col{place}"))


def _repaired(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.ParseDatetime):
        return exp.func("STRPTIME", node.this, _format(node.args["format"].name, _JODA))
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        given = node.expressions
        if name == "format_datetime" and isinstance(given[1], exp.Literal):
            return exp.Anonymous(this="strftime", expressions=[given[0], _format(given[1].name, _JODA)])
        if name == "to_timestamp" and len(given) == 2 and isinstance(given[1], exp.Literal):
            return exp.Anonymous(this="strptime", expressions=[given[0], _format(given[1].name, _TERADATA)])
    if isinstance(node, exp.Cast) and node.to.this in _TIMES and node.to.expressions:
        # timestamp '...' has a precision of as many digits as it was written with
        return exp.cast(node.this, exp.DataType(this=node.to.this))
    return node


def _format(text: str, letters: dict[str, str]) -> exp.Literal:
    def told(found: re.Match[str]) -> str:
        return found[2] if found[2] is not None else letters.get(found[0], found[0])

    pattern = re.compile(r"hh24|mi|([A-Za-z])\1*|'([^']*)'") if letters is _TERADATA else _OWN_TIME_FORMAT
    return exp.Literal.string(pattern.sub(told, text.lower() if letters is _TERADATA else text))


MACROS = (
    "CREATE MACRO to_iso8601(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g') || CASE WHEN typeof(x) = "
    "'TIMESTAMP WITH TIME ZONE' THEN 'Z' ELSE '' END",
    "CREATE MACRO from_iso8601_timestamp_nanos(x) AS CAST(x AS TIMESTAMPTZ)",
    "CREATE MACRO from_iso8601_date(x) AS CAST(x AS DATE)",
    "CREATE MACRO xxhash64(x) AS hash(x)",
)
"""Functions that DuckDB lacks; the hash is a hash, though not the same one."""
