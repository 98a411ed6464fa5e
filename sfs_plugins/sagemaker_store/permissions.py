"""What each verb needs permission for: one table, used where access is denied, by `doctor`, and by the reference docs.

Source of the actions: feature-store-security, and the service authorization reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

GROUP: Final = "arn:aws:sagemaker:{region}:{account}:feature-group/*"
BUCKET: Final = "arn:aws:s3:::{bucket}"
OBJECTS: Final = "arn:aws:s3:::{bucket}/*"
WORKGROUP: Final = "arn:aws:athena:{region}:{account}:workgroup/{workgroup}"
CATALOGUE: Final = "arn:aws:glue:{region}:{account}:*"
ROLE: Final = "{role_arn}"
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Permission:
    """An IAM action, the resource it is needed on (a template), and when it is needed; empty `when` is always."""

    action: str
    resource: str = GROUP
    when: str = ""


IDENTITY: Final = (Permission("sts:GetCallerIdentity", ANY),)
DESCRIBE: Final = (*IDENTITY, Permission("sagemaker:DescribeFeatureGroup"))
LOOK_UP: Final = (Permission("sagemaker:BatchGetRecord"),)
WRITE: Final = (
    Permission("sagemaker:PutRecord"),
    Permission("sagemaker:BatchWriteRecord", when="25 records a call; without it they are put one by one"),
)
DELETE_RECORDS: Final = (*LOOK_UP, Permission("sagemaker:DeleteRecord"))
OFFLINE: Final = (
    Permission("athena:StartQueryExecution", WORKGROUP, "the offline store is read"),
    Permission("athena:GetQueryExecution", WORKGROUP, "the offline store is read"),
    Permission("athena:StopQueryExecution", WORKGROUP, "the offline store is read"),
    Permission("athena:GetWorkGroup", WORKGROUP, "the offline store is read"),
    Permission("glue:GetDatabase", CATALOGUE, "the offline store is read"),
    Permission("glue:GetTable", CATALOGUE, "the offline store is read"),
    Permission("glue:GetPartitions", CATALOGUE, "the offline store is read"),
    Permission("s3:ListBucket", BUCKET, "the offline store is read"),
    Permission("s3:GetObject", OBJECTS, "the offline store is read"),
    Permission("s3:GetBucketLocation", BUCKET, "the offline store is read"),
    Permission("s3:PutObject", OBJECTS, "Athena writes results"),
    Permission("s3:DeleteObject", OBJECTS, "results are removed again"),
    Permission("kms:Decrypt", ANY, "a store is encrypted with a key of your own"),
)
LIST_IDS: Final = (Permission("sagemaker:ListRecords", when="ids come from the online store"),)
CHOSEN_IDS: Final = (
    *LIST_IDS,
    *(replace(one, when="--ids athena is given") for one in OFFLINE),
    Permission("s3:ListBucket", BUCKET, "--ids s3-scan is given"),
    Permission("s3:GetObject", OBJECTS, "--ids s3-scan is given"),
)
OBJECT_DELETION: Final = (
    Permission("sagemaker:ListFeatureGroups", ANY, "offline objects are deleted: no other group may share the root"),
    Permission("s3:ListBucket", BUCKET, "offline objects are deleted"),
    Permission("s3:DeleteObject", OBJECTS, "offline objects are deleted"),
    Permission("s3:GetBucketVersioning", BUCKET, "a plan says whether bytes remain of what is deleted"),
    Permission("s3:ListBucketVersions", BUCKET, "--purge-versions is given"),
    Permission("s3:DeleteObjectVersion", OBJECTS, "--purge-versions is given"),
)
TABLE_EMPTYING: Final = (
    Permission("glue:UpdateTable", CATALOGUE, "an Iceberg table is emptied"),
    Permission("s3:PutObject", OBJECTS, "an Iceberg table is emptied"),
    Permission("s3:DeleteObject", OBJECTS, "an Iceberg table is emptied; without it files of old snapshots stay"),
)
TABLE_DELETION: Final = (
    Permission("glue:GetTable", CATALOGUE, "--with-offline-data is given"),
    Permission("glue:DeleteTable", CATALOGUE, "--with-offline-data is given"),
)
QUERYING: Final = tuple(
    replace(one, when="an Iceberg table is emptied")
    for one in OFFLINE
    if one.action not in {permission.action for permission in TABLE_EMPTYING}
)
CLEARING: Final = (
    Permission("sagemaker:DeleteRecord", when="the target is cleared first, or delete markers are replayed"),
    *OBJECT_DELETION,
    *TABLE_EMPTYING,
)
CREATION: Final = (
    Permission("sagemaker:CreateFeatureGroup"),
    Permission("sagemaker:AddTags", when="tags are given"),
    Permission("iam:PassRole", ROLE, "the group has an offline store"),
)
DELETION: Final = (Permission("sagemaker:DeleteFeatureGroup"),)
TAGS: Final = (Permission("sagemaker:ListTags"),)

VERBS: Final[dict[str, tuple[Permission, ...]]] = {
    "list": (*DESCRIBE, Permission("sagemaker:ListFeatureGroups", ANY)),
    "describe": (*DESCRIBE, *TAGS),
    "create": (*DESCRIBE, *CREATION, *TAGS),
    "update": (*DESCRIBE, Permission("sagemaker:UpdateFeatureGroup")),
    "delete": (*DESCRIBE, *DELETION, *OBJECT_DELETION, *TABLE_DELETION),
    "get": (*DESCRIBE, *LOOK_UP),
    "put": (*DESCRIBE, *LOOK_UP, *WRITE),
    "delete-record": (*DESCRIBE, *DELETE_RECORDS),
    "bulk-get": (*DESCRIBE, *CHOSEN_IDS, *LOOK_UP),
    "bulk-put": (*DESCRIBE, *WRITE),
    "bulk-delete": (*DESCRIBE, *CHOSEN_IDS, *DELETE_RECORDS),
    "export": (*DESCRIBE, *LIST_IDS, *LOOK_UP, *OFFLINE),
    "clear": (*DESCRIBE, *CHOSEN_IDS, *DELETE_RECORDS, *OBJECT_DELETION, *QUERYING, *TABLE_EMPTYING),
    "migrate": (*DESCRIBE, *CHOSEN_IDS, *LOOK_UP, *WRITE, *OFFLINE, *CREATION, *CLEARING),
    "verify": (*DESCRIBE, *LIST_IDS, *LOOK_UP, *OFFLINE),
}
"""The permissions a verb needs of its caller, on every connection it uses."""

ACTIONS: Final = {
    "UpdateRecord": "sagemaker:PutRecord",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "DeleteObjects": "s3:DeleteObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
}
"""The IAM action of operations that are not called like it."""


def action_of(service: str, operation: str) -> str:
    """Return the IAM action that an API operation needs."""
    return ACTIONS.get(operation, f"{service}:{operation}")
