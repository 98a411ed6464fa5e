"""Services that are no affair of a feature store are moto's, from memory; what is about feature groups never is."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import boto, by_hand, running

ACCOUNT = "111122223333"
ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}]}
)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(scope="module")
def abroad(tmp_path_factory):
    """A sandbox of another account and Region than moto's own defaults."""
    with running(tmp_path_factory.mktemp("abroad"), account=ACCOUNT, region="eu-west-1") as sandbox:
        yield sandbox


@pytest.fixture
def client(abroad):
    yield lambda service: boto(abroad, service)
    abroad.control("DELETE", "/faults")


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_moto_is_not_imported_before_it_is_needed(abroad, client):
    client("sts").get_caller_identity()
    client("iam").get_role(RoleName="anybody")
    client("sagemaker").list_feature_groups()
    before = abroad.control("GET", "/health")
    client("kms").list_keys()

    assert before == {"status": "running", "moto": False}
    assert abroad.control("GET", "/health") == {"status": "running", "moto": True}


def test_keys_are_made_in_the_sandboxs_account_and_region(client):
    made = client("kms").create_key()["KeyMetadata"]

    assert made["Arn"] == f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{made['KeyId']}"
    assert made["KeyId"] in [key["KeyId"] for key in client("kms").list_keys()["Keys"]]


def test_metrics_logs_permissions_and_zones_are_kept(client):
    """One service a protocol: CBOR, JSON, REST of JSON, REST of XML, and EC2's own."""
    client("cloudwatch").put_metric_data(Namespace="sales", MetricData=[{"MetricName": "orders", "Value": 1.0}])
    client("logs").create_log_group(logGroupName="/jobs")
    resource = {"DataLocation": {"ResourceArn": "arn:aws:s3:::lake"}}
    who = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/analyst"}
    client("lakeformation").grant_permissions(Principal=who, Resource=resource, Permissions=["DATA_LOCATION_ACCESS"])
    client("route53").create_hosted_zone(Name="example.org", CallerReference="1")

    metrics = client("cloudwatch").list_metrics(Namespace="sales")["Metrics"]
    granted = client("lakeformation").list_permissions()["PrincipalResourcePermissions"]
    assert [metric["MetricName"] for metric in metrics] == ["orders"]
    assert [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]] == ["/jobs"]
    assert [one["Permissions"] for one in granted] == [["DATA_LOCATION_ACCESS"]]
    assert [zone["Name"] for zone in client("route53").list_hosted_zones()["HostedZones"]] == ["example.org."]
    assert [zone["RegionName"] for zone in client("ec2").describe_availability_zones()["AvailabilityZones"]] == [
        "eu-west-1"
    ] * 3


def test_a_role_is_as_it_was_made_gone_when_deleted_and_there_when_nobody_made_it(client):
    iam = client("iam")
    iam.create_role(RoleName="loader", Path="/team/", AssumeRolePolicyDocument=TRUST, Description="loads")
    policy = iam.create_policy(PolicyName="all", PolicyDocument=ALL)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="loader", PolicyArn=policy)

    listed = [role["Arn"] for role in iam.list_roles()["Roles"]]
    made = iam.get_role(RoleName="loader")["Role"]
    iam.detach_role_policy(RoleName="loader", PolicyArn=policy)
    iam.delete_role(RoleName="loader")

    assert listed == [f"arn:aws:iam::{ACCOUNT}:role/team/loader"]
    assert (made["Arn"], made["Path"], made["Description"]) == (listed[0], "/team/", "loads")
    assert made["AssumeRolePolicyDocument"] == {"Version": "2012-10-17", "Statement": []}
    assert refused(iam.get_role, RoleName="loader") == ("NoSuchEntity", 404)
    assert iam.get_role(RoleName="stranger")["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/stranger"


def test_other_work_of_sagemaker_is_motos_and_what_is_about_feature_groups_is_not(client):
    sagemaker = client("sagemaker")
    arn = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-package-group/models"
    sagemaker.create_model_package_group(ModelPackageGroupName="models")

    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "x:feature-group/y"}])

    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "x:feature-group/y"}]
    group = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:feature-group/nobody"
    assert refused(sagemaker.list_tags, ResourceArn=group) == ("ResourceNotFound", 400)
    assert refused(sagemaker.get_search_suggestions, Resource="Experiment") == ("UnknownOperationException", 400)


