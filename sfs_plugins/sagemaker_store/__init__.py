"""Amazon SageMaker Feature Store as a store: boto3 on the wire, the service's limits kept inside this room."""

from sfs_core import Store, hookimpl
from sfs_plugins.sagemaker_store.store import SageMakerStore


@hookimpl
def sfs_stores() -> tuple[type[Store], ...]:
    """Return the store named `sagemaker`."""
    return (SageMakerStore,)
