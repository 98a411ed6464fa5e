"""Which service a request is for: what belongs to the feature store is served here, the rest elsewhere."""

from __future__ import annotations

from typing import Final

import orjson

from sfs_plugins.sandbox.query_service import form_of
from sfs_plugins.sandbox.wire import Request

ELSEWHERE: Final = ""
_TARGETS = {"AmazonAthena": "athena", "AWSGlue": "glue"}
_SEARCHES = frozenset({"Search", "GetSearchSuggestions"})
_TAGGING = frozenset({"AddTags", "ListTags", "DeleteTags"})
_OWN_OF_IAM = frozenset({"GetRole", "SimulatePrincipalPolicy"})
# other services of SageMaker that are signed like the runtime: model endpoints, and metrics of training jobs
_OTHER_RUNTIMES = ("/endpoints/", "/BatchPutMetrics")


def route(request: Request) -> str:
    """Return the name of the service that a request is for, ELSEWHERE for what is not this sandbox's own.

    The target header decides for JSON protocols; what the request is signed for decides for the others; a path for
    SageMaker's runtimes. What is not signed, or for a service of S3, is S3.
    """
    target, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    if target:
        if target != "SageMaker":
            return _TARGETS.get(target, ELSEWHERE)
        return "sagemaker" if _is_about_groups(operation, request) else ELSEWHERE
    match request.scope[2]:
        case "sagemaker":
            is_other = request.path.startswith(_OTHER_RUNTIMES)
            return ELSEWHERE if is_other else "sagemaker-featurestore-runtime"
        case "iam":
            return "iam" if form_of(request).get("Action") in _OWN_OF_IAM else ELSEWHERE
        case "sts":
            return "sts"
        case "" if request.method == "POST" and request.body.startswith(b"Action="):
            return "sts"
        case "" | "s3" | "s3express":
            return "s3"
    return ELSEWHERE


def _is_about_groups(operation: str, request: Request) -> bool:
    """Tell whether an operation of SageMaker's control plane is about feature groups, served here or not.

    What is must never be answered by another, who knows of no feature group.
    """
    if operation in _TAGGING:
        return _tagged(request.body) is None or ":feature-group/" in str(_tagged(request.body))
    return "Feature" in operation or operation in _SEARCHES


def _tagged(body: bytes) -> object:
    """Return the ARN whose tags a request is about, None where it does not say: then it is to be refused here."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return given.get("ResourceArn") if isinstance(given, dict) else None
