"""What an offline store tells, asked of Athena: the latest records unordered, or the whole history in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    RECORD_ID,
    WRITE_TIME,
    BadOption,
    EventTimeRange,
    FeatureDefinition,
    FeatureGroup,
    GlueTable,
    OfflineQuery,
    Versions,
    say,
)
from sfs_plugins.sagemaker_store.athena import Athena, BadSql
from sfs_plugins.sagemaker_store.query import NoGlueTable, select, select_ids

if TYPE_CHECKING:
    import pyarrow as pa


def versions(athena: Athena, group: FeatureGroup, asked: OfflineQuery) -> Iterator[pa.RecordBatch]:
    """Yield the records a query asks for. Raises UnknownFeature, NoGlueTable, BadOption for its condition."""
    wanted = None if asked.features is None else {group.feature(name).name for name in asked.features}
    features = [feature for feature in group.features if wanted is None or feature.name in wanted]
    return _versions(athena, group, asked, features)


def record_ids(athena: Athena, group: FeatureGroup, event_time: EventTimeRange | None) -> Iterator[pa.RecordBatch]:
    """Yield the ids of every version, each once. Raises NoGlueTable."""
    table = table_of(group)
    select, as_text = (select_ids(group, event_time, as_text=as_text) for as_text in (False, True))
    return (batch.rename_columns([RECORD_ID]) for batch in athena.unload(select, as_text, table))


def table_of(group: FeatureGroup) -> GlueTable:
    """Return the group's table as Describe names it. Raises NoGlueTable."""
    table = group.offline.table if group.offline else None
    if table is None:
        raise NoGlueTable(group=group.name)
    return table


def _versions(
    athena: Athena, group: FeatureGroup, asked: OfflineQuery, features: Sequence[FeatureDefinition]
) -> Iterator[pa.RecordBatch]:
    table, history = table_of(group), asked.versions is Versions.HISTORY
    names = [feature.name for feature in features]
    as_text = select(group, asked, features, as_text=True)
    try:
        found = (
            athena.rows(as_text, table)
            if history
            else athena.unload(select(group, asked, features, as_text=False), as_text, table)
        )
        for batch in found:
            yield _history(batch, names) if history else batch.rename_columns(names)
    except BadSql as error:
        if asked.where is None:
            raise
        expected = say("a condition on its features: {problem}", problem=error.message.fields["reason"])
        raise BadOption(option="--where", value=asked.where, expected=expected) from error


def _history(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Return a batch of the history with system columns as the contract has them: a boolean and ISO 8601 texts."""
    import pyarrow as pa

    columns = batch.columns[: len(names)]
    marker, *times = batch.columns[len(names) :]
    columns += [marker.cast(pa.bool_()), *(_iso(column) for column in times)]
    return pa.record_batch(columns, names=[*names, IS_DELETED, WRITE_TIME, API_INVOCATION_TIME])


def _iso(column: pa.Array) -> pa.Array:
    """Return Athena's timestamps (`2025-06-01 12:00:00.000`) as ISO 8601 UTC with 0, 3 or 6 decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.replace_substring(column.cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
    texts = pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\.000000$", ""), r"(\.\d{3})000$", r"\1")
    return pc.binary_join_element_wise(texts, "Z", "")
