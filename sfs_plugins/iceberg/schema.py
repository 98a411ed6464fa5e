"""What a feature group's Iceberg table looks like: its columns, and its partitions by the day of the event time.

Source: feature-store-offline.
"""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import TruncateTransform
from pyiceberg.types import BooleanType, DoubleType, IcebergType, LongType, NestedField, StringType, TimestamptzType

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    FeatureDefinition,
    FeatureGroup,
    FeatureType,
)
from sfs_plugins.iceberg.errors import ForeignPartitions

DAY_CHARACTERS = 10
"""How much of an ISO 8601 event time is its day, UTC."""
_TYPES: dict[FeatureType, type[StringType | LongType | DoubleType]] = {
    FeatureType.STRING: StringType,
    FeatureType.INTEGRAL: LongType,
    FeatureType.FRACTIONAL: DoubleType,
}


def type_of(feature: FeatureDefinition) -> IcebergType:
    """Return the type of a feature's column."""
    return _TYPES[feature.type]()


def table_schema(group: FeatureGroup) -> Schema:
    """Return the columns of a group's table: its features, then the service's own."""
    columns: list[tuple[str, IcebergType]] = [(feature.name, type_of(feature)) for feature in group.features]
    columns += [(WRITE_TIME, TimestamptzType()), (API_INVOCATION_TIME, TimestamptzType()), (IS_DELETED, BooleanType())]
    fields = [NestedField(number, name, kind, required=False) for number, (name, kind) in enumerate(columns, 1)]
    return Schema(*fields)


def partitions(group: FeatureGroup, schema: Schema) -> PartitionSpec:
    """Return the partitions of a group's table: the first ten characters of the event time, which are its day."""
    source = schema.find_field(group.event_time).field_id
    name = f"{group.event_time}_trunc"
    while name in schema.column_names:
        # a feature has that name already
        name += "_"
    return PartitionSpec(PartitionField(source, 1000, TruncateTransform(DAY_CHARACTERS), name))


def day_field(table: Table, event_time: str, spec_id: int) -> int | None:
    """Return which field of a partition is the day of the feature `event_time`, None if there is no such field."""
    spec = table.specs().get(spec_id)
    for place, field in enumerate(spec.fields if spec else ()):
        is_ten_characters = isinstance(field.transform, TruncateTransform) and field.transform.width == DAY_CHARACTERS
        # ten characters of another column, such as the record id, are no day
        if is_ten_characters and table.schema().find_column_name(field.source_id) == event_time:
            return place
    return None


def check_by_day(table: Table, event_time: str) -> None:
    """Raise ForeignPartitions unless the table is partitioned by the day of the feature `event_time` and no more."""
    if day_field(table, event_time, table.spec().spec_id) is None or len(table.spec().fields) != 1:
        raise ForeignPartitions(location=table.location())


def file_schema(table: Table) -> pa.Schema:
    """Return the columns of a data file, each with the number by which Iceberg knows it."""
    return pa.schema(
        field.with_type(pa.string()) if field.type == pa.large_string() else field
        for field in schema_to_pyarrow(table.schema())
    )
