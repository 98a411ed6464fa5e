"""How long `sagemaker-fs list` of 100 groups takes when every answer comes 20 ms late.

    uv run python benchmarks/list_groups.py [--groups 100] [--latency-ms 20] [--runs 5]

The whole process is timed, against a sandbox that is a process of its own. `aws sagemaker list-feature-groups`, which
describes none of them, is timed in turn with it, for the ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sfs_plugins.sandbox.testing import Sandbox, running


def make_groups(sandbox: Sandbox, count: int) -> None:
    client = sandbox.client("sagemaker")
    features = [{"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "at", "FeatureType": "String"}]
    for number in range(count):
        client.create_feature_group(
            FeatureGroupName=f"group-{number}",
            RecordIdentifierFeatureName="id",
            EventTimeFeatureName="at",
            FeatureDefinitions=features,
            OnlineStoreConfig={"EnableOnlineStore": True},
        )


def seconds(command: list[str], environ: dict[str, str], groups: int) -> float:
    began = time.monotonic()
    answer = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    taken = time.monotonic() - began
    if answer.stdout.count("group-") < groups:
        sys.exit(f"{command} did not list {groups} groups: {answer.stdout[:200]} {answer.stderr[:500]}")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--latency-ms", type=float, default=20)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "store") as sandbox:
        make_groups(sandbox, given.groups)
        rule = {"fault": "slow", "seconds": given.latency_ms / 1000}
        sandbox.control("PUT", "/faults", {"seed": "list", "rules": [rule]})
        environ = {**os.environ, **sandbox.environment()}
        commands = {
            "sagemaker-fs list": [str(binaries / "sagemaker-fs"), "list", "--connection", "sagemaker"],
            "aws sagemaker list-feature-groups": [str(binaries / "aws"), "sagemaker", "list-feature-groups"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(given.runs + 1):
            for name, command in commands.items():
                elapsed = seconds(command, environ, given.groups)
                if run:  # the first turn warms the caches
                    taken[name].append(elapsed)
    for name, values in taken.items():
        print(
            f"{name:36} median {statistics.median(values):.2f} s of {len(values)} "
            f"({min(values):.2f} to {max(values):.2f})"
        )


if __name__ == "__main__":
    main()
