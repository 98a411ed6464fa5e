"""Schemas and partitions of new Iceberg tables, from the types and transforms that SQL names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfs_plugins.sandbox.athena.failures import QueryFailed, unsupported

if TYPE_CHECKING:
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType

_TRANSFORM = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
_FIRST_FIELD = 1000


def _named_types() -> dict[str, IcebergType]:
    from pyiceberg import types

    return {
        "boolean": types.BooleanType(), "int": types.IntegerType(), "integer": types.IntegerType(),
        "smallint": types.IntegerType(), "tinyint": types.IntegerType(), "bigint": types.LongType(),
        "long": types.LongType(), "float": types.FloatType(), "double": types.DoubleType(), "date": types.DateType(),
        "time": types.TimeType(), "timestamp": types.TimestampType(), "timestamptz": types.TimestamptzType(),
        "timestamp with time zone": types.TimestamptzType(), "timestamp_ns": types.TimestampType(),
        "string": types.StringType(), "varchar": types.StringType(), "text": types.StringType(),
        "binary": types.BinaryType(), "blob": types.BinaryType(), "uuid": types.UUIDType(),
        "hugeint": types.LongType(), '"null"': types.StringType(),
    }  # fmt: skip


def iceberg_type(name: str) -> IcebergType:
    """Return Iceberg's type for Hive's or DuckDB's name of one. Raises QueryFailed."""
    from pyiceberg.types import DecimalType, ListType

    text = name.strip().lower()
    if text.endswith("[]"):
        return ListType(0, iceberg_type(text[:-2]), element_required=False)
    inner = re.fullmatch(r"(?:array|list)<(.*)>", text)
    if inner is not None:
        return ListType(0, iceberg_type(inner[1]), element_required=False)
    decimal = re.fullmatch(r"decimal\((\d+)\s*,\s*(\d+)\)", text)
    if decimal is not None:
        return DecimalType(int(decimal[1]), int(decimal[2]))
    found = _named_types().get(re.sub(r"\(\d+\)", "", text))
    if found is None:
        raise unsupported(f"this sandbox makes no Iceberg columns of type {name}")
    return found


def iceberg_schema(columns: dict[str, str]) -> Schema:
    """Return a schema of columns, types by name; field ids from 1 on. Raises QueryFailed."""
    from pyiceberg.schema import Schema, assign_fresh_schema_ids
    from pyiceberg.types import NestedField

    fields = [NestedField(number, name, iceberg_type(kind)) for number, (name, kind) in enumerate(columns.items(), 1)]
    return assign_fresh_schema_ids(Schema(*fields))


def partition_spec(schema: Schema, transforms: list[str]) -> PartitionSpec:
    """Return the partitions that texts such as `category`, `day(ts)`, `bucket(16, id)` name. Raises QueryFailed."""
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import parse_transform

    fields = []
    for number, text in enumerate(transforms):
        transform, column, name = _transform(text)
        if column not in schema.column_names:
            raise QueryFailed(f"COLUMN_NOT_FOUND: partition column {column} is not a column of the table")
        source = schema.find_field(column).field_id
        fields.append(PartitionField(source, _FIRST_FIELD + number, parse_transform(transform), name))
    return PartitionSpec(*fields)


def _transform(text: str) -> tuple[str, str, str]:
    """Return Iceberg's name of a transform, its column, and the name of the partition."""
    found = _TRANSFORM.fullmatch(text.strip())
    if found is None:
        column = text.strip().strip('`"').lower()
        return "identity", column, column
    kind = found[1].lower().removesuffix("s") if found[1].lower() != "s" else "s"
    # the parser may wrap a column in a function of its own
    given = [re.sub(r"^\w+\((.*)\)$", r"\1", one.strip()) for one in found[2].split(",")]
    numbers = [one for one in given if one.isdigit()]
    columns = [one.strip('`"').lower() for one in given if not one.isdigit()]
    if kind in ("year", "month", "day", "hour") and len(columns) == 1 and not numbers:
        return kind, columns[0], f"{columns[0]}_{kind}"
    if kind in ("bucket", "truncate") and len(columns) == 1 and len(numbers) == 1:
        return f"{kind}[{numbers[0]}]", columns[0], f"{columns[0]}_{'bucket' if kind == 'bucket' else 'trunc'}"
    raise unsupported(f"this sandbox does not partition by {text}")
