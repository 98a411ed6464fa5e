"""The store's failures in the words of the control plane. Source: the service model, and published answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sfs_core import FeatureGroupNotFound, GroupExists, GroupNotReady, SfsError, StoreUnavailable, UsageError
from sfs_plugins.sandbox.translation import missing_group
from sfs_plugins.sandbox.wire import Failure

NEITHER_STORE = (
    "OnlineStore and OfflineStore cannot be both disabled. Please enable at least one of them and retry the request."
)


def invalid(message: str) -> Failure:
    """Return the control plane's refusal of a request."""
    return Failure("ValidationException", f"Validation Error: {message}")


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn the store's failures about a group into the service's."""
    try:
        yield
    except FeatureGroupNotFound as error:
        raise Failure("ResourceNotFound", missing_group(name)) from error
    except GroupExists as error:
        message = (
            f"Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.\n"
            f"Info: Feature Group '{name}' already exists."
        )
        raise Failure("ResourceInUse", message) from error
    except GroupNotReady as error:
        status = error.message.fields["status"]
        raise invalid(f"FeatureGroup {name} is {status}; wait until it is Created and retry the request.") from error
    except UsageError as error:
        problem = error.message.fields.get("problem", error)
        raise invalid(f"{problem}.") from error
    except StoreUnavailable as error:
        raise Failure("ServiceUnavailable", str(error), 503) from error
    except SfsError as error:
        raise Failure("InternalFailure", str(error), 500) from error
