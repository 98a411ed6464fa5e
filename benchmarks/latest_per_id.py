"""How fast the latest version of every record is read from the offline store, and how much memory that takes.

    uv run python benchmarks/latest_per_id.py --rows 5000000 --ids 1000000

The rows have 20 features and an id; they are put through the store itself, in a process of its own, and lie in
partitions of the event-time hour. Making them is not counted.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from sfs_core import (
    Batch,
    FeatureDefinition,
    FeatureType,
    NewFeatureGroup,
    OfflineQuery,
    OfflineStore,
    Put,
    SystemClock,
    Versions,
    to_text,
)
from sfs_plugins.local_store import LocalStore

FEATURES = (
    FeatureDefinition("id", FeatureType.STRING),
    FeatureDefinition("event_time", FeatureType.STRING),
    *(FeatureDefinition(f"fractional_{number}", FeatureType.FRACTIONAL) for number in range(8)),
    *(FeatureDefinition(f"integral_{number}", FeatureType.INTEGRAL) for number in range(6)),
    *(FeatureDefinition(f"string_{number}", FeatureType.STRING) for number in range(5)),
)
BATCH = 20_000


def batches(rows: int, ids: int, hours: int) -> Iterator[Batch]:
    """Yield rows in the order of their event times, which are spread evenly over the hours."""
    random = np.random.default_rng(0)
    for number, first in enumerate(range(0, rows, BATCH)):
        count = min(BATCH, rows - first)
        seconds = (np.arange(first, first + count) * (hours * 3600 / rows)).astype(np.int64)
        moments = np.datetime_as_string(np.datetime64("2025-06-01T00:00:00", "s") + seconds)
        columns = [
            pa.array([f"customer-{number:010d}" for number in random.integers(0, ids, count)]),
            pa.array([f"{moment}Z" for moment in moments]),
            *(to_text(pa.array(random.normal(size=count))) for _ in range(8)),
            *(to_text(pa.array(random.integers(0, 10**9, count))) for _ in range(6)),
            *(pa.array([f"a text, number {n}" for n in random.integers(0, 10**6, count)]) for _ in range(5)),
        ]
        yield Batch(number, pa.record_batch(columns, names=[feature.name for feature in FEATURES]))


def fill(folder: Path, rows: int, ids: int, hours: int) -> None:
    """Put the rows into a new group's offline store."""
    store = LocalStore("local", SystemClock(), path=folder)
    store.create(NewFeatureGroup("bench", "id", "event_time", FEATURES, None, OfflineStore("s3://bench/prefix")))
    began = time.perf_counter()
    done = sum(fact.done for fact in store.put(store.describe("bench"), batches(rows, ids, hours), Put()))
    store.close()
    print(f"made {done:,} rows in {time.perf_counter() - began:.0f} s")


def read(folder: Path, versions: Versions) -> None:
    """Read the versions, and print what that took."""
    store = LocalStore("local", SystemClock(), path=folder)
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = sum(batch.num_rows for batch in store.versions(store.describe("bench"), OfflineQuery(versions)))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{versions}: {rows:,} records in {seconds:.1f} s, {rows / seconds:,.0f} records/s, "
        f"{cpu_seconds:.1f} CPU seconds, peak {peak_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--hours", type=int, default=240)
    parser.add_argument("--versions", choices=[str(v) for v in Versions], default=str(Versions.LATEST))
    parser.add_argument("--folder", type=Path, help="keep the store there, and read what is there already")
    parser.add_argument("--part", choices=["fill", "read"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "fill":
        fill(arguments.folder, arguments.rows, arguments.ids, arguments.hours)
    elif arguments.part == "read":
        read(arguments.folder, Versions(arguments.versions))
    else:
        with TemporaryDirectory() as temporary:
            folder = arguments.folder or Path(temporary)
            sizes = [f"--rows={arguments.rows}", f"--ids={arguments.ids}", f"--hours={arguments.hours}"]
            if not (folder / "groups.sqlite").exists():
                _run("--part=fill", f"--folder={folder}", *sizes)
            _run("--part=read", f"--folder={folder}", f"--versions={arguments.versions}")


def _run(*options: str) -> None:
    subprocess.run([sys.executable, __file__, *options], check=True)


if __name__ == "__main__":
    main()
