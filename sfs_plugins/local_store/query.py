"""Questions to the offline store, as SQL over the group's files.

The latest version of each record is found from ids and times alone, as a place (file, line); then those lines are
read, from the files that have any. Event times rank as instants: of ISO texts, whose decimals vary in width, the
digits are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    NANOS,
    SYSTEM_COLUMNS,
    WRITE_TIME,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    OfflineQuery,
    Versions,
    to_text,
)
from sfs_plugins.local_store.condition import bad_condition, checked
from sfs_plugins.local_store.scan import OfflineFiles, literal, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH_RECORDS = 8_192
_PLACE = ("file_index", "file_row_number")
"""DuckDB's own names for where a line of a Parquet file lies."""


def versions(files: OfflineFiles, query: OfflineQuery) -> Iterator[pa.RecordBatch]:
    """Yield what a query asks for, as texts. Raises UnknownFeature, BadOption for the condition."""
    wanted = chosen_features(files.group, query.features)
    condition = checked(query.where) if query.where is not None else None
    if not files.files:
        return
    with files.connected() as (connection, scratch), _blaming(query):
        question = _Question(files, query, wanted, condition, connection, scratch)
        statement = question.latest() if query.versions is Versions.LATEST else question.history()
        batches: Iterator[pa.RecordBatch] = connection.sql(statement).to_arrow_reader(_BATCH_RECORDS)
        for batch in batches:
            if batch.num_rows:
                yield _as_text(batch)


@contextmanager
def _blaming(query: OfflineQuery) -> Iterator[None]:
    """Turn a failure that can only come of the user's condition into BadOption."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.DataError) as error:
        if query.where is None:
            raise
        raise bad_condition(query.where, str(error).partition("\n")[0]) from error


@dataclass(frozen=True)
class _Question:
    """One query, and what it is asked with."""

    files: OfflineFiles
    query: OfflineQuery
    wanted: Sequence[FeatureDefinition]
    condition: str | None
    connection: duckdb.DuckDBPyConnection
    scratch: Path

    @property
    def group(self) -> FeatureGroup:
        return self.files.group

    def latest(self) -> str:
        """Return the query for the newest version of each record."""
        return self._ranked() if self._hides_places() else self._found()

    def _hides_places(self) -> bool:
        """Tell whether a feature has a name of a line's place, and so hides it."""
        return any(feature.name.lower() in _PLACE for feature in self.group.features)

    def _ranked(self) -> str:
        """Return a query that ranks whole lines: it needs no places, but more memory, and ties go either way."""
        order = f"{_instant(self.group)} DESC, {API_INVOCATION_TIME} DESC, {WRITE_TIME} DESC"
        source = self.files.source(self.files.files, self.scratch)
        lines = (
            f"SELECT * FROM (SELECT * FROM {source} {self._bounds()} QUALIFY row_number() OVER "
            f"(PARTITION BY {quoted(self.group.record_identifier)} ORDER BY {order}) = 1) WHERE NOT {IS_DELETED}"
        )
        return f"SELECT {_names(f.name for f in self.wanted)} FROM ({lines}) AS records {self._ending()}"

    def _found(self) -> str:
        """Find where the newest version of each record is, and return the query that reads those."""
        source = self.files.source(self.files.files, self.scratch)
        self.connection.execute(
            "CREATE TEMP TABLE newest AS SELECT place.f AS file_index, place.l AS line FROM ("
            f"SELECT max(struct_pack(i := {_instant(self.group)}, a := {API_INVOCATION_TIME}, w := {WRITE_TIME}, "
            f"f := file_index, l := file_row_number, d := {IS_DELETED})) AS place FROM {source} "
            f"{self._bounds()} GROUP BY {quoted(self.group.record_identifier)}) WHERE NOT place.d"
        )
        found = self.connection.execute("SELECT DISTINCT file_index FROM newest ORDER BY file_index").fetchall()
        self.connection.execute(
            "CREATE TEMP TABLE places AS SELECT new_index AS file_index, line AS file_row_number FROM newest JOIN "
            "(SELECT file_index, row_number() OVER (ORDER BY file_index) AS new_index "
            "FROM (SELECT DISTINCT file_index FROM newest)) USING (file_index)"
        )
        source = self.files.source([self.files.files[index - 1] for (index,) in found], self.scratch)
        features = _names(feature.name for feature in self.group.features)
        lines = f"SELECT {features} FROM {source} SEMI JOIN places USING (file_index, file_row_number)"
        return f"SELECT {_names(f.name for f in self.wanted)} FROM ({lines}) AS records {self._ending()}"

    def history(self) -> str:
        """Return the query for every version, in order."""
        source = self.files.source(self.files.files, self.scratch)
        columns = _names([*(feature.name for feature in self.wanted), *SYSTEM_COLUMNS])
        places = () if self._hides_places() else _PLACE
        lines = f"SELECT {', '.join(['*', *places])} FROM {source} {self._bounds()}"
        # the versions of one record that tie are neighbours
        record_id = f"CAST({quoted(self.group.record_identifier)} AS VARCHAR)"
        order = ", ".join([_instant(self.group), record_id, API_INVOCATION_TIME, WRITE_TIME, *places])
        return f"SELECT {columns} FROM ({lines}) AS records {self._ending(f'ORDER BY {order}')}"

    def _ending(self, order: str = "") -> str:
        where = "" if self.condition is None else f"WHERE {self.condition}"
        limit = "" if self.query.limit is None else f"LIMIT {self.query.limit:d}"
        return f"{where} {order} {limit}"

    def _bounds(self) -> str:
        """Return the condition on event time and write time that comes before ranking."""
        instant, between, conditions = _instant(self.group), self.query.event_time, []
        if between is not None and between.start is not None:
            conditions.append(f"{instant} >= {_bound(self.group, between.start)}")
        if between is not None and between.end is not None:
            conditions.append(f"{instant} < {_bound(self.group, between.end)}")
        if self.query.written_by is not None:
            conditions.append(f"{WRITE_TIME} <= {self.files.moment(self.query.written_by)}")
        return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _instant(group: FeatureGroup) -> str:
    """Return the SQL for a number that orders as event times do."""
    column = quoted(group.event_time)
    if group.event_time_in_seconds:
        return column
    digits = f"replace(replace(replace(left({column}, 19), '-', ''), 'T', ''), ':', '')"
    decimals = f"rpad(rtrim(substr({column}, 21), 'Z'), 9, '0')"
    return f"CAST({digits} || {decimals} AS HUGEINT)"


