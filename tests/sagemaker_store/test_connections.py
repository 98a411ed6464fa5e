"""Who a connection is and where it goes: credentials, profiles, Regions, roles; what is said where one is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfs_core import SetClock
from sfs_core.testing import NOON, ONE
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.store import SageMakerStore
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, ServedStore, Server


@pytest.fixture
def bare(sfs: Sfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sfs:
    """A machine on which nothing of AWS is set up, and no configuration file names a connection."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sfs.configure("")
    return sfs


def aws_config(folder: Path, content: str) -> None:
    (folder / ".aws").mkdir()
    (folder / ".aws/config").write_text(content, "utf-8")


def test_a_bare_machine_is_told_how_to_get_credentials_or_do_without(bare: Sfs):
    answer = bare("list")

    assert answer.code == 12
    assert answer.stdout == ""
    assert answer.stderr == (
        "error: connection 'sagemaker' has no credentials: run `aws configure`, give --profile, or set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or name another connection with --connection; "
        "or use the embedded store, which needs none: `sagemaker-fs demo`\n"
    )


def test_a_missing_region_is_said_and_how_to_give_one(bare: Sfs, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    answer = bare("list")

    assert answer.code == 2
    assert answer.stderr.startswith("error: connection 'sagemaker' has no Region: give --region, set AWS_REGION,")


def test_a_profile_that_is_not_configured_is_named(bare: Sfs, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    by_flag, by_environment = bare("list --profile none"), bare("list")

    assert (by_flag.code, by_environment.code) == (2, 2)
    assert "names the profile 'none', which AWS's configuration does not have" in by_flag.stderr
    assert "names the profile 'nobody'" in by_environment.stderr


EVERY_VERB = {
    "list": "", "describe": "orders", "create": "orders --online --record-id id --event-time at --infer FILE",
    "update": "orders --ttl 1d", "delete": "orders --force", "get": "orders 1", "put": "orders id=1",
    "delete-record": "orders 1", "bulk-get": "orders FILE", "bulk-put": "orders FILE --force",
    "bulk-delete": "orders FILE --force", "export": "orders orders.jsonl", "clear": "orders --force",
    "migrate": "orders others --force", "verify": "orders", "doctor": "",
}  # fmt: skip


def test_no_verb_leaves_the_profile_out_of_account(bare: Sfs):
    """Nor its Region with it: all of them open the one store that the flag is given to."""
    from sfs_plugins.sagemaker_store.permissions import VERBS

    file = bare.file("orders.csv", f"id,at\n1,{ONE}\n")

    for verb, arguments in EVERY_VERB.items():
        answer = bare(f"{verb} {arguments.replace('FILE', str(file))} --profile ghost")

        assert answer.code == 2, (verb, answer)
        assert "names the profile 'ghost', which AWS's configuration does not have" in answer.stdout + answer.stderr
    assert set(VERBS) <= set(EVERY_VERB)


@pytest.mark.parametrize(
    ("profile", "code", "said"),
    [
        (
            "sso_start_url = https://x\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = dev",
            12,
            "error: the credentials of connection 'sagemaker' are refused (Error loading SSO Token: Token for "
            "https://x does not exist): renew them, for example with `aws sso login`, then try again\n",
        ),
        ("credential_process = /nowhere/at-all", 12, "No such file or directory: '/nowhere/at-all'; mend AWS's config"),
        ("credential_process = echo hello", 12, "has no credentials: Expecting value: line 1 column 1 (char 0); mend"),
        (
            "role_arn = arn:aws:iam::1:role/x\nsource_profile = gone",
            12,
            'The source_profile "gone" referenced in the profile "ml" does not',
        ),
        (
            "aws_access_key_id = a\naws_secret_access_key = b\nendpoint_url = localhost",
            2,
            "error: connection 'sagemaker' cannot be used (Invalid endpoint: localhost): give another --region or "
            "--endpoint-url, or mend AWS_REGION, AWS_ENDPOINT_URL or the configuration that says so\n",
        ),
    ],
    ids=["no SSO token", "no such process", "a process that answers otherwise", "no source profile", "no address"],
)
def test_a_profile_that_cannot_be_used_says_what_is_wrong_with_it(bare: Sfs, tmp_path: Path, profile, code, said):
    aws_config(tmp_path, f"[profile ml]\nregion = us-east-1\n{profile}\n")

    answer = bare("list --profile ml")

    assert answer.code == code
    assert said in answer.stderr


def test_an_endpoint_that_nobody_serves_is_named_with_its_connection_by_doctor(bare: Sfs, tmp_path: Path):
    aws_config(tmp_path, "[profile ml]\nregion = us-east-1\naws_access_key_id = a\naws_secret_access_key = b\n")

    answer = bare("doctor list --profile ml --endpoint-url http://127.0.0.1:9 --output json")

    assert answer.code == 12
    assert {line["check"]: line["found"] for line in answer.json}["reachability"] == (
        "connection 'sagemaker' cannot be used: Could not connect to the endpoint URL: \"http://127.0.0.1:9/\"; "
        "look at its endpoint, its Region and the network"
    )


@pytest.mark.parametrize(
    ("environment", "settings", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, {}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, {}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, {}, "eu-west-1"),
        ({}, {"profile": "ml"}, "ap-south-1"),
        ({"AWS_PROFILE": "ml"}, {}, "ap-south-1"),
        ({"AWS_REGION": "eu-west-1"}, {"region": "us-west-2"}, "us-west-2"),
    ],
    ids=["AWS_REGION", "AWS_DEFAULT_REGION", "both", "a profile", "AWS_PROFILE", "the connection's own"],
)
def test_the_region_comes_from_where_aws_tools_look_for_it(
    bare: Sfs, tmp_path: Path, monkeypatch, environment: dict[str, str], settings: dict[str, Any], region: str
):
    aws_config(tmp_path, "[profile ml]\nregion = ap-south-1\naws_access_key_id = a\naws_secret_access_key = b\n")
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **environment}.items():
        monkeypatch.setenv(name, value)

    store = SageMakerStore("aws", SetClock(NOON), **settings)

    assert store.clients.region_name == region


