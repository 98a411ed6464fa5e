"""Every verb on the SageMaker store: the command line, real boto3, and sandboxes of two accounts in two Regions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from sfs_plugins.sandbox.testing import Sandbox, running

_NUMBERS = count(1)
ROLE = "arn:aws:iam::123456789012:role/feature-store"
SYSTEM = {"is_deleted", "write_time", "api_invocation_time"}
ORDERS = '''id,at,city,items,amount
o1,2025-06-01T01:00:00Z,Oslo,5,1.5
o2,2025-06-01T01:00:00.5Z,"Rio, or ""so""",,
o3,2025-06-01T02:00:00Z,,-9223372036854775808,1e-7
'''


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("here"), "--offline-delay", "0.2") as sandbox:
        _buckets(sandbox)
        yield sandbox


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("there")
    with running(folder, "--offline-delay", "0.2", account="999900009999", region="eu-west-1") as sandbox:
        _buckets(sandbox)
        yield sandbox


def _buckets(sandbox: Sandbox) -> None:
    s3 = sandbox.client("s3", region_name="us-east-1") if sandbox.where.region == "us-east-1" else sandbox.client("s3")
    where = {} if sandbox.where.region == "us-east-1" else {"LocationConstraint": sandbox.where.region}
    for bucket in ("feature-store", "results"):
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))


@pytest.fixture
def aws(sfs, here: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line with connections `aws` and `local`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    configure(sfs, aws=here)
    return sfs


def configure(sfs, **sandboxes: Sandbox) -> None:
    toml = f'default = "aws"\n[connections.disk]\nstore = "local"\npath = {str(sfs.store)!r}\n'
    for name, sandbox in sandboxes.items():
        toml += f'[connections.{name}]\nstore = "sagemaker"\nregion = "{sandbox.where.region}"\n'
        toml += f'endpoint_url = "{sandbox.endpoint}"\nathena_output = "s3://results/athena/"\n'
        toml += "offline_lag_minutes = 0.02\n"
    sfs.configure(toml)


@pytest.fixture
def group(aws) -> str:
    """A group of three records, online and offline."""
    return made(aws, f"orders-{next(_NUMBERS)}")


def made(sfs, name: str, *more: str, connection: str = "aws") -> str:
    file = sfs.file("orders.csv", ORDERS)
    options = ["--record-id", "id", "--event-time", "at", "--offline", "s3://feature-store/tests", "--role-arn", ROLE]
    sfs.ok(f"create {connection}:{name} --infer {file} --online", *options, *more)
    sfs.ok(f"bulk-put {connection}:{name} {file} --force")
    return name


def test_a_group_is_made_described_listed_changed_and_deleted(aws, here):
    name = made(aws, f"life-{next(_NUMBERS)}", "--tag", "team=sales", "--ttl", "3650d")

    described = aws.ok(f"describe {name} --output json").json
    listed = aws.ok(f"list --name-contains {name} --output json").json
    aws.ok(f"update {name} --add-feature colour:String")
    changed = aws.ok(f"describe {name} --output json").json
    aws.ok(f"delete {name} --force")
    gone = aws(f"describe {name}")

    assert described["arn"] == f"arn:aws:sagemaker:us-east-1:123456789012:feature-group/{name}"
    assert described["tags"] == {"team": "sales"}
    assert [line["name"] for line in listed] == [name]
    assert [feature["name"] for feature in changed["features"]] == ["id", "at", "city", "items", "amount", "colour"]
    assert gone.code == 10
    assert gone.stderr == (
        f"error: no feature group '{name}' in us-east-1 of account 123456789012: `sagemaker-fs list` shows them\n"
    )


def test_one_record_is_put_got_and_deleted(aws, group):
    aws.ok(f"put {group} id=9 at=2025-06-01T05:00:00Z city=Bonn items=7")

    got = aws.ok(f"get {group} 9 --output json").json
    aws.ok(f"delete-record {group} 9")
    gone = aws(f"get {group} 9")

    assert got == {"id": "9", "at": "2025-06-01T05:00:00Z", "city": "Bonn", "items": 7}
    assert gone.code == 10


def test_records_are_written_and_exported_in_bulk(aws, group, here):
    here.settle()

    online = aws.ok(f"export {group} - --what online --format jsonl").stdout
    latest = aws.ok(f"export {group} - --what latest --format jsonl").stdout
    history = aws.ok(f"export {group} - --what history --format jsonl").stdout

    rows = [
        {"id": "o1", "at": "2025-06-01T01:00:00Z", "city": "Oslo", "items": 5, "amount": 1.5},
        {"id": "o2", "at": "2025-06-01T01:00:00.5Z", "city": 'Rio, or "so"'},
        {"id": "o3", "at": "2025-06-01T02:00:00Z", "items": -9223372036854775808, "amount": 1e-7},
    ]
    assert lines_of(online) == rows
    assert lines_of(latest) == rows
    assert [{name: row[name] for name in row.keys() - SYSTEM} for row in lines_of(history)] == rows


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return JSON lines sorted by id, absent features left out."""
    rows = [json.loads(line) for line in text.splitlines()]
    rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return sorted(rows, key=lambda row: str(row["id"]))


def test_an_export_may_be_bounded_and_filtered(aws, group, here):
    here.settle()

    bounded = aws.ok(f"export {group} - --format jsonl --event-time ..2025-06-01T01:30:00Z --columns id").stdout
    filtered = aws.ok(f"export {group} - --format jsonl --where", "items > 1").stdout
    refused = aws(f"export {group} - --format jsonl --where", "nobody = 1")

    assert [row["id"] for row in lines_of(bounded)] == ["o1", "o2"]
    assert [row["id"] for row in lines_of(filtered)] == ["o1"]
    assert refused.code == 2
    assert refused.stderr.startswith("error: --where does not take 'nobody = 1'")


def test_a_group_is_named_by_its_arn(aws, group):
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:feature-group/{group}"

    got = aws.ok(f"get {arn} o1 --output json")
    aws.ok(f"put aws:{arn} id=o1 at=2025-06-01T06:00:00Z city=Bergen")

    assert "Oslo" in got.stdout
    assert "Bergen" in aws.ok(f"get {group} o1").stdout


def test_a_group_of_another_account_is_never_deleted_by_its_name_here(aws, group):
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:feature-group/{group}"

    answer = aws(f"delete {arn} --force")

    assert answer.code in (4, 10)
    assert aws.ok(f"describe {group}").code == 0


def test_both_stores_of_a_group_are_cleared(aws, group, here):
    here.settle()

    answer = aws(f"clear {group} --force --settle 0")

    here.settle()
    assert answer.code == 0, answer.stderr
    assert aws.ok(f"export {group} - --what online --format jsonl").stdout == ""
    assert aws.ok(f"export {group} - --what history --format jsonl").stdout == ""


def test_a_clear_wants_the_groups_name_typed(aws, group, here):
    answer = aws(f"clear {group} --online-only", typed="another\n")

    assert answer.code == 4
    assert len(lines_of(aws.ok(f"export {group} - --what online --format jsonl").stdout)) == 3


def test_a_group_on_disk_is_migrated_to_aws_and_back(aws, here):
    name = f"moved-{next(_NUMBERS)}"
    file = aws.file("orders.csv", ORDERS)
    options = f"--record-id id --event-time at --offline s3://feature-store/tests --no-online --role-arn {ROLE}"
    aws.ok(f"create disk:{name} --infer {file} {options}")
    aws.ok(f"bulk-put disk:{name} {file} --force")

    up = aws(f"migrate disk:{name} aws:{name} --create-target --verify full --force")
    assert up.code == 0, up.stderr
    here.settle()
    down = aws(f"migrate aws:{name} disk:{name}-back --create-target --verify full --force")
    assert down.code == 0, down.stderr

    there_and_back = aws.ok(f"export disk:{name}-back - --what online --format jsonl").stdout
    assert lines_of(there_and_back) == lines_of(aws.ok(f"export disk:{name} - --format jsonl").stdout)


def test_a_group_is_migrated_between_two_accounts_in_two_regions(aws, group, here, there):
    configure(aws, aws=here, other=there)
    here.settle()

    answer = aws(f"migrate aws:{group} other:{group} --create-target --what history --verify full --force")

    assert answer.code == 0, answer.stderr
    assert "account 999900009999, Region eu-west-1" in answer.stderr
    ours = aws.ok(f"export aws:{group} - --what online --format jsonl").stdout
    theirs = aws.ok(f"export other:{group} - --what online --format jsonl").stdout
    assert lines_of(theirs) == lines_of(ours)


def test_a_wrong_region_is_said_and_nothing_is_done(aws, here, monkeypatch):
    answer = aws("list --connection sagemaker --region ap-south-1 --endpoint-url", here.endpoint)

    assert answer.code == 12
    assert answer.stdout == ""


def test_records_are_read_and_deleted_by_the_ids_of_a_file(aws, group):
    ids = aws.file("ids.csv", "id\no1\no3\nnobody\n")

    found = lines_of(aws.ok(f"bulk-get {group} {ids}").stdout)
    answer = aws(f"bulk-delete {group} {ids} --hard --to online --force")

    assert sorted(line["id"] for line in found) == ["o1", "o3"]
    assert answer.code == 0, answer.stderr
    left = lines_of(aws.ok(f"export {group} - --what online --format jsonl").stdout)
    assert [line["id"] for line in left] == ["o2"]


def test_the_two_stores_of_a_group_are_compared(aws, group, here):
    here.settle()
    same = aws(f"verify {group}")

    aws.ok(f"delete-record {group} o1 --to online --hard")
    differs = aws(f"verify {group}")

    assert same.code == 0, same.stderr
    assert differs.code == 6, differs.stderr
