"""Amazon SageMaker Feature Store as a store: boto3 on the wire, the service's limits kept inside this room."""

from sfs_core import SfsCommand, Store, hookimpl
from sfs_plugins.sagemaker_store.doctor import DoctorCommand
from sfs_plugins.sagemaker_store.store import SageMakerStore


@hookimpl
def sfs_stores() -> tuple[type[Store], ...]:
    """Return the store named `sagemaker`."""
    return (SageMakerStore,)


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the command `doctor`."""
    return (DoctorCommand,)
