"""MERGE INTO an Iceberg table: matches are made out once, then files that hold changed records are rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from sqlglot import exp

from sfs_plugins.sandbox.athena.dialect import to_duckdb
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.iceberg.changing import Target, assignments, cast_sql, changed, listed
from sfs_plugins.sandbox.athena.iceberg.reading import PATH, POSITION
from sfs_plugins.sandbox.athena.iceberg.writing import put, records_of, retried, typed
from sfs_plugins.sandbox.athena.quoting import quoted
from sfs_plugins.sandbox.athena.statement import Outcome, Work
from sfs_plugins.sandbox.glue.catalog import Table

if TYPE_CHECKING:
    import pyarrow as pa

_CASE = "$case"
_DELETED = "$deleted"


def merge(work: Work, tree: exp.Merge, table: Table) -> Outcome:
    """Carry out MERGE. Raises QueryFailed; nothing is changed then."""
    retried(work, lambda: _merge(work, tree, table))
    return changed(work, "MERGE")


def _merge(work: Work, tree: exp.Merge, table: Table) -> None:
    target = Target(work, tree.this, table)
    whens = tree.args["whens"].expressions
    if any(when.args.get("source") for when in whens):
        raise unsupported("MERGE knows WHEN MATCHED and WHEN NOT MATCHED")
    columns = typed(target.iceberg)
    matched = [when for when in whens if when.args["matched"]]
    added = [when for when in whens if not when.args["matched"]]
    matches = _made_out(work, tree, matched, columns) if matched else None
    gone = _gone(work, matches) if matches else []
    added_records = chain.from_iterable(records_of(work, _added(work, tree, when, added, columns)) for when in added)
    put(target.iceberg, gone, chain(_rewritten(work, target, matches, gone, columns), added_records))


def _made_out(work: Work, tree: exp.Merge, matched: list[exp.When], columns: dict[str, str]) -> str:
    """Make a table of the records that match: where they lie, which case holds, and what they are to be."""
    name = tree.this.alias_or_name
    case, values = exp.Case(), {column: exp.Case() for column in columns}
    is_deleted = exp.Case()
    for number, when in enumerate(matched):
        holds = when.args.get("condition") or exp.true()
        case = case.when(holds.copy(), exp.Literal.number(number))
        then = when.args["then"]
        is_deleted = is_deleted.when(holds.copy(), exp.false() if isinstance(then, exp.Update) else exp.true())
        given = assignments(then.expressions, columns) if isinstance(then, exp.Update) else {}
        for column in columns:
            kept = exp.column(column, table=name, quoted=True)
            values[column] = values[column].when(holds.copy(), given.get(column, kept))
    shown = [exp.alias_(exp.column(one, table=name, quoted=True), one, quoted=True) for one in (PATH, POSITION)]
    shown += [exp.alias_(case, _CASE, quoted=True), exp.alias_(is_deleted, _DELETED, quoted=True)]
    shown += [exp.alias_(value, column, quoted=True) for column, value in values.items()]
    joined = exp.select(*shown).from_(tree.this.copy()).join(tree.args["using"].copy(), on=tree.args["on"].copy())
    sql = _bound(work, joined)
    work.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE matches AS SELECT * FROM ({sql}) WHERE {quoted(_CASE)} IS NOT NULL"
    )
    return "matches"


def _bound(work: Work, query: exp.Expr) -> str:
    return to_duckdb(work.engine.bind(work.connection, query, work.reading, work.statement.database))


def _gone(work: Work, matches: str) -> list[str]:
    """Return the files that hold what changes. Raises QueryFailed where a record matched more than once."""
    place = f"{quoted(PATH)}, {quoted(POSITION)}"
    twice = f"SELECT 1 FROM {matches} GROUP BY {place} HAVING count(*) > 1 LIMIT 1"
    if work.connection.execute(twice).fetchone() is not None:
        raise QueryFailed(
            "MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more than one source row"
        )
    found = work.connection.execute(f"SELECT DISTINCT {quoted(PATH)} FROM {matches} ORDER BY 1").fetchall()
    return [row[0] for row in found]


def _rewritten(
    work: Work, target: Target, matches: str | None, gone: list[str], columns: dict[str, str]
) -> Iterator[pa.Table]:
    if not gone:
        return
    names = (*columns, PATH, POSITION)
    old = target.query(*(exp.column(name, quoted=True) for name in names), where=None)
    shown = ", ".join(
        cast_sql(f"CASE WHEN m.{quoted(_CASE)} IS NULL THEN t.{quoted(name)} ELSE m.{quoted(name)} END", kind, name)
        for name, kind in columns.items()
    )
    yield from records_of(
        work,
        f"SELECT {shown} FROM ({old}) AS t LEFT JOIN {matches} AS m USING ({quoted(PATH)}, {quoted(POSITION)}) "
        f"WHERE t.{quoted(PATH)} IN ({listed(gone)}) AND NOT coalesce(m.{quoted(_DELETED)}, false)",
    )


def _added(
    work: Work, tree: exp.Merge, when: exp.When, added: list[exp.When], columns: dict[str, str]
) -> str:  # fmt: skip
    """Return the query of the source's records that match nothing and that this WHEN is the first to take."""
    then = when.args["then"]
    names = [one.name.lower() for one in then.this.expressions] if then.this else [name.lower() for name in columns]
    values = dict(zip(names, then.expression.expressions, strict=True))
    unknown = values.keys() - {name.lower() for name in columns}
    if unknown:
        raise QueryFailed(f"COLUMN_NOT_FOUND: Insert column name does not exist in target table: {sorted(unknown)[0]}")
    shown = [
        exp.alias_(exp.cast(values.get(name.lower(), exp.null()).copy(), kind, dialect="duckdb"), name, quoted=True)
        for name, kind in columns.items()
    ]
    matching = exp.select("1").from_(tree.this.copy()).where(tree.args["on"].copy())
    conditions = [exp.Not(this=exp.Exists(this=matching)), when.args.get("condition") or exp.true()]
    for earlier in added[: added.index(when)]:
        held = earlier.args.get("condition") or exp.true()
        conditions.append(exp.Not(this=exp.func("coalesce", held.copy(), exp.false())))
    return _bound(work, exp.select(*shown).from_(tree.args["using"].copy()).where(*(one.copy() for one in conditions)))
