"""`create --infer`: feature types from the columns of a file, said before the group is made."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CSV = """\
id,at,zip,phone,items,price,ratio,big,note,empty,is_deleted
1,2025-06-01T00:00:00Z,00501,+4930,5,1.50,1e-3,9223372036854775807,"a
b",,false
2,2025-06-01T00:00:00Z,10001,+4931,,2,.5,9223372036854775808,5,,true
"""


def types(sfs, name):
    described = sfs.ok(f"describe {name} --output json").json
    return {feature["name"]: feature["type"] for feature in described["features"]}


def test_what_was_inferred_is_said(sfs):
    path = sfs.file("records.csv", CSV)

    answer = sfs.ok("create new --infer records.csv --record-id id --event-time at --online")

    assert answer.stderr.splitlines()[:-2] == [
        f"inferred from 2 records of {path}:",
        "  id:Integral",
        "  at:String",
        "  zip:String",
        "  phone:String",
        "  items:Integral",
        "  price:Fractional",
        "  ratio:Fractional",
        "  big:String",
        "  note:String",
        "  empty:String (it has no value, so String is a guess)",
        "  left out, as the service writes them itself: is_deleted",
    ]
    assert types(sfs, "new")["items"] == "Integral"


def test_the_schema_can_be_printed_mended_and_given_back(sfs):
    sfs.file("records.csv", "id,at,code\n1,2025-06-01T00:00:00Z,5\n")
    printed = sfs.ok("create new --infer records.csv --record-id id --event-time at --print-schema").stdout

    sfs.ok("create new --online --schema -", stdin=printed.replace("code\n  type: Integral", "code\n  type: String"))

    assert types(sfs, "new") == {"id": "Integral", "at": "String", "code": "String"}


def test_a_value_in_the_last_line_counts(sfs):
    lines = "".join(f"{number},2025-06-01T00:00:00Z,{number}\n" for number in range(200_000))
    sfs.file("records.csv", "id,at,n\n" + lines + "x,2025-06-01T00:00:00Z,1.5\n")

    sfs.ok("create new --infer records.csv --record-id id --event-time at --online")

    assert types(sfs, "new") == {"id": "String", "at": "String", "n": "Fractional"}


def test_keys_get_the_types_the_service_takes(sfs):
    sfs.file("records.csv", "id,at\n1.5,1748736000\n")

    sfs.ok("create new --infer records.csv --record-id id --event-time at --online")

    assert types(sfs, "new") == {"id": "String", "at": "Fractional"}


@pytest.mark.parametrize("form", ["lines", "array", "gzip"])
def test_json_is_read_by_the_kind_of_value(sfs, form):
    records = [
        {"id": "007", "at": "2025-06-01T00:00:00Z", "n": 5, "f": 1, "code": "5", "flag": True, "gone": None},
        {"id": "008", "at": "2025-06-01T00:00:00Z", "n": 2**63 - 1, "f": 1e-7, "tags": ["a", "b"], "sizes": [1, 2]},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    contents = {"lines": lines, "array": json.dumps(records, indent=1), "gzip": gzip.compress(lines.encode())}
    name = {"lines": "r.jsonl", "array": "r.json", "gzip": "r.jsonl.gz"}[form]
    sfs.file(name, contents[form])

    sfs.ok(f"create new --infer {name} --record-id id --event-time at --online --storage-type InMemory")

    assert types(sfs, "new") == {
        "id": "String",
        "at": "String",
        "n": "Integral",
        "f": "Fractional",
        "code": "String",
        "flag": "String",
        "gone": "String",
        "tags": "String:List",
        "sizes": "Integral:List",
    }


def test_parquet_says_its_types_itself(sfs):
    table = pa.table(
        {
            "id": pa.array([1], pa.int32()),
            "at": pa.array([0], pa.timestamp("us", "UTC")),
            "f": pa.array([1], pa.float32()),
            "flag": pa.array([True]),
            "write_time": pa.array([0], pa.timestamp("us")),
        }
    )
    pq.write_table(table, sfs.folder / "r.parquet")

    sfs.ok("create new --infer r.parquet --record-id id --event-time at --online")

    assert types(sfs, "new") == {"id": "Integral", "at": "String", "f": "Fractional", "flag": "String"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("r.csv", "", "it holds no records, so there is nothing to infer from"),
        ("r.csv", "id,at\n", "it holds no records, so there is nothing to infer from"),
        ("r.csv", "id,at,id\n1,2,3\n", "it has more than one column named id"),
        ("r.csv", "id,at\n1\n", "CSV parse error: Expected 2 columns, got 1: 1"),
        ("r.json", "[]", "it holds no records, so there is nothing to infer from"),
        ("r.json", "[1]", "record 1 is not names and values"),
        (
            "r.jsonl",
            '{"id": 1}\n{"id": ',
            "record 2 is not JSON (Expecting value: line 1 column 8 (char 7)); JSON lines hold one record each",
        ),
        (
            "r.jsonl",
            '{"id": 1}\n{"id": [1]}',
            "'id' is a list in some records and one value in others",
        ),
        (
            "r.parquet",
            "PAR1 and then nothing",
            "Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file.",
        ),
        ("r.xlsx", "", "its name must end in one of .csv, .json, .jsonl, .ndjson, .parquet"),
    ],
)
def test_a_file_that_tells_nothing_is_named_with_the_reason(sfs, name, content, problem):
    path = sfs.file(name, content)

    answer = sfs(f"create new --infer {name} --record-id id --event-time at --online")

    assert (answer.code, answer.stderr) == (2, f"error: {path} cannot be read: {problem}\n")


def test_a_file_that_is_not_there_is_named(sfs):
    answer = sfs("create new --infer r.csv --record-id id --event-time at --online")

    assert (answer.code, answer.stderr) == (
        2,
        f"error: {sfs.folder / 'r.csv'} cannot be read: No such file or directory\n",
    )


def test_the_two_keys_must_be_named_among_the_columns(sfs):
    path = sfs.file("r.csv", "id,at\n1,2025-06-01T00:00:00Z\n")

    answer = sfs("create new --infer r.csv --record-id id --online")

    assert (answer.code, answer.stderr) == (2, f"error: --event-time must name one of the columns of {path}: id, at\n")
