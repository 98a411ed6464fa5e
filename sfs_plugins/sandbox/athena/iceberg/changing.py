"""INSERT, DELETE and UPDATE of an Iceberg table: the files that hold what changes are rewritten, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from sfs_plugins.sandbox.athena.dialect import to_duckdb
from sfs_plugins.sandbox.athena.failures import QueryFailed
from sfs_plugins.sandbox.athena.iceberg.reading import PATH
from sfs_plugins.sandbox.athena.iceberg.writing import put, records_of, retried, typed
from sfs_plugins.sandbox.athena.making import inserted
from sfs_plugins.sandbox.athena.quoting import literal, quoted
from sfs_plugins.sandbox.athena.statement import Outcome, Work
from sfs_plugins.sandbox.glue.catalog import Table

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable


def change(work: Work, tree: exp.Insert | exp.Delete | exp.Update, table: Table) -> Outcome:
    """Carry out INSERT, DELETE or UPDATE. Raises QueryFailed; nothing is changed then."""
    if isinstance(tree, exp.Insert):
        retried(work, lambda: _insert(work, tree, table))
        return changed(work, "INSERT")
    retried(work, lambda: _rewrite(work, tree, table))
    return changed(work, "DELETE" if isinstance(tree, exp.Delete) else "UPDATE")


def changed(work: Work, verb: str) -> Outcome:
    """Return the outcome of a statement that has changed records."""
    return Outcome("DML", verb, output=work.statement.target)


def _insert(work: Work, tree: exp.Insert, table: Table) -> None:
    target = work.engine.iceberg_table(table, work.reading)
    columns = typed(target)
    # SQL speaks of columns in lower case, the files in the case of the features
    by_lower = {name.lower(): kind for name, kind in columns.items()}
    shown = ", ".join(f"{quoted(name.lower())} AS {quoted(name)}" for name in columns)
    put(target, (), records_of(work, f"SELECT {shown} FROM ({inserted(work, tree, by_lower)})"))


@dataclass(frozen=True)
class Target:
    """The table that a statement changes, its name in the statement, and its columns."""

    work: Work
    node: exp.Table
    table: Table

    @property
    def iceberg(self) -> IcebergTable:
        """The table as the statement sees it."""
        found: IcebergTable = self.work.engine.iceberg_table(self.table, self.work.reading)
        return found

    def query(self, *columns: exp.Expr, where: exp.Expr | None) -> str:
        """Return a query of the table as DuckDB's SQL, `$path` among what may be asked for."""
        # naming the path is what brings it into the table's view
        told = exp.select(*columns).from_(self.node.copy())
        told = told if where is None else told.where(where.copy())
        return to_duckdb(self.work.engine.bind(
            self.work.connection, told, self.work.reading, self.work.statement.database
        ))  # fmt: skip

    def paths(self, where: exp.Expr | None) -> list[str]:
        """Return the files that hold records of a condition, in order. Raises duckdb.Error."""
        sql = self.query(exp.column(PATH, quoted=True), where=where)
        return [row[0] for row in self.work.connection.execute(f"SELECT DISTINCT * FROM ({sql}) ORDER BY 1").fetchall()]


def in_files(paths: Sequence[str]) -> exp.Expr:
    """Return the condition that a record lies in one of some files."""
    return exp.column(PATH, quoted=True).isin(*paths)


def _rewrite(work: Work, tree: exp.Delete | exp.Update, table: Table) -> None:
    target = Target(work, tree.this, table)
    where = tree.args.get("where")
    condition = where.this if where is not None else exp.true()
    gone = target.paths(condition)
    if not gone:
        return
    columns = typed(target.iceberg)
    if isinstance(tree, exp.Delete):
        kept = exp.Not(this=exp.func("coalesce", condition.copy(), exp.false()))
        shown: list[exp.Expr] = [exp.column(name, quoted=True) for name in columns]
        sql = target.query(*shown, where=exp.and_(in_files(gone), kept))
    else:
        sql = target.query(*_updated(tree, columns, condition), where=in_files(gone))
    put(target.iceberg, gone, records_of(work, sql))


def _updated(tree: exp.Update, columns: dict[str, str], condition: exp.Expr) -> list[exp.Expr]:
    given = assignments(tree.expressions, columns)
    return [
        exp.alias_(
            exp.cast(exp.Case().when(condition.copy(), given[name]).else_(exp.column(name, quoted=True)), kind,
                     dialect="duckdb"), name, quoted=True,
        ) if name in given else exp.column(name, quoted=True)
        for name, kind in columns.items()
    ]  # fmt: skip


def assignments(pairs: Sequence[exp.Expr], columns: dict[str, str]) -> dict[str, exp.Expr]:
    """Return what SET gives, by the names of the columns. Raises QueryFailed for a column that is not there."""
    by_lower = {name.lower(): name for name in columns}
    found = {}
    for pair in pairs:
        name = pair.this.name.lower()
        if name not in by_lower:
            raise QueryFailed(f"COLUMN_NOT_FOUND: The UPDATE SET target column {name} doesn't exist")
        found[by_lower[name]] = pair.expression.copy()
    return found


def cast_sql(expression: str, kind: str, name: str) -> str:
    """Return an expression as a column of a table."""
    return f"CAST({expression} AS {kind}) AS {quoted(name)}"


def listed(paths: Sequence[str]) -> str:
    """Return paths as an SQL list."""
    return ", ".join(literal(path) for path in paths)
