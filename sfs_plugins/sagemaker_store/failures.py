"""What botocore raises, in our words: what never left, what was refused, and what nobody knows the outcome of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sfs_core import BadRequest, SfsError, StoreUnavailable, say
from sfs_plugins.sagemaker_store.errors import (
    CredentialsRefused,
    OutcomeUnknown,
    RegionMissing,
    no_credentials,
    translated,
)

WRITES: Final = frozenset(
    {
        "PutRecord",
        "BatchWriteRecord",
        "DeleteRecord",
        "UpdateRecord",
        "CreateFeatureGroup",
        "UpdateFeatureGroup",
        "DeleteFeatureGroup",
    }
)
"""Operations of which it matters whether they took effect."""


def failure_of(
    error: Exception, action: str, operation: str, what: str, connection: str, who: Callable[[], str]
) -> SfsError | None:
    """Return our error for what was raised by a call, or None for what is no failure of AWS."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.ClientError):
        if error.operation_name == "AssumeRole" != operation:
            # refreshing the credentials came first, and was refused
            about = say("the role of connection {connection!r}", connection=connection)
            return translated(error.response, "sts:AssumeRole", about, connection, lambda: connection)
        return translated(error.response, action, what, connection, who)
    if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
        return no_credentials(connection)
    if isinstance(error, (aws.CredentialRetrievalError, aws.TokenRetrievalError, aws.SSOError)):
        return CredentialsRefused(connection=connection, code=error)
    if isinstance(error, aws.NoRegionError):
        return RegionMissing(connection=connection)
    if isinstance(error, aws.ParamValidationError):
        return BadRequest(store="sagemaker", group=what, problem=" ".join(str(error).split()))
    never_sent = (
        aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError, aws.SSLError,
        aws.InvalidEndpointDiscoveryConfigurationError,
    )  # fmt: skip
    here = say("connection {connection!r}", connection=connection)
    if isinstance(error, never_sent):
        problem = say("{error}; look at its endpoint, its Region and the network", error=error)
        return StoreUnavailable(store=here, problem=problem)
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError, ResponseParserError)):
        if operation in WRITES:
            return OutcomeUnknown(operation=action, problem=error)
        return StoreUnavailable(store=here, problem=error)
    return None
