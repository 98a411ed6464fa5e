"""Record ids in files: which column holds them, and what cannot be one."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfs_core import FeatureGroup, FeatureGroupName, OnlineStore, SfsError
from sfs_core.testing import new_group
from sfs_plugins.record_ids import FileRecordIds
from tests.memory_session import memory_session


def group(record_identifier="id:String"):
    new = new_group(record_identifier=record_identifier)
    return FeatureGroup(
        "memory", FeatureGroupName("orders"), new.record_identifier, new.event_time, new.features, OnlineStore(), None
    )


@pytest.fixture
def session(tmp_path):
    session = memory_session(tmp_path)
    session.folder = tmp_path
    return session


def ids_in(session, name, content=None, record_identifier="id:String", **options):
    """Return the ids of a file with such content."""
    if isinstance(content, (str, bytes)):
        (session.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    elif content is not None:
        pq.write_table(pa.table(content), session.folder / name)
    source = FileRecordIds(group(record_identifier), (session.folder / name).relative_to(session.folder), **options)
    batches = list(source.batches(session))
    assert {tuple(batch.schema.names) for batch in batches} == {("record_id",)}
    return [record_id for batch in batches for record_id in batch.column(0).to_pylist()]


def refused(session, *arguments, **options):
    with pytest.raises(SfsError) as caught:
        ids_in(session, *arguments, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids.txt", "r1\nr2\nr1\n"),
        ("ids", "\ufeffr1\r\n\r\nr2\r\nr1"),
        ("ids.csv", "r1\nr2\nr1\n"),
        ("ids.csv", "id\nr1\nr2\nr1\n"),
        ("ids.csv", "record_id\nr1\nr2\nr1\n"),
        ("ids.csv", "city,id\nOslo,r1\nRome,r2\nOslo,r1\n"),
        ("ids.csv", "city,record_id\nOslo,r1\nRome,r2\nOslo,r1\n"),
        ("ids.csv", "record_id,id\nx,r1\nx,r2\nx,r1\n"),
        ("ids.csv.gz", gzip.compress(b"id\nr1\nr2\nr1\n", mtime=0)),
        pytest.param("ids.csv.gz", gzip.compress(b"id\nr1\nr2\nr1\n" + b"\n" * 2**23), id="many blank lines"),
        ("ids.json", '["r1", "r2",\n"r1"]'),
        ("ids.json", '[{"id": "r1", "city": "Oslo"}, {"id": "r2"}, {"id": "r1"}]'),
        ("ids.json", '[{"customer": "r1"}, {"customer": "r2"}, {"customer": "r1"}]'),
        ("ids.jsonl", '"r1"\n"r2"\n"r1"\n'),
        ("ids.jsonl", '{"record_id": "r1"}\n{"record_id": "r2"}\n{"record_id": "r1"}\n'),
        ("ids.parquet", {"city": ["a", "b", "c"], "id": ["r1", "r2", "r1"]}),
        ("ids.parquet", {"customer": ["r1", "r2", "r1"]}),
    ],
)
def test_ids_are_found_in_files_of_every_form(session, name, content):
    assert ids_in(session, name, content) == ["r1", "r2", "r1"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids.json", "[9223372036854775807, 5, 7]"),
        ("ids.jsonl", '9223372036854775807\n"5"\n7\n'),
        ("ids.parquet", {"id": [9223372036854775807, 5, 7]}),
        ("ids.csv", "9223372036854775807\n5\n7\n"),
    ],
)
def test_numbers_keep_their_digits(session, name, content):
    assert ids_in(session, name, content, "id:Integral") == ["9223372036854775807", "5", "7"]


def test_whole_numbers_that_became_doubles_turn_back(session):
    assert ids_in(session, "ids.parquet", {"id": [5.0, 7.0]}, "id:Integral") == ["5", "7"]


def test_a_column_can_be_named(session):
    assert ids_in(session, "ids.csv", "id,old\nr1,r2\n", column="old") == ["r2"]
    assert ids_in(session, "ids.json", '[{"id": "r1", "old": "r2"}]', column="old") == ["r2"]


def test_ids_are_read_from_standard_input_one_a_line(session):
    session.stdin = io.StringIO("r1\nr,2\n")

    source = FileRecordIds(group(), pa_path("-"))

    assert [batch.column(0).to_pylist() for batch in source.batches(session)] == [["r1", "r,2"]]
    assert str(source.describe()) == "record ids in standard input"


def pa_path(text):
    from pathlib import Path

    return Path(text)


def test_a_large_file_comes_in_several_batches(session):
    ids = [f"r{number}" for number in range(150_000)]

    assert ids_in(session, "ids.txt", "\n".join(ids)) == ids


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "ids.csv",
            "city,item\na,b\n",
            "ids.csv has no column 'id': it has 'city', 'item'; say which holds the record ids with --file-column",
        ),
        (
            "ids.json",
            '[{"city": 1, "item": 2}]',
            "ids.json has no column 'id': it has 'city', 'item'; say which holds the record ids with --file-column",
        ),
        (
            "ids.parquet",
            {"city": ["a"], "item": ["b"]},
            "ids.parquet has no column 'id': it has 'city', 'item'; say which holds the record ids with --file-column",
        ),
        ("ids.csv", "id,city\nr1,a\n,b\n", "record id 2 of ids.csv is empty"),
        ("ids.csv", 'r1\n""\n', "record id 2 of ids.csv is empty"),
        ("ids.json", '["r1", null]', "record id 2 of ids.json is empty"),
        ("ids.json", '[{"id": "r1", "city": "a"}, {"city": "b"}]', "record id 2 of ids.json is empty"),
        ("ids.jsonl", '"r1"\n""\n', "record id 2 of ids.jsonl is empty"),
        ("ids.parquet", {"id": ["r1", None]}, "record id 2 of ids.parquet is empty"),
        ("ids.json", '["r1", true]', "ids.json cannot be read: value 2 is no record id"),
        (
            "ids.json",
            '["r1", "\\ud800"]',
            "ids.json cannot be read: value 2 has half of a surrogate pair, which is no text",
        ),
        (
            "ids.csv",
            'id\nr"0\n"r1',
            "ids.csv cannot be read: a cell after record 1 does not end: a quotation mark is missing there",
        ),
        (
            "ids.csv",
            'city,id\n"a","r""1\n',
            "ids.csv cannot be read: a cell after record 0 does not end: a quotation mark is missing there",
        ),
        ("ids.json", '[["r1"]]', "ids.json cannot be read: value 1 is no record id"),
        ("ids.jsonl", '"r1"\nr2\n', "ids.jsonl cannot be read: line 2 is not JSON (at character 1: Expecting value)"),
        ("ids.txt", b"r1\n\xff\n", "ids.txt cannot be read: line 2 is not UTF-8"),
        ("ids.txt", "", "ids.txt cannot be read: it holds no record ids"),
        ("ids.csv", "id\n", "ids.csv cannot be read: it holds no record ids"),
        ("ids.json", "[]", "ids.json cannot be read: it holds no record ids"),
        ("ids.parquet", b"PAR1", "ids.parquet cannot be read: it is not a Parquet file, or not all of it"),
        ("nosuch.csv", None, "nosuch.csv cannot be read: no such file or directory"),
    ],
)
def test_what_holds_no_ids_is_one_sentence(session, name, content, said):
    assert refused(session, name, content) == said


def test_a_column_that_was_named_and_is_not_there_is_refused(session):
    assert refused(session, "ids.csv", "id\nr1\n", column="old") == (
        "ids.csv has no column 'old': it has 'id'; say which holds the record ids with --file-column"
    )


def test_ids_that_the_record_identifier_cannot_have_are_refused(session):
    assert refused(session, "ids.txt", "5\nfive\n", "id:Integral") == (
        "record id 2 of ids.txt is 'five', and the record identifier is Integral"
    )