def test_every_service_is_asked_with_the_profile_and_region_of_the_connection(bare: Sfs, tmp_path: Path):
    aws_config(tmp_path, "[profile ml]\nregion = ap-south-1\naws_access_key_id = mine\naws_secret_access_key = b\n")

    clients = Clients("aws", "ml", None, None, None)

    for service in ("sagemaker", "sagemaker-featurestore-runtime", "s3", "athena", "sts"):
        client = clients.get(service)
        assert client.meta.region_name == "ap-south-1", service
        assert client._request_signer._credentials.access_key == "mine", service


def test_a_role_is_assumed_and_named_as_who_speaks(store: ServedStore, server: Server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    role = "arn:aws:iam::123456789012:role/fs-admin"

    other = SageMakerStore("aws", SetClock(NOON), region="us-east-1", endpoint_url=server.endpoint, role_arn=role)

    assert other.identity().principal == "arn:aws:sts::123456789012:assumed-role/fs-admin/sagemaker-fs"
    credentials = other.clients.session().get_credentials()
    assert credentials.method == "sagemaker-fs-role"
    assert not credentials.refresh_needed()
    other.close()


def test_a_role_that_may_not_be_assumed_is_said_to_be_that(
    store: ServedStore, served: Served, server: Server, sfs: Sfs, monkeypatch
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    sfs.configure(
        f'[connections.aws]\nstore = "sagemaker"\nregion = "us-east-1"\nendpoint_url = "{server.endpoint}"\n'
        'role_arn = "arn:aws:iam::123456789012:role/fs-admin"\n'
    )
    served.faults.set({"rules": [{"fault": "denied", "operation": "AssumeRole"}]})

    answer = sfs("list --connection aws")

    assert answer.code == 11
    assert ":AssumeRole on the role of connection 'aws': ask for the permission" in answer.stderr
