"""Records a second and peak memory of `bulk-put` from Parquet into the local online store.

    uv run python benchmarks/bulk_put.py --records 1000000

Makes the Parquet (20 features: id, event time, 6 String, 6 Integral, 6 Fractional), makes a group, and runs the real
command line in a process of its own; start-up, reading, checking and writing down are all in the figure.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BLOCK = 100_000


def main() -> None:
    """Make the data, run the command, print the figures."""
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="bulk-put-", dir=arguments.folder))
    try:
        file = folder / "records.parquet"
        make_parquet(file, arguments.records)
        print(f"{file.stat().st_size / 2**20:,.0f} MiB of Parquet, {arguments.records:,} records of 20 features")
        stores = ["--online"] if arguments.to == "online" else ["--online", "--offline", "s3://benchmark/features"]
        sfs(folder, "create", "features", "--infer", str(file), "--record-id", "id", "--event-time", "at", *stores)
        began = time.monotonic()
        usage = sfs(folder, "bulk-put", "features", str(file), *arguments.option)
        seconds = time.monotonic() - began
        rate, processor = arguments.records / seconds, usage.ru_utime + usage.ru_stime
        memory = usage.ru_maxrss / 1024
        print(f"{rate:,.0f} records/s ({seconds:.1f} s, {processor:.1f} s of processor), peak memory {memory:,.0f} MiB")
    finally:
        shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--to", choices=("online", "both"), default="online", help="stores the group has")
    parser.add_argument(
        "--folder", type=Path, help="where to put everything; the system's temporary folder if left out"
    )
    parser.add_argument(
        "--option", action="append", default=[], help="further option of bulk-put, as --option=--batch-size=1000"
    )
    return parser.parse_args()


def make_parquet(file: Path, records: int) -> None:
    """Write so many records of 20 features, in row groups of 100,000."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(7)
    writer = None
    for start in range(0, records, BLOCK):
        count = min(BLOCK, records - start)
        ids = pa.array(np.char.add("customer-", np.arange(start, start + count).astype(str)))
        moments = pa.array(1_700_000_000 + np.arange(start, start + count), pa.timestamp("s", tz="UTC"))
        columns = {"id": ids, "at": moments}
        for number in range(6):
            columns[f"text_{number}"] = pa.array(np.char.add("value ", random.integers(0, 10_000, count).astype(str)))
            columns[f"whole_{number}"] = pa.array(random.integers(-(10**9), 10**9, count))
            columns[f"real_{number}"] = pa.array(random.random(count) * 1000)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def sfs(folder: Path, *arguments: str) -> resource.struct_rusage:
    """Run `sagemaker-fs` on a store in the folder; return what it used."""
    environ = {**os.environ, "SFS_STATE_DIR": str(folder / "state")}
    command = [sys.executable, "-c", "from sfs_core.application import main; raise SystemExit(main())"]
    process = subprocess.Popen([*command, "--path", str(folder / "store"), *arguments], env=environ)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return usage


if __name__ == "__main__":
    main()
