"""Records migrated from an embedded store to a sandbox through boto3: rate, and peak memory of both sides.

    uv run python benchmarks/migrate_to_sandbox.py --records 50000 250000 1000000

The offline-only source is migrated into an online group of the sandbox by the real command line; the sandbox is a
process of its own, and a fresh one for each size. Several sizes show that memory stays flat.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bulk_put import make_parquet

from sfs_plugins.sandbox.testing import running


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def migrate(records: int) -> str:
    """Migrate so many records, and return what came of it in a line."""
    program = [sys.executable, "-c", "from sfs_core.application import main; raise SystemExit(main())"]
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "served") as sandbox:
        folder = Path(name)
        make_parquet(folder / "records.parquet", records)
        environ = {**os.environ, **sandbox.environment(), "SFS_STATE_DIR": str(folder / "state")}
        where = ["--path", str(folder / "store")]

        def sfs(*arguments: str) -> None:
            subprocess.run([*program, *arguments], env=environ, check=True, stdout=subprocess.DEVNULL)

        keys = ["--record-id", "id", "--event-time", "at"]
        source = [str(folder / "records.parquet"), *keys, "--no-online", "--offline", "s3://benchmark/features"]
        sfs("create", "features", "--infer", *source, *where)
        sfs("bulk-put", "features", str(folder / "records.parquet"), *where)
        sfs("create", "sagemaker:features", "--like", "local:features", "--online", "--no-offline", *where)
        began = time.monotonic()
        command = [*program, "migrate", "local:features", "sagemaker:features", "--verify", "quick", *where]
        process = subprocess.Popen(command, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, processor = time.monotonic() - began, usage.ru_utime + usage.ru_stime
        return (
            f"exit {process.returncode}: {records:,} records, {records / seconds:,.0f}/s ({seconds:.0f} s, "
            f"{processor:.0f} s of processor), peak memory client {usage.ru_maxrss / 1024:,.0f} MiB, "
            f"sandbox {peak_mib(sandbox.process.pid):,.0f} MiB"
        )


def main() -> None:
    """Migrate each size, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[50_000, 100_000])
    for records in parser.parse_args().records:
        print(migrate(records), flush=True)


if __name__ == "__main__":
    main()
