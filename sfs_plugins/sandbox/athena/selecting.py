"""Statements that read: SELECT, and EXPLAIN of it."""

from __future__ import annotations

import re

from sqlglot import exp

from sfs_plugins.sandbox.athena.dialect import parsed
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines

EXPLAIN = re.compile(
    r"EXPLAIN\s+(?P<analyze>ANALYZE\s+)?(?:\((?P<how>[^)]*)\)\s*)?(?P<query>(?:SELECT|WITH|VALUES|\().*)", re.I | re.S
)
_FORMAT = re.compile(r"\s*(FORMAT|TYPE)\s+(\w+)\s*", re.IGNORECASE)
_HOW = {("FORMAT", "TEXT"): "", ("FORMAT", "JSON"): "(FORMAT json)", ("FORMAT", "GRAPHVIZ"): "(FORMAT graphviz)"}


def select(work: Work, tree: exp.Expr) -> Outcome:
    """Carry out a query. Raises QueryFailed."""
    sql, columns = work.bound_with_columns(tree)
    work.keep_rows(sql, columns)
    return Outcome("DML", "SELECT", columns, output=f"{work.statement.target}.csv")


def explain(work: Work, found: re.Match[str]) -> Outcome:
    """Tell how a query would be carried out: the plan is this engine's own, not Trino's. Raises QueryFailed."""
    how = ""
    for one in (found["how"] or "").split(",") if found["how"] else ():
        option = _FORMAT.fullmatch(one)
        if option is None:
            raise QueryFailed(f"SYNTAX_ERROR: EXPLAIN knows no {one.strip()!r}")
        known = _HOW.get((option[1].upper(), option[2].upper()))
        if known is None:
            raise unsupported(f"this sandbox does not carry out EXPLAIN ({one.strip()})")
        how = known
    if found["analyze"] and how:
        raise unsupported("this sandbox carries out EXPLAIN ANALYZE as text only")
    sql = work.bound(parsed(found["query"], work.statement.parameters))
    analyze = "ANALYZE " if found["analyze"] else ""
    plan = work.connection.execute(f"EXPLAIN {analyze}{how} {sql}").fetchall()[-1][1]
    sub_type = "EXPLAIN_ANALYZE" if analyze else "EXPLAIN"
    return of_lines(work, str(plan).splitlines(), "UTILITY", sub_type, ["Query Plan"])
