"""OPTIMIZE and VACUUM of an Iceberg table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from sfs_plugins.sandbox.athena.altering import found_table
from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported
from sfs_plugins.sandbox.athena.iceberg import removing
from sfs_plugins.sandbox.athena.iceberg.changing import Target, in_files
from sfs_plugins.sandbox.athena.iceberg.tables import opened
from sfs_plugins.sandbox.athena.iceberg.writing import put, records_of, retried, typed
from sfs_plugins.sandbox.athena.naming import TABLE
from sfs_plugins.sandbox.athena.statement import Outcome, Work, of_lines
from sfs_plugins.sandbox.glue.catalog import Table
from sfs_plugins.sandbox.glue.iceberg import is_iceberg

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable

    from sfs_plugins.iceberg.reading import LiveFile

OPTIMIZE = re.compile(
    rf"OPTIMIZE\s+{TABLE}\s+REWRITE\s+DATA\s+USING\s+BIN_PACK(?:\s+WHERE\s+(?P<where>.*))?", re.I | re.S
)
VACUUM = re.compile(rf"VACUUM\s+{TABLE}", re.IGNORECASE)
_TARGET_BYTES = 512 * 1024 * 1024
_SMALL = 0.75


def _iceberg(work: Work, found: re.Match[str], verb: str) -> Table:
    table = found_table(work, found)
    if not is_iceberg(table):
        raise unsupported(f"{verb} is only supported for Iceberg tables")
    return table


def optimize(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out OPTIMIZE: small files of a partition become few. What the table holds stays. Raises QueryFailed."""
    table = _iceberg(work, found, "OPTIMIZE")
    where = sqlglot.parse_one(found["where"], read="athena") if found["where"] else None
    node = exp.table_(table["Name"], db=table["DatabaseName"], quoted=True)
    retried(work, lambda: _optimize(work, Target(work, node, table), where))
    return Outcome("DML", "OPTIMIZE", output=work.statement.target)


def _optimize(work: Work, target: Target, where: exp.Expr | None) -> None:
    from sfs_plugins.iceberg.reading import live_files

    table = target.iceberg
    scratch = work.scratch / "optimize"
    scratch.mkdir(exist_ok=True)
    files = live_files(table, scratch)
    if where is not None:
        _check_partitioned(table, where)
        chosen = set(target.paths(where))
        files = [file for file in files if file.location in chosen]
    groups = list(_gaining(table, files))
    shown: list[exp.Expr] = [exp.column(name, quoted=True) for name in typed(table)]
    records = chain.from_iterable(
        records_of(work, target.query(*shown, where=in_files([file.location for file in group]))) for group in groups
    )
    put(table, [file.location for group in groups for file in group], records)


def _check_partitioned(table: IcebergTable, where: exp.Expr) -> None:
    sources = {table.schema().find_column_name(field.source_id) for field in table.spec().fields}
    known = {str(name).lower() for name in sources}
    if any(column.name.lower() not in known for column in where.find_all(exp.Column)):
        told = "probably connector was not able to handle provided WHERE expression"
        raise QueryFailed(f"NOT_SUPPORTED: Unexpected FilterNode found in plan; {told}")


def _gaining(table: IcebergTable, files: Sequence[LiveFile]) -> Iterator[list[LiveFile]]:
    """Yield the files of each partition that become fewer: from its first small one on, so that order is kept."""
    size = int(table.properties.get("write.target-file-size-bytes", _TARGET_BYTES)) * _SMALL
    partitions: dict[str, list[LiveFile]] = {}
    for file in files:
        partitions.setdefault(repr((file.data_file.spec_id, file.data_file.partition)), []).append(file)
    for several in partitions.values():
        first = next((n for n, file in enumerate(several) if file.size < size or file.is_copy), len(several))
        rest = several[first:]
        if len(rest) > 1 or any(file.is_copy for file in rest):
            yield rest


def vacuum(work: Work, found: re.Match[str]) -> Outcome:
    """Carry out VACUUM: old snapshots go, and the files that only they named. Raises QueryFailed, nothing removed."""
    table = _iceberg(work, found, "VACUUM")
    removing.check_alone(work, table)
    removing.vacuum(work, opened(work.engine.catalogue, table))
    return of_lines(work, [], "DDL", "VACUUM")
