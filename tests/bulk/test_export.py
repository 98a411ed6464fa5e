"""`export`: a file has its name when it is whole, and not before."""

from __future__ import annotations

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfs_core import STANDARD_STREAM, AnswerUnwritable
from sfs_plugins.bulk.output_file import written
from tests.memory_session import memory_session

LATEST = [
    "1,2025-05-01T00:00:00Z,5,1.5,Oslo",
    "2,2025-05-02T00:00:00Z,,,Rome",
    "3,2025-05-03T00:00:00Z,-7,1e-7,",
]


def lines(sfs, arguments):
    header, *rest = sfs.ok(f"export {arguments}").stdout.splitlines()
    return [header, *sorted(rest)]


def test_csv_goes_to_standard_output_and_the_count_beside_it(three):
    answer = three.ok("export orders - --format csv")

    header, *rest = answer.stdout.splitlines()
    assert header == "id,at,items,price,city"
    assert sorted(rest) == LATEST
    assert answer.stderr == "3 records written\n"


def test_a_file_of_any_format_and_packing_is_written(three):
    three.ok("export orders orders.csv.gz")
    three.ok("export orders orders.json")
    three.ok("export orders orders.jsonl")

    assert sorted(gzip.decompress((three.folder / "orders.csv.gz").read_bytes()).decode().splitlines()[1:]) == LATEST
    array = json.loads((three.folder / "orders.json").read_text())
    assert sorted(array, key=lambda one: one["id"])[1] == {"id": "2", "at": "2025-05-02T00:00:00Z", "city": "Rome"}
    assert len((three.folder / "orders.jsonl").read_text().splitlines()) == 3


def test_parquet_is_typed_for_whoever_reads_it(three):
    three.ok("export orders orders.parquet --what history")

    table = pq.read_table(three.folder / "orders.parquet")

    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("id", "string"),
        ("at", "string"),
        ("items", "int64"),
        ("price", "double"),
        ("city", "string"),
        ("api_invocation_time", "timestamp[us, tz=UTC]"),
        ("write_time", "timestamp[us, tz=UTC]"),
        ("is_deleted", "bool"),
    ]
    assert table.column("items").to_pylist() == [5, None, -7]


def test_an_empty_group_gives_a_file_that_says_what_its_columns_are(orders):
    for format, text in (("csv", "id,at,items,price,city\n"), ("json", "[\n[]\n"[2:]), ("jsonl", "")):
        assert orders.ok(f"export orders - --format {format}").stdout == text
    orders.ok("export orders empty.parquet")

    assert pq.read_table(orders.folder / "empty.parquet").schema.names == ["id", "at", "items", "price", "city"]


def test_an_empty_json_file_is_an_empty_array(orders):
    assert orders.ok("export orders - --format json").json == []


def test_the_history_has_every_version_and_the_system_columns(three):
    three.ok("delete-record orders 1")

    header, *rest = three.ok("export orders - --what history --format csv").stdout.splitlines()

    assert header == "id,at,items,price,city,api_invocation_time,write_time,is_deleted"
    assert rest[-1] == "1,2025-06-01T00:00:00Z,,,,2025-06-01T00:00:00Z,2025-06-01T00:00:00Z,true"
    assert len(rest) == 4


def test_the_online_store_gives_its_own_texts(three):
    assert lines(three, "orders - --what online --format csv")[1] == "1,2025-05-01T00:00:00Z,5,1.50,Oslo"


def test_a_group_without_an_offline_store_gives_its_online_store(orders):
    orders.file("a.csv", "id,at,items\n5,2025-05-01T00:00:00Z,1\n")
    orders.ok("bulk-put numbered a.csv")

    assert lines(orders, "numbered - --format csv --columns items,id") == ["items,id", "1,5"]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ("--where 'items < 0'", ["3"]),
        ("--event-time 2025-05-02..", ["2", "3"]),
        ("--event-time ..2025-05-02", ["1"]),
        ("--event-time 2025-05-02..2025-05-03", ["2"]),
        ("--columns city,id --where \"city = 'Rome'\"", ["2"]),
    ],
)
def test_records_can_be_chosen(three, arguments, ids):
    answer = three.ok(f"export orders - --format jsonl {arguments}")

    assert sorted(json.loads(line)["id"] for line in answer.stdout.splitlines()) == ids


