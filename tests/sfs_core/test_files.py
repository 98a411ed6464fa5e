"""Files that people bring: their form, their packing, their contents as batches."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfs_core import FileFormat, FileNotLocal, FormatUnknown, file_format, read_batches
from sfs_core.tables import BATCH_CELLS
from tests.memory_session import memory_session


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", FileFormat.CSV),
        ("A.CSV.GZ", FileFormat.CSV),
        ("a.json", FileFormat.JSON),
        ("a.jsonl.zst", FileFormat.JSONL),
        ("a.ndjson", FileFormat.JSONL),
        ("a.b/c.parquet", FileFormat.PARQUET),
        ("a.pq.gz", FileFormat.PARQUET),
    ],
)
def test_the_name_tells_the_form(name, format):
    assert file_format(Path(name)) is format


def test_what_is_said_goes_before_the_name():
    assert file_format(Path("a.csv"), FileFormat.JSON) is FileFormat.JSON


@pytest.mark.parametrize("name", ["a", "a.gz", "-", "csv", "a.txt"])
def test_a_name_that_tells_nothing_is_refused(name):
    with pytest.raises(FormatUnknown):
        file_format(Path(name))


def test_files_on_s3_are_refused_by_their_own_name():
    with pytest.raises(FileNotLocal, match=r"s3://bucket/key\.csv is on S3"):
        file_format(Path("s3://bucket/key.csv"), FileFormat.CSV)


def test_a_wide_parquet_file_comes_in_short_batches(tmp_path):
    rows = 3_000
    table = pa.table({f"f{number}": pa.array(range(rows)) for number in range(BATCH_CELLS // 1_000)})
    pq.write_table(table, tmp_path / "wide.parquet")

    batches = read_batches(tmp_path / "wide.parquet", FileFormat.PARQUET, memory_session(tmp_path))

    assert [batch.num_rows for batch in batches] == [1_000, 1_000, 1_000]


def test_parquet_keeps_its_own_types(tmp_path):
    pq.write_table(pa.table({"whole": pa.array([5]), "real": pa.array([0.5])}), tmp_path / "a.parquet")

    (batch,) = read_batches(tmp_path / "a.parquet", FileFormat.PARQUET, memory_session(tmp_path))

    assert [str(kind) for kind in batch.schema.types] == ["int64", "double"]


def test_a_large_csv_file_comes_in_several_batches_of_texts(tmp_path):
    (tmp_path / "a.csv").write_text("number,text\n" + "".join(f'{number},"a\nb"\n' for number in range(800_000)))

    batches = list(read_batches(tmp_path / "a.csv", FileFormat.CSV, memory_session(tmp_path)))

    assert len(batches) > 1
    assert sum(batch.num_rows for batch in batches) == 800_000
    assert {str(kind) for batch in batches for kind in batch.schema.types} == {"string"}
