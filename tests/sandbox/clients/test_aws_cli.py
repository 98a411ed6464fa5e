"""The AWS CLI against the sandbox, with the environment that `sandbox env` gives: a client that is not boto3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.conftest import offline, record


@pytest.fixture
def aws(sandbox, tmp_path):
    """Runs `aws ...` and returns what it wrote, JSON where it is JSON."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ |= sandbox.environment() | {"HOME": str(tmp_path), "AWS_PAGER": ""}

    def run(*words):
        command = [str(Path(sys.executable).with_name("aws")), *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    return run


def test_the_cli_sees_what_boto3_wrote_and_the_other_way_round(aws, sandbox, sagemaker, runtime, s3, group, bucket):
    name = group(**offline(bucket))
    runtime.put_record(FeatureGroupName=name, Record=record("a", count="1"))
    sandbox.settle()

    described = aws("sagemaker", "describe-feature-group", "--feature-group-name", name)
    got = aws(
        "sagemaker-featurestore-runtime", "get-record", "--feature-group-name", name,
        "--record-identifier-value-as-string", "a",
    )  # fmt: skip
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/")
    aws("s3", "cp", f"s3://{bucket}/", f"s3://{bucket}/copy/", "--recursive", "--exclude", "copy/*")
    aws("s3", "rm", f"s3://{bucket}/fs/", "--recursive")
    caller = aws("sts", "get-caller-identity")

    by_boto3 = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert described["FeatureGroupArn"] == by_boto3["FeatureGroupArn"]
    assert described["OfflineStoreConfig"] == by_boto3["OfflineStoreConfig"]
    assert got["Record"] == record("a", count="1")
    assert listed.count(".parquet") == 1
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key.startswith("copy/fs/") for key in left] == [True]
    assert caller["Account"] == "123456789012"
