"""The record ids in one Parquet file of an offline store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from sfs_core import FLAT, RECORD_ID, FeatureGroup, FeatureType, Message, Refused, Store, say, to_text

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_IDS: Final = 65_536


class NotOwnParquet(Refused):
    """A file under a group's root is not one of the group's own Parquet files."""

    sentence = (
        "{key} is not a Parquet file of {group} ({problem}), and the record ids in it would be missing, so nothing was "
        "done: move it away, or give --ids athena or --ids online"
    )


def ids_in(store: Store, group: FeatureGroup, key: str) -> Iterator[pa.RecordBatch]:
    """Yield the ids in a file, each once a batch; only its footer and that column are read. Raises NotOwnParquet."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with closing(store.open_object(group, key)) as file:
        try:
            table = pq.ParquetFile(pa.PythonFile(file, "r"), **FLAT)
            name = _column(table.schema_arrow, group, key)
            for batch in table.iter_batches(batch_size=BATCH_IDS, columns=[name]):
                ids = to_text(pc.unique(batch.column(0)))
                if ids.null_count:
                    raise _not_own(group, key, say("a record in it has no record id"))
                yield pa.record_batch({RECORD_ID: ids})
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                # of the disk, not of what is in the file
                raise
            raise _not_own(group, key, say("{problem}", problem=str(error).partition("\n")[0])) from error


def _not_own(group: FeatureGroup, key: str, problem: Message) -> NotOwnParquet:
    return NotOwnParquet(key=key, group=group.address, problem=problem)


def _column(schema: pa.Schema, group: FeatureGroup, key: str) -> str:
    """Return the id column's name in a file: the feature's own, or in lower case, as the catalogue's tools write it."""
    own = group.record_identifier
    others = {feature.name for feature in group.features} - {own}
    for name in dict.fromkeys((own, own.lower())):
        if schema.names.count(name) == 1 and name not in others:
            kind = schema.field(name).type
            if not _is_of(group.feature(own).type, kind):
                problem = say("its column {column!r} is of type {kind}", column=name, kind=kind)
                raise _not_own(group, key, problem)
            return name
    raise _not_own(group, key, say("it has no column {column!r}", column=own))


def _is_of(feature: FeatureType, kind: pa.DataType) -> bool:
    from pyarrow import types

    fitting: dict[FeatureType, bool] = {
        FeatureType.STRING: types.is_string(kind) or types.is_large_string(kind),
        FeatureType.INTEGRAL: types.is_integer(kind),
        FeatureType.FRACTIONAL: types.is_floating(kind),
    }
    return fitting[feature]
