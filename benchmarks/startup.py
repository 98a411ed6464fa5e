"""CPU time of `sagemaker-fs --version` and `--help`, beside `python -c pass` and `aws --version`, as ratios in one run.

    uv run python benchmarks/startup.py [--runs 15]

The AWS CLI is installed from its package into a throw-away environment. Medians of user + system time per process;
the commands take turns, so that a machine that drifts slows all of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def cpu_seconds(command: list[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def aws_cli(folder: Path) -> str:
    uv = shutil.which("uv") or "uv"
    subprocess.run([uv, "venv", "--quiet", str(folder)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin/python"), "awscli"], check=True)
    return str(folder / "bin/aws")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "sagemaker-fs --version": [str(binaries / "sagemaker-fs"), "--version"],
            "sagemaker-fs --help": [str(binaries / "sagemaker-fs"), "--help"],
            "aws --version": [aws_cli(Path(folder)), "--version"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(runs + 1):
            for name, command in commands.items():
                taken = cpu_seconds(command)
                if run:  # the first turn warms the caches
                    seconds[name].append(taken)
    base = statistics.median(seconds["python -c pass"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:24} {median * 1000:7.0f} ms CPU   {median / base:5.1f} x python -c pass")


if __name__ == "__main__":
    main()
