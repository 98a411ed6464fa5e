"""Making few files of many: the small files of each event day become large ones, and delete files are applied.

Records stay in the order written: from the first file of a day that is too small or has deleted records, every later
one of that day is rewritten, so that none ends up before an older one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, TableProperties

from sfs_plugins.iceberg.changing import commit, shaped, write_file
from sfs_plugins.iceberg.errors import told_of_damage
from sfs_plugins.iceberg.reading import LiveFile, day_of, live_files
from sfs_plugins.iceberg.schema import check_by_day
from sfs_plugins.iceberg.tables import committed

_SMALL = 0.75
_BATCH_RECORDS = 65_536


def compact(table: Table, event_time: str, scratch: Path) -> int:
    """Rewrite files of `table` that are smaller than three quarters of its target size; return how many those were.

    A snapshot for about each target size that is rewritten (`write.target-file-size-bytes`, 512 MB unless set), none
    where there is nothing to gain. `scratch` is a folder of the caller's, to be removed. Raises ForeignPartitions
    unless the table is partitioned by the day of the feature `event_time`.
    """
    target = int(
        table.properties.get(
            TableProperties.WRITE_TARGET_FILE_SIZE_BYTES, TableProperties.WRITE_TARGET_FILE_SIZE_BYTES_DEFAULT
        )
    )
    check_by_day(table, event_time)
    count = 0
    while (gone := committed(table, lambda table: _compact_some(table, event_time, scratch, target))) > 0:
        count += gone
    return count


def _compact_some(table: Table, event_time: str, scratch: Path, target: int) -> int:
    """Rewrite days until the target size is reached, in one snapshot; return how many files went."""
    gone: list[DataFile] = []
    made: list[DataFile] = []
    size = 0
    days = _by_day(table, event_time, live_files(table, scratch))
    for day, bins in _plan(days, target):
        seed = secrets.token_hex(16)
        for part, files in enumerate(bins):
            gone += [file.data_file for file in files]
            size += sum(file.size for file in files)
            if any(file.records for file in files):
                made.append(_merged(table, event_time, day, part, seed, files))
        if size >= target:
            break
    commit(table, gone, made)
    return len(gone)


def _by_day(table: Table, event_time: str, files: Sequence[LiveFile]) -> dict[str, list[LiveFile]]:
    """Return the files of each day; those that are partitioned in another way are left alone."""
    days: dict[str, list[LiveFile]] = {}
    for file in files:
        day = day_of(table, event_time, file.data_file)
        if day is not None:
            days.setdefault(day, []).append(file)
    return days


def _plan(days: Mapping[str, list[LiveFile]], target: int) -> Iterator[tuple[str, list[list[LiveFile]]]]:
    """Yield the days that gain by being rewritten, and which files become one."""
    for day, of_day in days.items():
        first = next((n for n, file in enumerate(of_day) if file.size < target * _SMALL or file.is_copy), len(of_day))
        rest = of_day[first:]
        bins = _bins(rest, target)
        if len(bins) < len(rest) or any(file.is_copy for file in rest):
            yield day, bins


def _bins(files: Sequence[LiveFile], target: int) -> list[list[LiveFile]]:
    """Return neighbours together, as many as fit the target size."""
    bins: list[list[LiveFile]] = []
    size = 0
    for file in files:
        if not bins or size + file.size > target:
            bins.append([])
            size = 0
        bins[-1].append(file)
        size += file.size
    return bins


def _merged(table: Table, event_time: str, day: str, part: int, seed: str, files: Sequence[LiveFile]) -> DataFile:
    latest = ""
    for file in files:
        with told_of_damage(file.location), pq.ParquetFile(file.path) as parquet:
            times = parquet.read([event_time]).column(0)
        latest = max(latest, pc.max(pc.utf8_slice_codeunits(times, 0, 19)).as_py() or "")
    return write_file(table, day, part, seed, latest, _records(table, files))


def _records(table: Table, files: Sequence[LiveFile]) -> Iterator[pa.Table]:
    for file in files:
        with told_of_damage(file.location), pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(_BATCH_RECORDS):
                yield shaped(table, pa.Table.from_batches([batch]))
