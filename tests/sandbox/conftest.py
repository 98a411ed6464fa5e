"""The sandbox of these tests, and boto3 as its client: what AWS's own tools see."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sfs_plugins.sandbox.testing import Sandbox, running, sandbox

__all__ = ["running", "sandbox"]

_NUMBERS = itertools.count(1)
ROLE = "arn:aws:iam::123456789012:role/feature-store"


def boto(sandbox: Sandbox, service: str, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.where.region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def by_hand(sandbox: Sandbox, method: str, path: str, content: Any = None, target: str = "") -> tuple[int, str, Any]:
    """Send what no client would, and return the status, the code of an error, and the answer's JSON."""
    scope = f"sandbox/20250601/{sandbox.where.region}/sagemaker/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.where.port)
    body = None if content is None else json.dumps(content)
    connection.request(method, path, body, headers | ({"X-Amz-Target": target} if target else {}))
    answer = connection.getresponse()
    told = json.loads(answer.read() or b"null")
    connection.close()
    return answer.status, answer.headers.get("x-amzn-ErrorType") or (told or {}).get("__type", ""), told


@pytest.fixture(scope="session")
def sagemaker(sandbox: Sandbox) -> Any:
    return boto(sandbox, "sagemaker")


@pytest.fixture(scope="session")
def runtime(sandbox: Sandbox) -> Any:
    return boto(sandbox, "sagemaker-featurestore-runtime")


@pytest.fixture(scope="session")
def s3(sandbox: Sandbox) -> Any:
    return boto(sandbox, "s3")


@pytest.fixture
def bucket(s3) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name


def definition(name: str, **more: Any) -> dict[str, Any]:
    """A feature group's request: id and time texts, a whole number, a fraction; online unless told otherwise."""
    features = [("id", "String"), ("time", "String"), ("count", "Integral"), ("price", "Fractional")]
    return {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "time",
        "FeatureDefinitions": [{"FeatureName": name, "FeatureType": kind} for name, kind in features],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        **more,
    }


def offline(bucket: str, **more: Any) -> dict[str, Any]:
    return {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{bucket}/fs"}, **more}, "RoleArn": ROLE}


@pytest.fixture
def group(sagemaker) -> Callable[..., str]:
    """Makes a feature group and returns its name."""

    def make(**more: Any) -> str:
        name = f"orders-{next(_NUMBERS)}"
        sagemaker.create_feature_group(**definition(name, **more))
        return name

    return make


def record(record_id: str, time: str = "2025-06-01T00:00:00Z", **values: Any) -> list[dict[str, Any]]:
    """A record as the wire has it; a list is a collection."""
    pairs = {"id": record_id, "time": time, **values}
    return [
        {"FeatureName": name, "ValueAsStringList" if isinstance(value, list) else "ValueAsString": value}
        for name, value in pairs.items()
    ]


def seen(runtime: Any, group: str, record_id: str) -> dict[str, Any] | None:
    """The record as GetRecord gives it, by feature; None where there is none."""
    answer = runtime.get_record(FeatureGroupName=group, RecordIdentifierValueAsString=record_id)
    if "Record" not in answer:
        return None
    return {
        value["FeatureName"]: value.get("ValueAsString", value.get("ValueAsStringList")) for value in answer["Record"]
    }
