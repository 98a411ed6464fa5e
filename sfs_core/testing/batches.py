"""The columns of batches that go into and come out of the reference model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfs_core.errors import MissingFeature
from sfs_core.messages import say
from sfs_core.model import (
    API_INVOCATION_TIME,
    IS_DELETED,
    SYSTEM_COLUMNS,
    WRITE_TIME,
    FeatureDefinition,
    FeatureGroup,
)
from sfs_core.testing.offline_model import Version

if TYPE_CHECKING:
    import pyarrow as pa


def columns_of(
    group: FeatureGroup, features: Sequence[str] | None, always: str | None = None
) -> Sequence[FeatureDefinition]:
    """Return the definitions of the features asked for, in the group's order. Raises UnknownFeature."""
    if features is None:
        return group.features
    wanted = {group.feature(name).name for name in features} | {always}
    return [feature for feature in group.features if feature.name in wanted]


def check_columns(records: pa.RecordBatch, group: FeatureGroup) -> None:
    """Raise UnknownFeature, or MissingFeature, for the columns of a batch to be put."""
    for name in records.schema.names:
        if name not in SYSTEM_COLUMNS:
            group.feature(name)
    for name, role in ((group.record_identifier, say("record identifier")), (group.event_time, say("event time"))):
        if name not in records.schema.names:
            raise MissingFeature(feature=name, group=group.name, role=role)


def with_system_columns(records: pa.RecordBatch, versions: Sequence[Version]) -> pa.RecordBatch:
    """Return a batch of the history with the system columns of its versions."""
    import pyarrow as pa

    for name, values, kind in (
        (API_INVOCATION_TIME, [version.api_invocation_time.iso() for version in versions], pa.string()),
        (WRITE_TIME, [version.write_time.iso() for version in versions], pa.string()),
        (IS_DELETED, [version.is_deleted for version in versions], pa.bool_()),
    ):
        records = records.append_column(name, pa.array(values, kind))
    return records
