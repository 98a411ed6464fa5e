"""Questions to the offline store, as SQL over the group's files.

The latest version of each record is found from ids and times alone, as a place (file, line); then those lines are
read, from the files that have any. Both are done in parts of so many lines that memory stays flat, however many there
are. Event times rank as instants: of ISO texts, whose decimals vary in width, the digits are compared.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sfs_core import (
    API_INVOCATION_TIME,
    IS_DELETED,
    NANOS,
    RECORD_ID,
    SYSTEM_COLUMNS,
    WRITE_TIME,
    EventTime,
    EventTimeRange,
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
_PART_LINES = 250_000
_DEALT_LINES = 2_048
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
        statements = question.latest() if query.versions is Versions.LATEST else [question.history()]
        for batch in _answers(connection, statements, query.limit):
            yield _as_text(batch)


def _answers(
    connection: duckdb.DuckDBPyConnection, statements: Iterable[str], limit: int | None
) -> Iterator[pa.RecordBatch]:
    """Yield what the statements answer, one after the other, and no more records in all than the limit."""
    left = limit
    for statement in statements:
        batches: Iterator[pa.RecordBatch] = connection.sql(statement).to_arrow_reader(_BATCH_RECORDS)
        for batch in batches:
            some = batch if left is None else batch.slice(0, left)
            if some.num_rows:
                yield some
            if left is not None:
                left -= some.num_rows
                if not left:
                    return


def offline_record_ids(files: OfflineFiles, event_time: EventTimeRange | None) -> Iterator[pa.RecordBatch]:
    """Yield the ids that the files hold, each once, as texts: delete markers' too, unordered."""
    import pyarrow as pa

    if not files.files:
        return
    with files.connected() as (connection, scratch):
        question = _Question(files, OfflineQuery(event_time=event_time), (), None, connection, scratch)
        batches: Iterator[pa.RecordBatch] = connection.sql(question.ids()).to_arrow_reader(_BATCH_RECORDS)
        for batch in batches:
            if batch.num_rows:
                yield pa.record_batch({RECORD_ID: to_text(batch.column(0))})


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

    def latest(self) -> Iterator[str]:
        """Yield queries that together answer with the newest version of each record, to be asked one by one."""
        if self._hides_places():
            yield self._ranked()
            return
        self._find()
        for first, last in self._spans():
            if self._choose(first, last):
                yield self._chosen()

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

    def _find(self) -> None:
        """Write down where the newest version of each record is.

        All lines are looked at once, for their ids and times alone. Of many, these are first dealt out by the record
        id to parts of a size that memory holds, and then each part is ranked by itself.
        """
        source, record_id = self.files.source(self.files.files, self.scratch), quoted(self.group.record_identifier)
        parts = -(-sum(self._lines) // _PART_LINES)
        place = (
            f"struct_pack(i := {_instant(self.group)}, a := {API_INVOCATION_TIME}, w := {WRITE_TIME}, "
            f"f := file_index, l := file_row_number, d := {IS_DELETED})"
        )
        # no feature's name begins with an underscore
        lines = f"SELECT {record_id} AS _id, {place} AS _place FROM {source} {self._bounds()}"
        if parts <= 1:
            self._rank(f"({lines})", 0)
            return
        dealt = self.scratch / "dealt"
        self.connection.execute(
            f"COPY (SELECT *, hash(_id) % {parts} AS _part FROM ({lines})) TO {literal(str(dealt))} "
            f"(FORMAT parquet, PARTITION_BY (_part), ROW_GROUP_SIZE {_DEALT_LINES}, COMPRESSION uncompressed)"
        )
        for number, part in enumerate(sorted(dealt.iterdir())):
            self._rank(f"read_parquet({literal(str(part / '*.parquet'))}, hive_partitioning = false)", number)
            shutil.rmtree(part)

    def _rank(self, lines: str, part: int) -> None:
        """Write down the places of the newest versions among lines of ids and places, delete markers left out."""
        newest = literal(str(self.scratch / f"newest-{part}.parquet"))
        self.connection.execute(
            "COPY (SELECT _place.f AS file_index, _place.l AS line FROM "
            f"(SELECT max(_place) AS _place FROM {lines} GROUP BY _id) WHERE NOT _place.d ORDER BY file_index) "
            f"TO {newest}"
        )

    @cached_property
    def _lines(self) -> list[int]:
        """How many lines each file has."""
        return self.files.lines()

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Yield first and last number of files that follow one another and together have about a part's lines."""
        first, lines = 1, 0
        for number, count in enumerate(self._lines, 1):
            if lines and lines + count > _PART_LINES:
                yield first, number - 1
                first, lines = number, 0
            lines += count
        if lines:
            yield first, len(self.files.files)

    def _choose(self, first: int, last: int) -> bool:
        """Take the places in some of the files from what was written down; tell whether there are any."""
        newest = literal(str(self.scratch / "newest-*.parquet"))
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE newest AS SELECT file_index, line "
            f"FROM read_parquet({newest}) WHERE file_index BETWEEN {first} AND {last}"
        )
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE places AS SELECT new_index AS file_index, line AS file_row_number "
            "FROM newest JOIN (SELECT file_index, row_number() OVER (ORDER BY file_index) AS new_index "
            "FROM (SELECT DISTINCT file_index FROM newest)) USING (file_index)"
        )
        return self.connection.execute("SELECT 1 FROM newest LIMIT 1").fetchone() is not None

    def _chosen(self) -> str:
        """Return the query that reads the lines at the places taken, from the files that have any."""
        found = self.connection.execute("SELECT DISTINCT file_index FROM newest ORDER BY file_index").fetchall()
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

    def ids(self) -> str:
        """Return the query for every record id."""
        column, source = quoted(self.group.record_identifier), self.files.source(self.files.files, self.scratch)
        return f"SELECT DISTINCT id FROM (SELECT {column} AS id FROM {source} {self._bounds()}) WHERE id IS NOT NULL"

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
