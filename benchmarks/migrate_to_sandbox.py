"""Records migrated from an embedded store to a sandbox through boto3: rate, and peak memory of both sides.

    uv run python benchmarks/migrate_to_sandbox.py [--records 100000]

The offline-only source is migrated into an online group of the sandbox by the real command line; the sandbox is a
process of its own. Double `--records` to see that memory stays flat.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    records = parser.parse_args().records
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
        seconds = time.monotonic() - began
        print(
            f"exit {process.returncode}: {records:,} records, {records / seconds:,.0f}/s ({seconds:.0f} s), "
            f"peak memory client {usage.ru_maxrss / 1024:,.0f} MiB, sandbox {peak_mib(sandbox.process.pid):,.0f} MiB"
        )


if __name__ == "__main__":
    main()
