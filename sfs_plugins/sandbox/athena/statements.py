"""Statements told apart by what they do, and each carried out by the module of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from sfs_core import SfsError
from sfs_plugins.sandbox.athena import altering, making, prepared, selecting, views
from sfs_plugins.sandbox.athena.definitions import catalogued_from, dropped, made_database
from sfs_plugins.sandbox.athena.dialect import parsed
from sfs_plugins.sandbox.athena.engine import Engine
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.iceberg import changing, creating, merging, removing, upkeep
from sfs_plugins.sandbox.athena.iceberg.tables import opened
from sfs_plugins.sandbox.athena.kept_views import is_view
from sfs_plugins.sandbox.athena.output import Output
from sfs_plugins.sandbox.athena.prepared import Prepared
from sfs_plugins.sandbox.athena.reading import Reading
from sfs_plugins.sandbox.athena.showing import show
from sfs_plugins.sandbox.athena.statement import Outcome, Statement, Work, of_lines
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.glue.iceberg import is_iceberg


@dataclass(frozen=True)
class Statements:
    """Carries statements out, over one engine."""

    engine: Engine
    output: Output
    prepared: Prepared

    def run(self, statement: Statement, reading: Reading, started: Callable[[Any], None]) -> Outcome:
        """Carry a statement out; `started` gets the connection, so that it can be interrupted. Raises QueryFailed."""
        import duckdb

        from sfs_plugins.iceberg.errors import DamagedTable

        try:
            with self.engine.connection() as (connection, scratch), self.engine.running.watched(reading):
                started(connection)
                reading.scratch = scratch
                return self._run(Work(self.engine, self.output, statement, connection, scratch, reading))
        except duckdb.Error as error:
            raise QueryFailed(_reason(error)) from error
        except DamagedTable as error:
            raise QueryFailed(f"ICEBERG_BAD_DATA: {error}") from error
        except SfsError as error:
            raise QueryFailed(f"GENERIC_USER_ERROR: {error}") from error

    def _run(self, work: Work) -> Outcome:
        text = work.statement.query.strip().rstrip(";").strip()
        executed = prepared.EXECUTE.fullmatch(text)
        if executed is not None:
            query, values = self.prepared.executed(work.statement.workgroup, executed)
            given = values or list(work.statement.parameters)
            work.statement = replace(work.statement, query=query, parameters=given)
            text = query.strip().rstrip(";").strip()
        for pattern, carry_out in _BY_TEXT:
            found = pattern.fullmatch(text)
            if found is not None:
                return carry_out(work, found)
        found = prepared.PREPARE.fullmatch(text) or prepared.DEALLOCATE.fullmatch(text)
        if found is not None:
            return self._prepare(work, found)
        if text.split()[:1] and text.split()[0].upper() in ("SHOW", "DESCRIBE", "DESC"):
            return show(work, text)
        return _by_tree(work, parsed(text, work.statement.parameters))

    def _prepare(self, work: Work, found: Any) -> Outcome:
        group = work.statement.workgroup
        if found.re is prepared.PREPARE:
            self.prepared.keep(group, found[1], found[2])
            return of_lines(work, [], "DDL", "PREPARE")
        if not self.prepared.forget(group, found[1]):
            raise QueryFailed(f"PREPARED_STATEMENT_NOT_FOUND: Prepared statement not found: {found[1]}")
        return of_lines(work, [], "DDL", "DEALLOCATE")


def _by_tree(work: Work, tree: exp.Expr) -> Outcome:
    if isinstance(tree, (exp.Query, exp.Values)):
        return selecting.select(work, tree)
    if isinstance(tree, exp.Create) and tree.kind == "TABLE" and creating.is_for_iceberg(tree):
        return creating.create(work, tree)
    if isinstance(tree, exp.Create) and tree.expression is not None and tree.kind == "TABLE":
        return making.create_as(work, tree)
    if isinstance(tree, (exp.Insert, exp.Delete, exp.Update, exp.Merge)):
        return _change(work, tree)
    return _define(work, tree)


def _change(work: Work, tree: exp.Insert | exp.Delete | exp.Update | exp.Merge) -> Outcome:
    table = work.engine.table(*making.target_of(work, tree))
    if is_view(table):
        raise unsupported(f"{table['Name']} is a view")
    if is_iceberg(table):
        return merging.merge(work, tree, table) if isinstance(tree, exp.Merge) else changing.change(work, tree, table)
    if isinstance(tree, exp.Insert):
        return making.insert(work, tree, table)
    raise unsupported("Modifying Hive table rows is only supported for transactional tables")


def _alter(work: Work, found: Any) -> Outcome:
    table = altering.found_table(work, found)
    if is_iceberg(table):
        return creating.alter(work, table, found["change"])
    return altering.alter(work, table, found["change"])


_BY_TEXT: tuple[tuple[Any, Callable[[Work, Any], Outcome]], ...] = (
    (making.UNLOAD, making.unload), (selecting.EXPLAIN, selecting.explain), (views.CREATE, views.create),
    (views.DROP, views.drop), (altering.REPAIR, altering.repair), (altering.ALTER, _alter),
    (upkeep.OPTIMIZE, upkeep.optimize), (upkeep.VACUUM, upkeep.vacuum),
)  # fmt: skip


def _iceberg_of(work: Work, tree: exp.Drop) -> Table | None:
    target = tree.this or tree.args["tables"][0]
    table = work.engine.catalogue.table((target.db or work.statement.database).lower(), target.name.lower())
    return table if table is not None and is_iceberg(table) else None


def _define(work: Work, tree: exp.Expr) -> Outcome:
    catalogue, verb = work.engine.catalogue, work.statement.query.split()[0].upper()
    kind = str(tree.args.get("kind") or "").upper()
    if isinstance(tree, exp.Create) and kind in ("DATABASE", "SCHEMA"):
        made_database(catalogue, tree)
    elif isinstance(tree, exp.Create) and kind == "TABLE":
        table = catalogued_from(tree, work.statement.database)
        if not catalogue.has_table(table["DatabaseName"], table["Name"]):
            catalogue.put_table(table)
        elif not tree.args.get("exists"):
            raise QueryFailed(f"FAILED: Execution Error: AlreadyExistsException: Table {table['Name']} already exists")
    elif isinstance(tree, exp.Drop) and kind == "TABLE" and (iceberg := _iceberg_of(work, tree)) is not None:
        removing.drop(work, iceberg, opened(catalogue, iceberg))
    elif isinstance(tree, exp.Drop) and kind in ("TABLE", "DATABASE", "SCHEMA"):
        dropped(catalogue, tree, work.statement.database)
    else:
        raise unsupported(f"this sandbox does not carry out {verb} statements")
    return of_lines(work, [], "DDL", f"{verb}_{kind}")


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    code = {"BinderException": "COLUMN_NOT_FOUND", "ConversionException": "INVALID_CAST_ARGUMENT"}
    return f"{code.get(type(error).__name__, 'GENERIC_USER_ERROR')}: {text}"
