"""How many records the sandbox takes by BatchWriteRecord in a second of its own CPU time.

    uv run python benchmarks/sandbox_batch_write.py [--offline] [--records 100000] [--connections 32]

A record has 20 features, about 1 KB of JSON; bodies are made beforehand and sent over raw connections, so that the
client is not what is measured. The figure counts the serving process alone: with `--offline` the settler has its own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import tempfile
import threading
import time
from pathlib import Path

from sfs_plugins.sandbox.testing import Sandbox, running

FEATURES = [
    ("id", "String"), ("time", "String"),
    *((f"fraction_{n}", "Fractional") for n in range(7)),
    *((f"whole_{n}", "Integral") for n in range(6)),
    *((f"text_{n}", "String") for n in range(5)),
]  # fmt: skip
GROUP = "benchmark"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as sandbox:
        create_group(sandbox, offline=given.offline)
        send(sandbox, bodies(500, "warm"), given.connections)
        made = bodies(given.records // 25, "r")
        before, begun = cpu_seconds(sandbox.process.pid), time.perf_counter()
        send(sandbox, made, given.connections)
        cpu, wall = cpu_seconds(sandbox.process.pid) - before, time.perf_counter() - begun
    count = len(made) * 25
    size = len(made[0]) / 25
    print(
        f"{count:,} records of {size:,.0f} bytes: {count / cpu:,.0f} a server CPU second, {count / wall:,.0f} a second"
    )


def create_group(sandbox: Sandbox, *, offline: bool) -> None:
    more = {}
    if offline:
        sandbox.client("s3").create_bucket(Bucket="benchmark")
        store = {"S3StorageConfig": {"S3Uri": "s3://benchmark/fs"}}
        more = {"OfflineStoreConfig": store, "RoleArn": "arn:aws:iam::123456789012:role/benchmark"}
    sandbox.client("sagemaker").create_feature_group(
        FeatureGroupName=GROUP,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="time",
        FeatureDefinitions=[{"FeatureName": name, "FeatureType": kind} for name, kind in FEATURES],
        OnlineStoreConfig={"EnableOnlineStore": True},
        **more,
    )


def bodies(count: int, prefix: str) -> list[bytes]:
    drawn = random.Random(1)
    return [
        json.dumps({"Entries": [entry(f"{prefix}{number}-{line}", drawn) for line in range(25)]}).encode()
        for number in range(count)
    ]


def entry(record_id: str, drawn: random.Random) -> dict[str, object]:
    values = {"Fractional": lambda: repr(drawn.uniform(-1e6, 1e6)), "Integral": lambda: str(drawn.getrandbits(40))}
    texts = {"id": record_id, "time": "2025-06-01T12:00:00.123Z"}
    record = [
        {"FeatureName": name, "ValueAsString": texts.get(name) or values.get(kind, lambda: "some text")()}
        for name, kind in FEATURES
    ]
    return {"FeatureGroupName": GROUP, "Record": record}


def send(sandbox: Sandbox, made: list[bytes], connections: int) -> None:
    threads = [
        threading.Thread(target=send_some, args=(sandbox.where.port, made[start::connections]))
        for start in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send_some(port: int, made: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    scope = "AWS4-HMAC-SHA256 Credential=sandbox/20250601/us-east-1/sagemaker/aws4_request, SignedHeaders=, Signature="
    for body in made:
        connection.request("POST", "/BatchWriteRecord", body, {"Authorization": scope})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200 and content == b'{"Errors":[],"UnprocessedEntries":[]}', content
    connection.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
