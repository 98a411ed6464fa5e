"""`doctor`: what stands between this machine and a feature store."""

from __future__ import annotations

from sfs_core import load_plugins
from sfs_core.testing import ONE, filled, new_group, online, record
from sfs_plugins.sagemaker_store.clients import Clients
from sfs_plugins.sagemaker_store.permissions import VERBS, Permission
from sfs_plugins.sagemaker_store.simulation import Simulation, principal_to_ask
from tests.conftest import Sfs
from tests.sagemaker_store.served import Served, ServedStore, Server

ROLE = "arn:aws:iam::123456789012:role/sandbox"
FIELDS = {"region": "us-east-1", "account": "123456789012", "workgroup": "primary", "role_arn": "*", "bucket": "*"}


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


def test_where_iam_cannot_be_asked_permissions_are_unknown_and_no_failure(aws: Sfs, served: Served):
    served.faults.set({"rules": [{"fault": "denied", "service": "iam"}]})

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


def test_a_verb_that_is_none_is_refused_and_not_passed_over(sfs: Sfs):
    answer = sfs("doctor get gte")

    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: VERBS does not take 'gte': give some of list, describe, create, update,")


def test_where_all_is_allowed_every_verb_may_do_all_it_needs(aws: Sfs):
    found = checks(aws.ok("doctor --output json"))

    assert {verb: found[f"permissions of {verb}"] for verb in VERBS} == {
        verb: ("ok", f"all {len(needed)}") for verb, needed in VERBS.items()
    }


def test_iam_is_asked_once_a_resource_however_many_verbs_there_are(aws: Sfs, served: Served):
    slow = {"fault": "slow", "operation": "SimulatePrincipalPolicy", "seconds": 0.0}
    served.faults.set({"rules": [slow]})

    aws.ok("doctor --output json")

    resources = {permission.resource.format(**FIELDS) for needed in VERBS.values() for permission in needed}
    assert len(served.faults.log) == len(resources)


def test_what_doctor_says_is_missing_is_what_the_verb_then_meets(aws: Sfs, store: ServedStore, served: Served):
    group = filled(store, new_group("orders"), record("1", ONE), record("2", ONE))
    served.faults.set({"rules": [{"fault": "denied", "operation": "DeleteRecord"}]})

    answer = aws("doctor clear get --output json")
    cleared = aws("clear orders --online-only --force")

    assert answer.code == 11
    assert checks(answer)["permissions of clear"] == ("failed", "missing: sagemaker:DeleteRecord")
    assert checks(answer)["permissions of get"] == ("ok", f"all {len(VERBS['get'])}")
    assert cleared.code == 11
    assert "ask for the permission sagemaker:DeleteRecord" in cleared.stderr
    assert online(store, group) == [record("1", ONE), record("2", ONE)]


def test_a_permission_that_is_needed_on_occasion_is_told_and_is_no_failure(aws: Sfs, served: Served):
    served.faults.set({"rules": [{"fault": "denied", "operation": "StartQueryExecution"}]})

    found = checks(aws.ok("doctor export --output json"))

    assert found["permissions of export"] == (
        "unknown", "missing: athena:StartQueryExecution (the offline store is read)",
    )  # fmt: skip


def test_a_session_of_a_role_is_asked_for_as_the_role_and_others_as_they_are(store: ServedStore, clients: Clients):
    iam = clients.get("iam")

    role = principal_to_ask(store.calls, iam, "arn:aws:sts::123456789012:assumed-role/fs-admin/me")
    user = principal_to_ask(store.calls, iam, "arn:aws:iam::123456789012:user/me")

    assert (role, user) == ("arn:aws:iam::123456789012:role/fs-admin", "arn:aws:iam::123456789012:user/me")


def test_a_role_with_a_path_is_asked_for_with_it(store: ServedStore, clients: Clients):
    """A session's own ARN leaves the path out, and IAM does not know the role without it."""
    iam = clients.get("iam")
    iam.create_role(RoleName="admin", Path="/team/", AssumeRolePolicyDocument="{}")

    principal = principal_to_ask(store.calls, iam, "arn:aws:sts::123456789012:assumed-role/admin/me")

    assert principal == "arn:aws:iam::123456789012:role/team/admin"
    assert Simulation(store.calls, iam, principal, VERBS["get"], FIELDS).missing(VERBS["get"]) == []


def test_a_role_that_may_not_be_looked_at_is_taken_for_one_without_a_path(
    store: ServedStore, served: Served, clients: Clients
):
    served.faults.set({"rules": [{"fault": "denied", "operation": "GetRole"}]})

    principal = principal_to_ask(store.calls, clients.get("iam"), "arn:aws:sts::123456789012:assumed-role/fs-admin/me")

    assert principal == "arn:aws:iam::123456789012:role/fs-admin"


def test_a_simulation_in_pages_is_read_to_its_end(store: ServedStore, clients: Clients):
    permissions = [Permission(f"sagemaker:Action{number}", "*") for number in range(150)]

    missing = Simulation(store.calls, clients.get("iam"), ROLE, permissions, FIELDS).missing(permissions)

    assert missing == []


def test_every_verb_that_uses_a_store_has_its_permissions():
    verbs = {name.partition(" ")[0] for name in load_plugins({}).commands}

    assert verbs - VERBS.keys() == {"demo", "doctor", "runs", "sandbox"}
    assert VERBS.keys() - verbs == set()
