"""How fast records are put into the embedded store from a Parquet file, and how much memory that takes.

    uv run python benchmarks/local_store_put.py --records 1000000 --records 2000000

A record has 20 features (8 Fractional, 6 Integral, 5 String, the event time) and its id. Each figure is of a process
of its own that reads the file, makes texts of the values, checks them and puts them; making the file is not counted.
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
import pyarrow.parquet as pq

from sfs_core import (
    Batch,
    FeatureDefinition,
    FeatureType,
    NewFeatureGroup,
    OfflineStore,
    OnlineStore,
    Put,
    SystemClock,
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
PART = 50_000


def records(count: int, seed: int, first: int) -> pa.Table:
    """Return typed records with ids in no order, event times within a month, and some values absent."""
    random = np.random.default_rng(seed)
    ids = first + random.permutation(count)
    moments = np.datetime64("2025-06-01T00:00:00", "s") + random.integers(0, 30 * 86_400, count)
    columns = {
        "id": pa.array([f"customer-{number:010d}" for number in ids]),
        "event_time": pa.array([f"{moment}Z" for moment in np.datetime_as_string(moments)]),
    }
    for feature in FEATURES[2:]:
        if feature.type is FeatureType.FRACTIONAL:
            values = pa.array(random.normal(size=count), mask=random.random(count) < 0.05)
        elif feature.type is FeatureType.INTEGRAL:
            values = pa.array(random.integers(0, 10**9, count), mask=random.random(count) < 0.05)
        else:
            values = pa.array(
                [f"a text of some length, number {number}" for number in random.integers(0, 10**6, count)]
            )
        columns[feature.name] = values
    return pa.table(columns)


def make_file(path: Path, count: int) -> None:
    """Write a Parquet file of so many records."""
    with pq.ParquetWriter(path, records(1, 0, 0).schema) as writer:
        for number, first in enumerate(range(0, count, PART)):
            writer.write_table(records(min(PART, count - first), number, first))


def batches(path: Path, batch_records: int) -> Iterator[Batch]:
    """Yield the file's records as the service's texts."""
    # without pre_buffer=False the reader keeps what it has read until the end of the file
    for number, batch in enumerate(pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_records)):
        yield Batch(number, pa.record_batch([to_text(c) for c in batch.columns], names=batch.schema.names))


def put(path: Path, folder: Path, stores: str, batch_records: int) -> None:
    """Put the file's records, and print what that took."""
    store = LocalStore("local", SystemClock(), path=folder)
    online = OnlineStore() if "online" in stores else None
    offline = OfflineStore("s3://bench/prefix") if "offline" in stores else None
    store.create(NewFeatureGroup("bench", "id", "event_time", FEATURES, online, offline))
    group = store.describe("bench")
    began, began_cpu = time.perf_counter(), time.process_time()
    done = sum(fact.done for fact in store.put(group, batches(path, batch_records), Put()))
    store.close()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{stores}: {done:,} records in {seconds:.1f} s, {done / seconds:,.0f} records/s, "
        f"{done / cpu_seconds:,.0f} per CPU second, peak {peak_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, action="append", help="how many (may be given again)")
    parser.add_argument("--stores", default="online", choices=["online", "offline", "online+offline"])
    parser.add_argument("--batch-records", type=int, default=5_000)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--put", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make_file(Path(arguments.make[0]), int(arguments.make[1]))
    elif arguments.put:
        put(Path(arguments.put[0]), Path(arguments.put[1]), arguments.stores, arguments.batch_records)
    else:
        for count in arguments.records or [1_000_000]:
            with TemporaryDirectory() as folder:
                file = str(Path(folder, "records.parquet"))
                options = ["--stores", arguments.stores, "--batch-records", str(arguments.batch_records)]
                _run("--make", file, str(count))
                _run("--put", file, str(Path(folder, "store")), *options)


def _run(*options: str) -> None:
    subprocess.run([sys.executable, __file__, *options], check=True)


if __name__ == "__main__":
    main()
