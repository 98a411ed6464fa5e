"""What is exported comes back the same, whatever the values, the format and the compression."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfs_core import (
    COMPRESSIONS,
    CheckRecords,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    FileFormat,
    OnlineStore,
    StorageType,
    Value,
    file_format,
    records_from,
    rows_of,
    to_typed,
)
from sfs_plugins.bulk.normalise import NormaliseRecords
from sfs_plugins.bulk.output_file import written
from sfs_plugins.bulk.record_file import EmptyString, RecordFile
from sfs_plugins.bulk.record_writer import Columns, record_writer
from tests.memory_session import memory_session

FEATURES = tuple(
    FeatureDefinition.parse(text)
    for text in (
        "id:String",
        "at:String",
        "text:String",
        "whole:Integral",
        "real:Fractional",
        "texts:String:List",
        "wholes:Integral:Set",
        "reals:Fractional:Vector(2)",
    )
)
GROUP = FeatureGroup(
    "memory", FeatureGroupName("all"), "id", "at", FEATURES, OnlineStore(StorageType.IN_MEMORY), offline=None
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "",
        " ",
        '"',
        '""',
        ",",
        "\n",
        "\r",
        "\r\n",
        "\x00",
        "\ufeff",
        "null",
        "NaN",
        "[]",
        "{}",
        "5",
        "true",
        "\u2028",
        "'",
        "\\",
    ]
)
WHOLE = st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(
    [str(2**63 - 1), str(-(2**63)), "+5", "007", "-0", str(2**53 + 1)]
)
REAL = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(
    ["5", "5.", ".5", "+1.50", "5e-324", "1.7976931348623157e308", "-0.0", "007.10", "1E5"]
)
TIME = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
VALUES = {
    "text": TEXT,
    "whole": WHOLE,
    "real": REAL,
    "texts": st.lists(TEXT, max_size=4),
    "wholes": st.lists(WHOLE, max_size=4, unique_by=int),
    "reals": st.lists(REAL, min_size=2, max_size=2),
}
RECORDS = st.lists(
    st.fixed_dictionaries({"id": TEXT.filter(bool), "at": TIME}, optional=VALUES), min_size=1, max_size=8
)
FILES = [f"records.{format}{suffix}" for format in FileFormat for suffix in ("", *COMPRESSIONS)]


def exported(records: list[pa.RecordBatch], path: Path, session) -> None:
    with written(path, session, session.said) as stream:
        writer = record_writer(file_format(path), stream, Columns(FEATURES))
        for batch in records:
            writer.write(batch)
        writer.close()


def imported(path: Path, session) -> list[dict[str, Value]]:
    """Return the records that `bulk-put --empty-string keep` would put."""
    rows: list[dict[str, Value]] = []
    for batch in RecordFile(GROUP, path, file_format(path), EmptyString.KEEP).batches(session):
        normal, refused = NormaliseRecords(GROUP).apply(batch, session)
        good, bad = CheckRecords(GROUP).apply(normal, session)
        assert (list(refused), list(bad)) == ([], [])
        rows += rows_of(good)
    return rows


@pytest.mark.parametrize("name", [name for name in FILES if ".parquet" not in name])
@given(rows=RECORDS)
@settings(max_examples=40, deadline=None)
def test_texts_come_back_as_the_very_same_texts(name, rows):
    with tempfile.TemporaryDirectory() as folder:
        path, session = Path(folder) / name, memory_session(Path(folder))

        exported([records_from(FEATURES, [row]) for row in rows], path, session)

        assert imported(path, session) == rows


@pytest.mark.parametrize("name", [name for name in FILES if ".parquet" in name])
@given(rows=RECORDS)
@settings(max_examples=40, deadline=None)
def test_parquet_gives_back_the_same_numbers_and_texts(name, rows):
    with tempfile.TemporaryDirectory() as folder:
        path, session = Path(folder) / name, memory_session(Path(folder))

        exported([records_from(FEATURES, [row]) for row in rows], path, session)

        assert typed_rows(imported(path, session)) == typed_rows(rows)


def typed_rows(rows):
    return to_typed(records_from(FEATURES, rows), FEATURES).to_pylist()


@pytest.mark.parametrize("name", FILES)
def test_files_of_many_batches_come_back_in_order(name, tmp_path):
    session = memory_session(tmp_path)
    rows = [
        {"id": f"r{number}", "at": "2025-05-01T00:00:00Z", "whole": str(number), "text": "x" * (number % 50)}
        for number in range(30_000)
    ]

    exported(
        [records_from(FEATURES, rows[start : start + 7_000]) for start in range(0, 30_000, 7_000)],
        tmp_path / name,
        session,
    )

    assert imported(tmp_path / name, session) == rows