@pytest.mark.parametrize("what", ["latest", "history", "online"])
def test_no_more_records_than_the_limit_are_written(three, what):
    answer = three.ok(f"export orders - --format jsonl --what {what} --limit 2")

    assert len(answer.stdout.splitlines()) == 2
    assert answer.stderr == "2 records written\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("orders there.csv", 4, "{folder}/there.csv is there already: give another name, or --force to write over it"),
        ("orders nosuch/a.csv", 2, "{folder}/nosuch/a.csv cannot be written: there is no folder {folder}/nosuch"),
        ("orders store --format csv", 2, "{folder}/store cannot be written: it is a folder"),
        ("orders -", 2, "the name - does not tell the format: give --format csv, json, jsonl or parquet"),
        (
            "orders s3://bucket/a.csv",
            2,
            "s3://bucket/a.csv is on S3, and files are read and written on this machine: "
            "copy it with `aws s3 cp` first",
        ),
        (
            "orders a.csv --columns nosuch",
            2,
            "feature group 'dev:orders' has no feature 'nosuch': `sagemaker-fs describe dev:orders` shows them all",
        ),
        (
            "orders a.csv --what online --where x",
            2,
            "--where and --what online contradict each other: give one of them",
        ),
        (
            "orders a.csv --what online --event-time 1..2",
            2,
            "--event-time and --what online contradict each other: give one of them",
        ),
        ("orders a.csv --limit 0", 2, "--limit does not take 0: give a whole number from 1 on"),
        (
            "numbered a.csv --what history",
            2,
            "feature group 'dev:numbered' has no OfflineStore: `sagemaker-fs describe dev:numbered` shows its stores",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_no_file(orders, arguments, code, said):
    orders.file("there.csv", "mine")
    before = sorted(path.name for path in orders.folder.iterdir())

    answer = orders(f"export {arguments}")

    assert (answer.code, answer.stderr) == (code, f"error: {said.format(folder=orders.folder)}\n")
    assert answer.stdout == ""
    assert (orders.folder / "there.csv").read_text() == "mine"
    assert sorted(path.name for path in orders.folder.iterdir() if path.name != "state") == [
        name for name in before if name != "state"
    ]


def test_a_failure_half_way_leaves_no_half_file_and_what_was_there_stays(three):
    three.file("orders.csv", "as it was")

    answer = three("export orders orders.csv --force --where 'nosuch = 1'")

    assert answer.code == 2
    assert (three.folder / "orders.csv").read_text() == "as it was"
    assert [path.name for path in three.folder.iterdir() if path.name.endswith(".partial")] == []


def test_force_writes_over_what_is_there(three):
    three.file("orders.csv", "as it was")

    three.ok("export orders orders.csv --force")

    assert len((three.folder / "orders.csv").read_text().splitlines()) == 4


def test_a_full_disk_is_one_sentence(three):
    answer = three("export orders /dev/full --format csv")

    assert (answer.code, answer.stderr) == (
        12,
        "error: no space is left in /dev, so nothing more was done: free some, then try again\n",
    )


def test_a_stdout_that_takes_no_more_is_named_as_such(tmp_path):
    session, full = memory_session(tmp_path), io.TextIOWrapper(io.FileIO("/dev/full", "w"))

    with pytest.raises(AnswerUnwritable) as refused, written(STANDARD_STREAM, session, full) as stream:
        stream.write(b"id,at\n")

    assert str(refused.value) == "the answer cannot be written to stdout (No space left on device), so it is not whole"


def test_a_link_stays_a_link(three):
    (three.folder / "link.csv").symlink_to(three.folder / "orders.csv")

    three.ok("export orders link.csv")

    assert (three.folder / "link.csv").is_symlink()
    assert len((three.folder / "orders.csv").read_text().splitlines()) == 4


def test_parquet_and_standard_output_go_together(three):
    answer = three.ok("export orders - --format parquet")

    table = pq.read_table(pa.BufferReader(answer.stdout.encode("utf-8", "surrogateescape")))
    assert table.num_rows == 3
