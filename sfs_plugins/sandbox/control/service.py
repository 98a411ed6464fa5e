"""The control plane's operations by name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from sfs_plugins.sandbox.control.groups import Catalog, GroupOperations
from sfs_plugins.sandbox.control.metadata import MetadataOperations
from sfs_plugins.sandbox.control.search import SearchOperation
from sfs_plugins.sandbox.control.tags import TagOperations
from sfs_plugins.sandbox.groups import FolderStore, Groups
from sfs_plugins.sandbox.json_service import JsonService, Operation
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.tokens import Tokens


def control_plane(
    store: FolderStore,
    groups: Groups,
    state: State,
    tokens: Tokens,
    has_bucket: Callable[[str], bool],
    catalog: Catalog,
    pool: Executor,
) -> JsonService:
    """Return the SageMaker service."""
    of_groups = GroupOperations(store, groups, tokens, has_bucket, catalog)
    tags, metadata = TagOperations(store, state), MetadataOperations(store, state)
    operations: dict[str, Operation] = {
        "CreateFeatureGroup": of_groups.create,
        "DescribeFeatureGroup": of_groups.describe,
        "ListFeatureGroups": of_groups.list,
        "UpdateFeatureGroup": of_groups.update,
        "DeleteFeatureGroup": of_groups.delete,
        "DescribeFeatureMetadata": metadata.describe,
        "UpdateFeatureMetadata": metadata.update,
        "Search": SearchOperation(store, tags, metadata, tokens).search,
        "AddTags": tags.add,
        "ListTags": tags.list,
        "DeleteTags": tags.delete,
    }
    return JsonService("sagemaker", "SageMaker", operations, pool, "ValidationException")
