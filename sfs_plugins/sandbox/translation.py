"""The store's failures in the words of the runtime plane. Source: its model, and published answers."""

from __future__ import annotations

from sfs_core import (
    FeatureGroupNotFound,
    GroupNotReady,
    Message,
    RecordNotFound,
    Remark,
    SfsError,
    StoreUnavailable,
    UsageError,
)
from sfs_plugins.sandbox.wire import Failure

_FRACTIONAL = (
    "Attempted to parse the feature value for the feature named [{feature}] into a FeatureValue of type Fractional. "
    "The provided value must be within the range of a double precision floating point number defined by the IEEE 754 "
    "standard. The input format can be in either decimal form or scientific notation."
)
_INTEGRAL = (
    "Attempted to parse the feature value for the feature named [{feature}] into a FeatureValue of type Integral. "
    "The provided value must be within the range of a signed 64-bit integer."
)
_PARSING = {"Fractional": _FRACTIONAL, "Integral": _INTEGRAL}


def missing_group(name: str) -> str:
    """Return the service's text for a group that is not there."""
    return f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}"


def validation_error(message: str) -> Failure:
    """Return the runtime plane's refusal of a request."""
    return Failure("ValidationError", f"Validation Error: {message}")


def of_remark(remark: Remark) -> Failure:
    """Return the failure of one record."""
    return _of_message(remark.code, remark.message)


def of_error(error: SfsError, group: str) -> Failure:
    """Return the failure of a whole request; `group` is the name or ARN it was about."""
    if isinstance(error, (FeatureGroupNotFound, GroupNotReady)):
        return Failure("ResourceNotFound", missing_group(group), 404)
    if isinstance(error, RecordNotFound):
        return Failure("ResourceNotFound", "Resource Not Found: the record does not exist or was deleted.", 404)
    if isinstance(error, StoreUnavailable):
        return Failure("ServiceUnavailable", f"Service unavailable: {error}", 503)
    if isinstance(error, UsageError):
        return _of_message(error.code, error.message)
    return Failure("InternalFailure", f"Internal server error: {error}", 500)


def _of_message(code: str, message: Message) -> Failure:
    text = _PARSING.get(str(message.fields.get("type")))
    if code == "BadValue" and text is not None and isinstance(message.fields.get("value"), str):
        return validation_error(text.format(feature=message.fields["feature"]))
    if code in ("BadEventTime", "EventTimeNotLater"):
        return validation_error(f"EventTime is not valid: {message}")
    return validation_error(str(message))