def _bound(group: FeatureGroup, instant: EventTime) -> str:
    """Return an instant as a number of the same kind."""
    if group.event_time_in_seconds:
        return f"CAST('{instant.unix_seconds()}' AS DOUBLE)"
    text = EventTime(instant.nanoseconds // NANOS * NANOS).iso()
    digits = "".join(character for character in text if character.isdigit())
    return f"CAST('{digits}{instant.nanoseconds % NANOS:09d}' AS HUGEINT)"


def _names(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def written_since(files: OfflineFiles, ids: pa.Array, since: EventTime) -> Counter[tuple[object, ...]]:
    """Count what was written for `ids` since a moment, by record id, event time (both typed) and `is_deleted`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not files.files:
        return Counter()
    columns = _names([files.group.record_identifier, files.group.event_time, IS_DELETED])
    with files.connected() as (connection, scratch):
        pq.write_table(pa.table({"id": ids}), scratch / "ids.parquet")
        rows = connection.execute(
            f"SELECT {columns} FROM {files.source(files.files, scratch)} "
            f"WHERE {API_INVOCATION_TIME} >= {files.moment(since)} "
            f"AND {quoted(files.group.record_identifier)} IN "
            f"(SELECT id FROM read_parquet({literal(str(scratch / 'ids.parquet'))}))"
        )
        return Counter(rows.fetchall())


def chosen_features(group: FeatureGroup, names: Sequence[str] | None) -> Sequence[FeatureDefinition]:
    """Return the features named (all when None), in the group's order. Raises UnknownFeature."""
    if names is None:
        return group.features
    wanted = {group.feature(name).name for name in names}
    return [feature for feature in group.features if feature.name in wanted]


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with features and times as texts; `is_deleted` stays true or false."""
    import pyarrow as pa

    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in (API_INVOCATION_TIME, WRITE_TIME):
            column = _iso(column)
        columns.append(column if name == IS_DELETED else to_text(column))
    return pa.record_batch(columns, names=batch.schema.names)


def _iso(column: pa.Array) -> pa.Array:
    """Return times in microseconds as ISO 8601 UTC with 0, 3 or 6 decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.replace_substring(column.cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
    texts = pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\.000000$", ""), r"(\.\d{3})000$", r"\1")
    return pc.binary_join_element_wise(texts, "Z", "")
