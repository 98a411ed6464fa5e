"""Failures of AWS, translated once: every code the services answer with becomes one of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sfs_core import (
    AccessDenied,
    BadRequest,
    FeatureGroupNotFound,
    NoCredentials,
    Refused,
    SfsError,
    StoreUnavailable,
    UsageError,
    say,
)

THROTTLES: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "429",
    }
)
"""Codes that ask to go slower. Source: botocore's own list, and what S3 answers."""

PASSING: Final = frozenset(
    {
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
        "RequestTimeout",
        "RequestTimeoutException",
        "500",
        "502",
        "503",
        "504",
    }
)
"""Codes of a fault that may be gone at the next try."""

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AccessForbidden", "UnauthorizedOperation", "AuthorizationError", "403"}
)
"""Codes of a permission that is missing: the model says one, IAM another."""

REFUSED_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "RequestExpired",
    }
)
"""Codes of credentials that the service does not accept."""

INVALID: Final = frozenset({"ValidationError", "ValidationException"})
"""The runtime's model names one, its documents and reality the other: they are one."""

UNKNOWN_OPERATIONS: Final = frozenset({"UnknownOperationException", "UnknownOperation", "InvalidAction"})
"""Codes of an operation that an older service, or an emulator, does not have."""

ABSENT_GROUP: Final = "can't find a featuregroup"
"""What the text says where the code is a validation error (known ways to be wrong, line 20)."""


class CredentialsRefused(StoreUnavailable):
    """The service does not accept the credentials it was given."""

    sentence = (
        "the credentials of connection {connection!r} are refused ({code}): renew them, for example with "
        "`aws sso login`, then try again"
    )


class RegionMissing(UsageError):
    """Nothing says which Region to speak to."""

    sentence = (
        "connection {connection!r} has no Region: give --region, set AWS_REGION, or name one in the configuration "
        "file; or use the embedded store, which needs none: `sagemaker-fs demo`"
    )


class ProfileMissing(UsageError):
    """The profile of a connection is not in AWS's configuration."""

    sentence = "connection {connection!r} names the profile {profile!r}, which AWS's configuration does not have"


class ConnectionUnusable(UsageError):
    """A Region or an address that no call can go to."""

    sentence = (
        "connection {connection!r} cannot be used ({problem}): give another --region or --endpoint-url, or mend "
        "AWS_REGION, AWS_ENDPOINT_URL or the configuration that says so"
    )


class QuotaReached(Refused):
    """An account limit stands in the way."""

    sentence = "the account's limit is reached: {problem}"


class NotOwnGroup(Refused):
    """A feature group is another account's, or of another Region, and cannot be deleted from here."""

    sentence = "{arn} is not of {place}, and a feature group is deleted from its own account and Region alone"


class OperationUnknown(BadRequest):
    """The service does not have an operation; there may be another way."""


class NotCatalogued(BadRequest):
    """The catalogue does not have a database or table."""


class OutcomeUnknown(StoreUnavailable):
    """A write was sent and never answered: it may have taken effect."""

    sentence = "{operation} was sent and not answered, so its outcome is unknown: {problem}"


def code_of(response: Mapping[str, Any]) -> str:
    """Return the code of an error response."""
    return str(response.get("Error", {}).get("Code", ""))


def is_absent_group(code: str, text: str) -> bool:
    """Tell whether an answer means that there is no such feature group."""
    return code in {"ResourceNotFound", "ResourceNotFoundException"} or (
        code in INVALID and ABSENT_GROUP in text.lower()
    )


def translated(
    response: Mapping[str, Any], action: str, what: object, connection: str, who: Callable[[], str]
) -> SfsError:
    """Return our error for an error response to what needs the IAM action `action`, about `what`; `who` asked it."""
    code, text = code_of(response), str(response.get("Error", {}).get("Message", ""))
    if is_absent_group(code, text) and action.startswith("sagemaker:"):
        return FeatureGroupNotFound(name=what, place=connection)
    if code in DENIED:
        return denied(text, action, what, who)
    if code in UNKNOWN_OPERATIONS:
        return OperationUnknown(store="sagemaker", group=what, problem=say("it does not know {action}", action=action))
    if code == "EntityNotFoundException":
        return NotCatalogued(store="sagemaker", group=what, problem=text)
    if code in REFUSED_CREDENTIALS:
        return CredentialsRefused(connection=connection, code=code)
    if code == "ResourceLimitExceeded":
        return QuotaReached(problem=text)
    if code in THROTTLES | PASSING:
        here = say("connection {connection!r}", connection=connection)
        return StoreUnavailable(store=here, problem=say("{code} {text}", code=code, text=text))
    return BadRequest(store="sagemaker", group=what, problem=text or code)


_DENIAL = re.compile(r"(?:User: (\S+) )?is not authorized to perform: (\S+)(?: on resource: (\S+))?")


def denied(text: str, action: str, what: object, who: Callable[[], str]) -> AccessDenied:
    """Return the refusal of a permission: who, what and on what as IAM's own text has it, else as it was asked."""
    told = _DENIAL.search(text)
    principal, named, resource = told.groups() if told else (None, None, None)
    return AccessDenied(principal=principal or who(), action=named or action, resource=resource or what)


def no_credentials(connection: str, error: Exception | None = None) -> NoCredentials:
    """Return the error for a connection without credentials: how to give it some, or another connection.

    `error` is what went wrong as they were looked for, if anything did.
    """
    if error is not None:
        text = "{problem}; mend AWS's configuration, give --profile, or name another connection with --connection"
        problem = " ".join(str(error).split()).rstrip(".")
        return NoCredentials(connection=connection, how=say(text, problem=problem))
    how = say(
        "run `aws configure`, give --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
        "or name another connection with --connection"
    )
    return NoCredentials(connection=connection, how=how)