def test_operations_that_our_own_services_lack_are_refused_and_never_motos(client):
    assert refused(client("glue").get_crawlers) == ("UnknownOperationException", 400)
    assert refused(client("athena").list_capacity_reservations) == ("UnknownOperationException", 400)
    assert refused(client("sts").get_federation_token, Name="somebody") == ("InvalidAction", 400)
    assert refused(client("s3").get_bucket_policy, Bucket="nobodys-bucket")[0] == "NoSuchBucket"


def test_faults_and_the_region_hold_for_what_moto_answers_too(abroad, client):
    logged = len(abroad.control("GET", "/faults")["log"])
    abroad.control("PUT", "/faults", {"rules": [{"fault": "denied", "operation": "ListKeys"}]})

    denied = refused(client("kms").list_keys)
    abroad.control("PUT", "/faults", {"rules": [{"fault": "throttle", "service": "monitoring"}]})
    throttled = refused(client("cloudwatch").list_metrics)
    abroad.control("DELETE", "/faults")
    elsewhere = abroad.client("kms", region_name="us-east-1")

    log = abroad.control("GET", "/faults")["log"][logged:]
    assert denied == ("AccessDeniedException", 400)
    assert throttled == ("ThrottlingException", 400)
    assert [(line["service"], line["operation"]) for line in log] == [
        ("kms", "ListKeys"),
        ("monitoring", "ListMetrics"),
    ]
    assert refused(elsewhere.list_keys) == ("InvalidSignatureException", 403)


def test_an_answer_has_one_request_id(abroad):
    answer = boto(abroad, "kms").list_keys()["ResponseMetadata"]["HTTPHeaders"]

    assert len(answer["x-amzn-requestid"]) == 36


def test_what_moto_does_not_serve_either_is_said(abroad, client):
    """[19] Neither does SageMaker know the runtime's operations by a target."""
    assert refused(client("kms").describe_custom_key_stores) == ("UnknownOperationException", 400)
    assert refused(client("qbusiness").list_applications) == ("UnknownOperationException", 404)
    by_target = by_hand(abroad, "POST", "/", {"FeatureGroupName": "orders"}, target="SageMaker.PutRecord")
    assert by_target[:2] == (400, "UnknownOperationException")


def test_what_is_not_signed_is_never_taken_for_another_service(abroad):
    request = HttpRequest(abroad.endpoint, b"{}", {"X-Amz-Target": "TrentService.ListKeys"})

    with pytest.raises(HTTPError, match="400") as told:
        urlopen(request)

    assert json.loads(told.value.read())["message"] == (
        "this sandbox does not serve it: it is not signed, so nothing says which service it is for"
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A sandbox where moto is not installed."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "moto.py").write_text("raise ModuleNotFoundError('No module named moto', name='moto')\n", "utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(folder))
        with running(folder / "store") as sandbox:
            yield sandbox


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("cloudwatch", "list_metrics", "UnknownOperationException", 400),
        ("kms", "list_keys", "UnknownOperationException", 400),
        ("iam", "list_roles", "InvalidAction", 400),
        ("ec2", "describe_vpcs", "InvalidAction", 400),
        ("lakeformation", "list_permissions", "UnknownOperationException", 404),
        ("route53", "list_hosted_zones", "NotImplemented", 501),
        ("sagemaker", "list_training_jobs", "UnknownOperationException", 400),
    ],
)
def test_without_moto_each_protocol_says_what_to_install(plain, service, operation, code, status):
    with pytest.raises(ClientError) as told:
        getattr(boto(plain, service), operation)()

    response = told.value.response
    name = "monitoring" if service == "cloudwatch" else service
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert response["Error"]["Message"] == (
        f"this sandbox does not serve it: it answers {name} by moto, which is not installed: "
        "pip install 'sfs-sandbox[moto]'"
    )


def test_without_moto_what_is_ours_is_served(plain):
    assert boto(plain, "iam").get_role(RoleName="anybody")["Role"]["RoleName"] == "anybody"
    assert boto(plain, "sagemaker").list_feature_groups()["FeatureGroupSummaries"] == []
