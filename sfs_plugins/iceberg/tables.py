"""Making a feature group's Iceberg table, opening it, giving it new columns, and committing although others write."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table import Table as Table

from sfs_core import FeatureGroup
from sfs_plugins.iceberg.catalog import OneTable, Pointer
from sfs_plugins.iceberg.errors import TableBusy
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import damage_named
from sfs_plugins.iceberg.schema import partitions, table_schema, type_of

_ATTEMPTS = 10
_PAUSE_SECONDS = 0.05
_FORMAT = {"format-version": "2", "write.format.default": "parquet"}
Answer = TypeVar("Answer")


def make_table(group: FeatureGroup, pointer: Pointer, files: FolderIO) -> Table:
    """Return a group's table, made if there is none yet. Its location is the group's own root, without `/data`."""
    catalog = OneTable(pointer, files)
    if pointer.location() is None:
        schema = table_schema(group)
        root = str(group.offline.root if group.offline else "").rstrip("/")
        catalog.make(schema, partitions(group, schema), root, _FORMAT)
    return catalog.load_table()


def open_table(pointer: Pointer, files: FolderIO) -> Table:
    """Return a table as it is now. Raises pyiceberg's NoSuchTableError before it is made."""
    return OneTable(pointer, files).load_table()


def add_features(table: Table, group: FeatureGroup) -> Table:
    """Give the table a column for each feature of the group that has none yet, at the end; return it."""

    def add(table: Table) -> Table:
        missing = [feature for feature in group.features if feature.name not in table.schema().column_names]
        if missing:
            with table.update_schema() as change:
                for feature in missing:
                    change.add_column(feature.name, type_of(feature))
        return table

    return committed(table, add)


def committed(table: Table, change: Callable[[Table], Answer]) -> Answer:
    """Return what a change answers, made again on the newest state of the table whenever others were faster.

    Raises TableBusy after ten attempts, DamagedTable where a manifest cannot be read.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with damage_named(table):
                return change(table)
        except (CommitFailedException, ValidationException):
            time.sleep(random.uniform(0, _PAUSE_SECONDS * (attempt + 1)))  # noqa: S311  (only to part two writers)
            table.refresh()
    raise TableBusy(location=table.location(), attempts=_ATTEMPTS)
