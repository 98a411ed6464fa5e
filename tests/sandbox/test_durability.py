"""A reply means that it is on disk: the sandbox is killed in the midst of writes, and right after replies."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from tests.sandbox.conftest import boto, definition, offline, record, running
from tests.sandbox.deeds import Check, Deeds
from tests.sandbox.queries import rows
from tests.sandbox.restarts import restarts

KILLS = 10
DEEDS = 100
ICEBERG_KILLS = 2
SIGNED = "AWS4-HMAC-SHA256 Credential=sandbox/20250601/us-east-1/{}/aws4_request, SignedHeaders=, Signature="


class Writing(threading.Thread):
    """Writes records and objects until the connection breaks, and keeps what was acknowledged."""

    def __init__(self, port, name):
        super().__init__()
        self.port, self.prefix = port, name
        self.records: list[str] = []
        self.objects: dict[str, list[tuple[str, bytes]]] = {}

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        number = 0
        while True:
            number += 1
            some = [f"{self.prefix}-{number}-{line}" for line in range(3)]
            entries = [{"FeatureGroupName": "kept", "Record": record(one, count="1")} for one in some]
            key = f"{self.prefix}/{number % 3}"
            try:
                body = json.dumps({"Entries": entries}).encode()
                self.send(connection, "POST", "/BatchWriteRecord", body, "sagemaker")
                self.records += some
                version = self.send(connection, "PUT", f"/kept/{key}", str(number).encode(), "s3")
                self.objects.setdefault(key, []).append((version, str(number).encode()))
            except (OSError, http.client.HTTPException):
                connection.close()
                return

    def send(self, connection, method, path, body, service):
        connection.request(method, path, body, {"Authorization": SIGNED.format(service)})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return answer.getheader("x-amz-version-id")


@pytest.mark.slow
def test_a_kill_in_the_midst_of_writes_loses_nothing_that_was_answered(tmp_path):
    folder, drawn = tmp_path / "killed", random.Random(7)
    records: list[str] = []
    objects: dict[str, list[tuple[str, bytes]]] = {}

    for number in range(KILLS):
        with running(folder) as sandbox:
            if number == 0:
                s3 = boto(sandbox, "s3")
                s3.create_bucket(Bucket="kept")
                s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
                boto(sandbox, "sagemaker").create_feature_group(**definition("kept", **offline("kept")))
            writers = [Writing(sandbox.where.port, f"{number}-{one}") for one in range(4)]
            for writer in writers:
                writer.start()
            while not all(writer.records for writer in writers):
                time.sleep(0.01)
            time.sleep(drawn.uniform(0, 0.5))
            sandbox.kill()
            for writer in writers:
                writer.join()
                records += writer.records
                objects |= writer.objects

    with running(folder) as sandbox:
        s3, runtime = boto(sandbox, "s3"), boto(sandbox, "sagemaker-featurestore-runtime")
        pages = runtime.get_paginator("list_records").paginate(
            FeatureGroupName="kept", PaginationConfig={"PageSize": 100}
        )
        listed = {one for page in pages for one in page["RecordIdentifiers"]}
        kept = {
            (key, version): s3.get_object(Bucket="kept", Key=key, VersionId=version)["Body"].read()
            for key, versions in objects.items()
            for version, _ in versions[-3:]
        }
        sandbox.settle()
        in_files = offline_ids(folder)

    assert set(records) <= listed
    assert set(records) <= set(in_files)
    assert len(in_files) == len(set(in_files))
    assert set(in_files) == listed
    expected = {(key, version): body for key, versions in objects.items() for version, body in versions[-3:]}
    assert kept == expected


def test_a_sandbox_that_is_stopped_has_settled_and_closed_everything_and_leaves_no_process(tmp_path):
    with running(tmp_path) as sandbox:
        boto(sandbox, "s3").create_bucket(Bucket="kept")
        boto(sandbox, "sagemaker").create_feature_group(**definition("kept", **offline("kept")))
        boto(sandbox, "sagemaker-featurestore-runtime").put_record(FeatureGroupName="kept", Record=record("1"))

    assert sandbox.process.returncode == 0
    assert offline_ids(tmp_path) == ["1"]
    assert processes_of(tmp_path) == []
    assert [path.name for path in tmp_path.glob("sandbox*") if path.suffix in (".json", ".sqlite-wal")] == []


def processes_of(folder):
    """The command lines of processes that name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(process.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(folder) in line]


def offline_ids(folder):
    import pyarrow.parquet as pq

    files = (folder / "s3" / "kept" / "fs").rglob("*.parquet")
    return sorted(one for file in files for one in pq.read_table(file, columns=["id"]).column("id").to_pylist())


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def client(service, port):
    """A client that tries nothing twice: what it says is acknowledged was acknowledged at once."""
    return boto3.client(
        service, endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


@pytest.mark.slow
def test_a_hundred_kills_each_right_after_a_reply_lose_nothing(tmp_path):
    folder, port = tmp_path / "killed", free_port()
    config = tmp_path / "config.toml"
    served = {"store": "local", "path": str(folder), "account": "123456789012", "region": "us-east-1"}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in served.items())
    config.write_text(f'default = "served"\n[connections.served]\n{lines}', "utf-8")
    deeds = Deeds(lambda service: client(service, port))
    kept: list[Check] = []

    with restarts(folder, config, port) as again:
        with again.serving():
            deeds.prepare()
        kinds = deeds.all()
        for number in range(DEEDS):
            with again.serving():
                if kept:
                    kept[-1]()
                kept.append(kinds[number % len(kinds)](number))
        with again.serving() as where:
            for check in kept:
                check()
            urlopen(Request(f"{where.control}/settle", method="POST"), timeout=60).close()
            in_files = offline_ids(folder)

    assert in_files == sorted(deeds.offline_ids)


@pytest.mark.slow
def test_what_an_iceberg_group_was_given_is_in_its_table_once_whenever_it_was_killed(tmp_path):
    folder, drawn, records = tmp_path / "killed", random.Random(11), []

    for number in range(ICEBERG_KILLS):
        with running(folder) as sandbox:
            if number == 0:
                boto(sandbox, "s3").create_bucket(Bucket="kept")
                store = offline("kept", TableFormat="Iceberg")
                boto(sandbox, "sagemaker").create_feature_group(**definition("kept", **store))
            writers = [Writing(sandbox.where.port, f"{number}-{one}") for one in range(2)]
            for writer in writers:
                writer.start()
            while not all(writer.records for writer in writers):
                time.sleep(0.01)
            settling = threading.Thread(target=settled, args=(sandbox,))
            settling.start()
            time.sleep(drawn.uniform(0, 0.4))
            sandbox.kill()
            for thread in (settling, *writers):
                thread.join()
            records += [one for writer in writers for one in writer.records]

    with running(folder) as sandbox:
        sandbox.settle()
        sagemaker, athena = boto(sandbox, "sagemaker"), boto(sandbox, "athena")
        catalog = sagemaker.describe_feature_group(FeatureGroupName="kept")["OfflineStoreConfig"]["DataCatalogConfig"]
        table = f'"{catalog["Database"]}"."{catalog["TableName"]}"'
        found = [line[0] for line in rows(athena, f"SELECT id FROM {table}", "s3://kept/out")[1:]]

    assert set(records) <= set(found)
    assert len(found) == len(set(found))


def settled(sandbox):
    """Settles, perhaps cut off."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        sandbox.settle()
