"""Throttles that the store tries again by itself are told: in the report, in the run's history, at the bar."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import Sfs
from tests.sagemaker_store.served import Served

ROLE = "arn:aws:iam::123456789012:role/feature-store"
MANY = "id,at,city\n" + "".join(f"o{number:03},2025-06-01T01:00:00Z,Oslo\n" for number in range(150))
THROTTLES = [
    {"fault": "throttle", "operation": "DescribeFeatureGroup", "count": 1},
    {"fault": "throttle", "operation": "BatchWriteRecord", "count": 3},
    {"fault": "entry_error", "operation": "BatchWriteRecord", "after": 20, "count": 5},
]


def report_of(sfs: Sfs) -> Any:
    """The newest run's report."""
    files = (sfs.folder / "state" / "runs").glob("*/report.json")
    return json.loads(max(files, key=lambda file: file.stat().st_mtime_ns).read_text("utf-8"))


def made(sfs: Sfs, connection: str) -> str:
    """Make the group `orders`, and return a file of 150 records for it."""
    file = str(sfs.file("orders.csv", MANY))
    sfs.ok(f"create {connection}:orders --online --record-id id --event-time at", "--infer", file)
    return file


def test_a_load_reports_every_throttle_it_met_and_all_its_records(aws: Sfs, served: Served):
    file = made(aws, "aws")
    served.faults.set({"seed": 7, "rules": THROTTLES})

    answer = aws("bulk-put orders --force --max-workers 3 --batch-size 25", file)

    report = report_of(aws)
    assert answer.code == 0, answer.stderr
    assert (report["steps"][0]["done"], report["throttles"]) == (150, 9)
    assert [line["fault"] for line in served.faults.log].count("throttle") == 4
    assert len(served.faults.log) == report["throttles"]
    assert "\n  throttles: 9\n" in answer.stderr
    assert aws.ok(f"runs show {report['run']} --output json").json["throttles"] == 9


def test_a_migration_counts_the_throttles_of_both_its_stores(aws: Sfs, served: Served):
    made(aws, "aws")
    file = made(aws, "disk")
    aws.ok("bulk-put disk:orders --force", file)
    served.faults.set({"seed": 7, "rules": THROTTLES[:2]})

    answer = aws("migrate disk:orders aws:orders --force --verify none")

    report = report_of(aws)
    assert answer.code == 0, answer.stderr
    assert report["steps"][-1]["done"] == 150
    assert report["throttles"] == len(served.faults.log) == 4


def test_nobody_throttles_a_store_on_disk(sfs: Sfs):
    file = made(sfs, "dev")

    answer = sfs.ok("bulk-put orders --force", file)

    assert report_of(sfs)["throttles"] == 0
    assert "throttles: " not in answer.stderr
