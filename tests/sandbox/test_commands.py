"""`sagemaker-fs sandbox start`, `status`, `env` and `stop`, as a person uses them."""

from __future__ import annotations

import socket
import subprocess

import pytest

import sfs_plugins.sandbox as room


@pytest.fixture
def started(sfs):
    told = sfs.ok("sandbox start --detach --port 0").stderr
    place = sfs.ok("sandbox status --output json").json
    where = f"account {place['account']} in {place['region']} at {place['endpoint']}"
    assert told.splitlines() == [
        f"serving {where}; controls at {place['control']}",
        f'speak to it with: eval "$(sagemaker-fs sandbox env --path {sfs.store})"',
    ]
    yield sfs
    if sfs("sandbox status").code == 0:
        sfs.ok("sandbox stop")


def test_a_sandbox_starts_in_the_background_is_found_and_stops(started):
    status = started.ok("sandbox status --output json").json
    again = started("sandbox start --port 0")
    started.environ["AWS_ENDPOINT_URL_S3"] = "https://s3.eu-west-1.amazonaws.com"
    env = started.ok("sandbox env").stdout
    spoken = subprocess.run(
        ["bash", "-c", f"{env}\ncurl -s -o /dev/null -w '%{{http_code}}' $AWS_ENDPOINT_URL/"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    started.ok("sandbox stop")
    stopped = started("sandbox status")

    assert status["endpoint"].startswith("http://127.0.0.1:")
    assert env.splitlines() == [
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_SESSION_TOKEN AWS_IGNORE_CONFIGURED_ENDPOINT_URLS "
        "AWS_ENDPOINT_URL_S3",
        f"export AWS_ENDPOINT_URL={status['endpoint']}",
        "export AWS_ACCESS_KEY_ID=sandbox",
        "export AWS_SECRET_ACCESS_KEY=sandbox",
        f"export AWS_DEFAULT_REGION={status['region']}",
        "export AWS_EC2_METADATA_DISABLED=true",
    ]
    assert (again.code, again.stderr) == (
        4,
        f"error: a sandbox serves {started.store} already, {status['endpoint']}: "
        f"`sagemaker-fs sandbox stop --path {started.store}` stops it\n",
    )
    assert spoken.stdout == "200"
    assert stopped.code == 10


def test_without_a_sandbox_there_is_no_environment_and_nothing_to_stop(sfs):
    for verb in ("env", "stop", "status"):
        answer = sfs(f"sandbox {verb}")
        assert (answer.code, answer.stdout) == (10, "")
        assert "`sagemaker-fs sandbox start` starts one" in answer.stderr


def test_a_sandbox_that_cannot_serve_says_why_and_what_to_do(sfs, tmp_path):
    taken, damaged, is_file = socket.create_server(("127.0.0.1", 0)), tmp_path / "damaged", sfs.file("file", "")
    damaged.mkdir()
    (damaged / "sandbox.sqlite").write_text("no database " * 100)
    port = taken.getsockname()[1]

    answers = [
        sfs(f"sandbox start --port {port}"),
        sfs("sandbox start --port 0 --control-port 65536"),
        sfs(f"sandbox start --port 0 --path {is_file}"),
        sfs(f"sandbox start --port 0 --path {damaged}"),
        sfs(f"sandbox start --port {port} --detach"),
    ]
    taken.close()

    mend = "mend that, or name another folder with --path"
    in_use = f"port {port} of 127.0.0.1 cannot be used: Address already in use; give another with --port, or 0"
    assert [(answer.code, answer.stderr) for answer in answers] == [
        (12, f"error: {in_use}\n"),
        (2, "error: --control-port does not take 65536: give a port from 0 to 65535\n"),
        (12, f"error: {is_file} cannot be used: File exists; {mend}\n"),
        (12, f"error: {damaged}/sandbox.sqlite cannot be used: file is not a database; {mend}\n"),
        (12, f"error: the sandbox cannot be used: it did not answer: {in_use} (in {sfs.store}/sandbox.log)\n"),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"rules": [{"fault": "flood"}]}', "no fault is named 'flood': there are throttle, error, error_after, "),
        ('{"rules": [{"fault": "slow", "operatoin": "Search"}]}', "a rule takes no operatoin, but fault, service, "),
        ('{"rules": [{"fault": "slow", "rate": "high"}]}', "rate takes a number from 0 on, not 'high')"),
        ('{"rulez": []}', "it takes no rulez, but seed and rules)"),
        ("[]", "it is not an object with a list of rules)"),
        ('{"rules": ["slow"]}', "it is not an object with a list of rules)"),
    ],
)
def test_a_faults_file_that_is_not_understood_is_refused_at_the_start(sfs, content, problem):
    rules = sfs.file("faults.json", content)

    answer = sfs(f"sandbox start --port 0 --faults {rules}")

    assert answer.code == 2
    assert answer.stderr.startswith(f"error: --faults does not take '{rules}': give a JSON file, as ")
    assert problem in answer.stderr


def test_the_room_gives_its_four_commands():
    assert [command.name for command in room.sfs_commands()] == [
        "sandbox start", "sandbox stop", "sandbox status", "sandbox env",
    ]  # fmt: skip
