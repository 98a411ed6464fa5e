"""What every client of the sandbox is asked about: a feature group of awkward records, and what must be seen of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfs_plugins.sandbox.testing import Sandbox
from tests.sandbox.conftest import ROLE, boto

FEATURES = {"id": "String", "time": "String", "count": "Integral", "price": "Fractional", "note": "String"}
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
PUT: tuple[dict[str, str], ...] = (
    {
        "id": "a",
        "time": "2025-06-01T00:30:00Z",
        "count": str(LARGEST),
        "price": "0.1",
        "note": 'say "hi", it\'s\nover\ttwo lines',
    },
    {
        "id": "b",
        "time": "2025-06-01T01:30:00.5Z",
        "count": str(SMALLEST),
        "price": "1.7976931348623157e308",
        "note": "naïve 漢字 😀",
    },
    {"id": "c", "time": "2025-06-02T01:30:00Z"},
    {"id": "d", "time": "2025-12-31T23:59:59Z", "count": "0", "note": ""},
)
DELETED = {"id": "d", "time": "2026-01-01T00:00:00Z"}
"""A soft delete, later than the record of that id."""


def _offline(given: dict[str, str], *, is_deleted: bool, partition: str) -> dict[str, Any]:
    count, price = given.get("count"), given.get("price")
    return {
        "id": given["id"],
        "time": given["time"],
        "count": None if count is None else int(count),
        "price": None if price is None else float(price),
        "note": given.get("note"),
        "is_deleted": is_deleted,
        **dict(zip(("year", "month", "day", "hour"), partition.split(), strict=True)),
    }


OFFLINE = (
    _offline(PUT[0], is_deleted=False, partition="2025 06 01 00"),
    _offline(PUT[1], is_deleted=False, partition="2025 06 01 01"),
    _offline(PUT[2], is_deleted=False, partition="2025 06 02 01"),
    _offline(PUT[3], is_deleted=False, partition="2025 12 31 23"),
    _offline(DELETED, is_deleted=True, partition="2026 01 01 00"),
)
"""The offline store, in the order of id and time, but for `write_time` and `api_invocation_time`."""


@dataclass(frozen=True)
class Mixed:
    """The group, where it is, and when it was written to."""

    name: str
    bucket: str
    uri: str
    database: str
    table: str
    begun: datetime
    ended: datetime

    def check_times(self, lines: list[dict[str, Any]]) -> None:
        """Take the two system times out of lines of the offline store, and hold them against the time of writing."""
        for line in lines:
            invoked, written = (_utc(line.pop(name)) for name in ("api_invocation_time", "write_time"))
            assert self.begun <= invoked <= written <= self.ended


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@pytest.fixture(scope="session")
def mixed(sandbox, sagemaker, runtime, s3) -> Mixed:
    """The group of awkward records, put by boto3 and settled; for reading only."""
    name, bucket = "clients-mixed", "clients-mixed"
    s3.create_bucket(Bucket=bucket)
    sagemaker.create_feature_group(
        FeatureGroupName=name,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="time",
        FeatureDefinitions=[{"FeatureName": one, "FeatureType": kind} for one, kind in FEATURES.items()],
        OnlineStoreConfig={"EnableOnlineStore": True},
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": f"s3://{bucket}/fs"}},
        RoleArn=ROLE,
        Tags=[{"Key": "team", "Value": "sales"}],
    )
    begun = datetime.now(UTC)
    for given in PUT:
        runtime.put_record(FeatureGroupName=name, Record=pairs(given))
    runtime.delete_record(FeatureGroupName=name, RecordIdentifierValueAsString=DELETED["id"], EventTime=DELETED["time"])
    sandbox.settle()
    config = sagemaker.describe_feature_group(FeatureGroupName=name)["OfflineStoreConfig"]
    catalog = config["DataCatalogConfig"]
    return Mixed(
        name, bucket, config["S3StorageConfig"]["ResolvedOutputS3Uri"], catalog["Database"], catalog["TableName"],
        begun, datetime.now(UTC),
    )  # fmt: skip


def pairs(given: dict[str, str]) -> list[dict[str, str]]:
    """Return a record as the wire has it."""
    return [{"FeatureName": name, "ValueAsString": value} for name, value in given.items()]


def environment(sandbox: Sandbox, home: Path) -> dict[str, str]:
    """Return an environment in which AWS's tools see the sandbox and nothing of this machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # compiled once for all processes of a session, wherever the machine says otherwise
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    compiled = {"PYTHONPYCACHEPREFIX": str(home / "compiled")}
    return kept | sandbox.environment() | compiled | {"HOME": str(home), "AWS_PAGER": ""}


def answered(athena: Any, query: str, output: str, **more: Any) -> str:
    """Run a query to its end and return its id."""
    started = athena.start_query_execution(
        QueryString=query, ResultConfiguration={"OutputLocation": output}, **more
    )["QueryExecutionId"]  # fmt: skip
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            assert status["State"] == "SUCCEEDED", status
            return str(started)
        time.sleep(0.02)


@pytest.fixture(scope="session")
def athena(sandbox) -> Any:
    return boto(sandbox, "athena")


@pytest.fixture(scope="session")
def glue(sandbox) -> Any:
    return boto(sandbox, "glue")


@pytest.fixture(scope="session")
def core(sandbox, tmp_path_factory) -> Callable[..., Any]:
    """Runs `sagemaker_core_session.py` with words of its own, and returns what it wrote."""

    def run(*words: str) -> Any:
        folder = tmp_path_factory.mktemp("core")
        script = Path(__file__).with_name("sagemaker_core_session.py")
        command = [sys.executable, str(script), str(folder / "out.json"), *words]
        environ = environment(sandbox, folder) | {"XDG_CONFIG_HOME": str(folder)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode == 0, done.stderr
        return json.loads((folder / "out.json").read_text("utf-8"))

    return run


@pytest.fixture(scope="session")
def aws(sandbox, tmp_path_factory) -> Callable[..., Any]:
    """Runs `aws ...` and returns what it wrote, JSON where it is JSON."""
    environ = environment(sandbox, tmp_path_factory.mktemp("home"))

    def run(*words: str) -> Any:
        command = [str(Path(sys.executable).with_name("aws")), *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    return run
