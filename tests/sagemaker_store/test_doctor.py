"""`doctor`: what stands between this machine and a feature store."""

from __future__ import annotations

from sfs_core import load_plugins
from sfs_plugins.sagemaker_store.permissions import VERBS
from sfs_plugins.sagemaker_store.simulation import principal_to_ask
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, Server


def checks(answer) -> dict[str, tuple[str, str]]:
    return {line["check"]: (line["state"], line["found"]) for line in answer.json}


def test_a_connection_that_works_is_said_to_step_by_step(aws: Sfs, server: Server):
    found = checks(aws.ok("doctor --output json"))

    assert found["connection"] == ("ok", "aws: store sagemaker")
    assert found["credentials"] == ("ok", "found by env")
    assert found["region"] == ("ok", "us-east-1")
    assert found["endpoint sagemaker"] == ("ok", server.endpoint)
    assert found["identity"] == ("ok", "arn:aws:sts::123456789012:assumed-role/sandbox/sandbox")
    assert found["reachability"] == ("ok", "0 feature groups listed")
    assert found["athena results"] == ("ok", "s3://results/")
    assert found["plugin sagemaker_store"][0] == "ok"


def test_where_iam_cannot_be_asked_permissions_are_unknown_and_no_failure(aws: Sfs):
    """A sandbox has no policies to simulate."""
    found = checks(aws.ok("doctor list put --output json"))

    assert found["permissions of list"][0] == "unknown"
    assert "docs/reference/iam.md lists what put needs" in found["permissions of put"][1]
    assert "permissions of clear" not in found


def test_what_may_not_be_listed_is_a_failure_with_its_own_exit_code(aws: Sfs, served: Served):
    served.faults.set({"rules": [{"fault": "denied", "operation": "ListFeatureGroups"}]})

    answer = aws("doctor --output json")

    state, words = checks(answer)["reachability"]
    assert answer.code == 11
    assert state == "failed"
    assert "ask for the permission sagemaker:ListFeatureGroups" in words


def test_the_embedded_store_has_a_doctor_too(sfs: Sfs):
    found = checks(sfs.ok("doctor --output json"))

    assert found["reachability"] == ("ok", "0 feature groups listed")
    assert "credentials" not in found


def test_a_session_of_a_role_is_asked_for_as_the_role():
    assert principal_to_ask("arn:aws:sts::111122223333:assumed-role/fs-admin/me") == (
        "arn:aws:iam::111122223333:role/fs-admin"
    )
    assert principal_to_ask("arn:aws:iam::111122223333:user/me") == "arn:aws:iam::111122223333:user/me"


def test_every_verb_that_uses_a_store_has_its_permissions():
    verbs = {name.partition(" ")[0] for name in load_plugins({}).commands}

    assert verbs - VERBS.keys() == {"demo", "doctor", "runs", "sandbox"}
    assert VERBS.keys() - verbs == set()
