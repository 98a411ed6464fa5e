"""Replacing files of an Iceberg table that other engines change at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.table import Table

from sfs_plugins.iceberg.changing import append, delete_days, shaped
from sfs_plugins.iceberg.file_io import FolderIO
from sfs_plugins.iceberg.reading import live_files
from sfs_plugins.iceberg.tables import open_table
from sfs_plugins.sandbox.athena.iceberg.writing import ChangedMeanwhile, put
from tests.iceberg.conftest import Pointer, Seen, files, group, pointer, rows, seen, table
from tests.iceberg.test_reading import hide

__all__ = ["files", "group", "pointer", "seen", "table"]

ONE, TWO = "2025-06-01T01:00:00Z", "2025-06-01T02:00:00Z"


def test_what_another_engine_deletes_from_a_file_that_is_being_rewritten_does_not_come_back(
    table: Table, files: FolderIO, pointer: Pointer, seen: Seen, tmp_path: Path
):
    """It deletes by position, and leaves the data file where it is: the rewritten one would have the record again."""
    append(table, "at", rows(("1", ONE), ("2", TWO)))
    (file,) = live_files(table, tmp_path)
    other = open_table(pointer, files)
    pointer.before_swap = lambda: hide(other, file.location, "2025-06-01", 0)

    with pytest.raises(ChangedMeanwhile):
        put(table, [file.location], [shaped(table, rows(("1", ONE), ("2", TWO)))])

    assert seen(open_table(pointer, files)) == [("2", TWO)]


def test_a_file_whose_deleted_records_were_known_is_rewritten(table: Table, seen: Seen, tmp_path: Path):
    append(table, "at", rows(("1", ONE), ("2", TWO)))
    (file,) = live_files(table, tmp_path)
    hide(table, file.location, "2025-06-01", 0)

    put(table, [file.location], [shaped(table, rows(("2", TWO)))])

    assert seen(table) == [("2", TWO)]


def test_a_file_that_others_took_away_is_not_rewritten(
    table: Table, files: FolderIO, pointer: Pointer, seen: Seen, tmp_path: Path
):
    append(table, "at", rows(("1", ONE)))
    (file,) = live_files(table, tmp_path)
    pointer.before_swap = lambda: (delete_days(open_table(pointer, files), "at", ["2025-06-01"]), None)[1]

    with pytest.raises(ChangedMeanwhile):
        put(table, [file.location], [shaped(table, rows(("1", TWO)))])

    assert seen(open_table(pointer, files)) == []
