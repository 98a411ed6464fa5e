"""IAM's simulation: what a fault denies is denied, all else is allowed; asked, checked and paged as IAM does it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto, running

ROLE = "arn:aws:iam::123456789012:role/sandbox"
GROUPS = "arn:aws:sagemaker:us-east-1:123456789012:feature-group/*"


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A sandbox of this module's own: faults strike everybody."""
    with running(tmp_path_factory.mktemp("strict")) as sandbox:
        yield sandbox


@pytest.fixture
def iam(strict):
    yield boto(strict, "iam")
    strict.control("DELETE", "/faults")


def deny(strict, **rule):
    strict.control("PUT", "/faults", {"rules": [{"fault": "denied", **rule}]})


def decisions(iam, *actions, resources=("*",)):
    answer = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=actions, ResourceArns=resources)
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def test_everything_is_allowed_where_nothing_is_denied(iam):
    found = decisions(iam, "sagemaker:PutRecord", "s3:GetObject", "kms:Decrypt")

    assert found == {"sagemaker:PutRecord": "allowed", "s3:GetObject": "allowed", "kms:Decrypt": "allowed"}


@pytest.mark.parametrize(
    ("rule", "denied"),
    [
        ({"operation": "DeleteRecord"}, {"sagemaker:DeleteRecord"}),
        ({"service": "sagemaker-featurestore-runtime"}, {"sagemaker:DeleteRecord", "sagemaker:PutRecord"}),
        ({"operation": "UpdateRecord"}, {"sagemaker:PutRecord"}),
        ({"service": "s3", "operation": "DeleteObjects"}, {"s3:DeleteObject"}),
        ({"service": "s3", "operation": "PutRecord"}, set()),
        ({"operation": "PutRecord", "count": 0}, set()),
    ],
)
def test_what_a_fault_denies_is_denied_by_the_name_that_iam_has_for_it(strict, iam, rule, denied):
    deny(strict, **rule)

    found = decisions(iam, "sagemaker:DeleteRecord", "sagemaker:PutRecord", "s3:DeleteObject")

    assert {action for action, decision in found.items() if decision == "explicitDeny"} == denied
    assert set(found.values()) <= {"explicitDeny", "allowed"}


def test_asking_does_not_use_a_fault_up_and_is_not_logged_as_one(strict, iam):
    deny(strict, operation="ListFeatureGroups", count=1)

    answers = [decisions(iam, "sagemaker:ListFeatureGroups") for _ in range(3)]
    met = refused(boto(strict, "sagemaker").list_feature_groups)
    after = decisions(iam, "sagemaker:ListFeatureGroups")

    assert answers == [{"sagemaker:ListFeatureGroups": "explicitDeny"}] * 3
    assert met[0] == "AccessDeniedException"
    assert "is not authorized to perform: sagemaker:ListFeatureGroups" in met[2]
    assert after == {"sagemaker:ListFeatureGroups": "allowed"}


def test_an_action_has_one_result_with_every_resource_in_it(strict, iam):
    deny(strict, operation="PutRecord")

    answer = iam.simulate_principal_policy(
        PolicySourceArn=ROLE, ActionNames=["sagemaker:PutRecord"], ResourceArns=[GROUPS, "*"]
    )

    [result] = answer["EvaluationResults"]
    each = [(one["EvalResourceName"], one["EvalResourceDecision"]) for one in result["ResourceSpecificResults"]]
    assert result["EvalDecision"] == "explicitDeny"
    assert each == [(GROUPS, "explicitDeny"), ("*", "explicitDeny")]


def test_results_come_in_pages(iam):
    actions = [f"sagemaker:Action{number}" for number in range(250)]

    by_default = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=actions)
    pages = list(
        iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=ROLE, ActionNames=actions, PaginationConfig={"PageSize": 120}
        )
    )

    assert (len(by_default["EvaluationResults"]), by_default["IsTruncated"]) == (100, True)
    assert [len(page["EvaluationResults"]) for page in pages] == [120, 120, 10]
    assert [one["EvalActionName"] for page in pages for one in page["EvaluationResults"]] == actions
    assert refused(
        iam.simulate_principal_policy, PolicySourceArn=ROLE, ActionNames=["s3:GetObject"], Marker=by_default["Marker"]
    )[:2] == ("ValidationError", 400)


@pytest.mark.parametrize(
    ("request_", "code", "status", "words"),
    [
        ({"ActionNames": ["s3:*"]}, "InvalidInput", 400, "such as iam:CreateUser, not s3:*"),
        ({"ActionNames": ["GetObject"]}, "InvalidInput", 400, "iam:CreateUser, not GetObject"),
        ({"ActionNames": []}, "ValidationError", 400, "Value null at 'actionNames'"),
        ({"MaxItems": 1001}, "ValidationError", 400, "Member must have value less than or equal to 1000"),
        (
            {"PolicySourceArn": "arn:aws:sts::123456789012:assumed-role/sandbox/sandbox"},
            "InvalidInput", 400, "does not clearly define entity type and name",
        ),
        ({"PolicySourceArn": "arn:aws:iam::111122223333:role/sandbox"}, "NoSuchEntity", 404, "cannot be found"),
        ({"PolicySourceArn": "arn:aws:iam::123456789012:role/team/sandbox"}, "NoSuchEntity", 404, "cannot be found"),
        ({"PolicyInputList": ["{}"]}, "InvalidInput", 400, "does not serve PolicyInputList"),
    ],
)  # fmt: skip
def test_what_iam_refuses_is_refused(iam, request_, code, status, words):
    answer = refused(
        iam.simulate_principal_policy, **{"PolicySourceArn": ROLE, "ActionNames": ["s3:GetObject"], **request_}
    )

    assert answer[:2] == (code, status)
    assert words in answer[2]
