"""`bulk-put`: every record of a file is checked before the first is written."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEADER = "id,at,items,price,city\n"
GOOD = "1,2025-05-01T00:00:00Z,5,1.50,Oslo\n"


def record(sfs, record_id="1", group="orders"):
    return sfs.ok(f"get {group} {record_id} --output json").json


def texts(sfs, record_id="1", group="orders"):
    """Return a record's values in the very texts that are stored."""
    lines = sfs.ok("bulk-get --format csv --output-file -", group, "-", stdin=record_id).stdout.splitlines()
    return dict(zip(lines[0].split(","), lines[1].split(","), strict=True))


def online(sfs, group="orders"):
    lines = sfs.ok(f"export {group} - --what online --format jsonl").stdout.splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda one: one["id"])


def refused(sfs, line, **more):
    """Return the one sentence of a command that ends as a usage error, having written nothing."""
    answer = sfs(line, **more)
    assert answer.code == 2, answer
    assert online(sfs) == []
    assert answer.stdout == ""
    return answer.stderr


def parquet(sfs, name, **columns):
    pq.write_table(pa.table(columns), sfs.folder / name)


# what it says and does


def test_the_plan_is_shown_then_carried_out_and_reported(orders):
    orders.file("records.csv", HEADER + GOOD)

    answer = orders.ok("bulk-put orders records.csv")

    said = answer.stderr.splitlines()
    assert said[0] == "Put records into dev:orders"
    assert said[2] == "  1. 1 from records.csv -> put into dev:orders (OnlineStore, OfflineStore)"
    assert said[-1] == "  1. 1 from records.csv -> put into dev:orders (OnlineStore, OfflineStore): 1 done"
    assert answer.stdout == ""
    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z", "items": 5, "price": 1.5, "city": "Oslo"}


def test_a_dry_run_counts_and_writes_nothing(orders):
    orders.file("records.csv", HEADER + GOOD)

    answer = orders.ok("bulk-put orders records.csv --dry-run")

    assert "1. 1 from records.csv" in answer.stderr
    assert online(orders) == []


def test_one_store_can_be_chosen(orders):
    orders.file("records.csv", HEADER + GOOD)

    orders.ok("bulk-put orders records.csv --to offline")

    assert online(orders) == []
    assert orders.ok("export orders - --format csv").stdout == HEADER + "1,2025-05-01T00:00:00Z,5,1.5,Oslo\n"


def test_a_store_that_the_group_has_not_got_is_refused(orders):
    orders.file("records.csv", HEADER + GOOD)

    said = refused(orders, "bulk-put numbered records.csv --to offline")

    assert said == (
        "error: feature group 'dev:numbered' has no OfflineStore: "
        "`sagemaker-fs describe dev:numbered` shows its stores\n"
    )


def test_each_record_can_have_its_own_time_to_live(orders):
    orders.file("records.csv", HEADER + GOOD)

    orders.ok("bulk-put orders records.csv --ttl 1d")

    assert orders("get orders 1").code == 10, "a day after its event time it has expired"


@pytest.mark.parametrize("size", [1, 2, 5000])
def test_the_size_of_batches_changes_nothing(orders, size):
    rows = [f"{number},2025-05-01T00:00:00Z,{number},,\n" for number in range(1, 8)]
    orders.file("records.csv", HEADER + "".join(rows))

    orders.ok(f"bulk-put orders records.csv --batch-size {size}")

    assert [one["items"] for one in online(orders)] == [1, 2, 3, 4, 5, 6, 7]


def test_of_records_with_one_id_the_latest_event_time_stays_online_and_all_go_offline(orders):
    rows = ["1,2025-05-02T00:00:00Z,2,,\n", "1,2025-05-01T00:00:00Z,1,,\n", "1,2025-05-03T00:00:00Z,3,,\n"]
    orders.file("records.csv", HEADER + "".join(rows))

    orders.ok("bulk-put orders records.csv")

    assert record(orders)["items"] == 3
    history = orders.ok("export orders - --what history --columns items --format csv").stdout.splitlines()
    assert [line.split(",")[0] for line in history] == ["items", "1", "2", "3"]


@pytest.mark.parametrize("option", ["--batch-size", "--max-workers"])
def test_counts_begin_with_one(orders, option):
    said = refused(orders, f"bulk-put orders records.csv {option} 0")

    assert said == f"error: {option} does not take 0: give a whole number from 1 on\n"


# forms of files


def test_json_lines_keep_every_digit(orders):
    orders.file(
        "records.jsonl", '{"id": 1, "at": "2025-05-01T00:00:00Z", "items": 9223372036854775807, "price": 0.10}\n\n'
    )

    orders.ok("bulk-put orders records.jsonl")

    assert texts(orders) == {
        "id": "1",
        "at": "2025-05-01T00:00:00Z",
        "items": "9223372036854775807",
        "price": "0.10",
        "city": "",
    }


def test_a_json_array_may_lie_over_lines_as_it_likes(orders):
    orders.file(
        "records.json",
        '\ufeff [\n{"id":"1",\n"at":"2025-05-01T00:00:00Z"}\n,{"id":"2","at":"2025-05-01T00:00:00Z","city":null}]\n',
    )

    orders.ok("bulk-put orders records.json")

    assert online(orders) == [{"id": "1", "at": "2025-05-01T00:00:00Z"}, {"id": "2", "at": "2025-05-01T00:00:00Z"}]


def test_parquet_numbers_and_times_become_the_texts_the_group_needs(orders):
    parquet(
        orders,
        "records.parquet",
        id=pa.array([1, 2]),
        at=pa.array([1_746_057_600_000_000, 1_746_057_600_500_000], pa.timestamp("us", tz="Europe/Oslo")),
        items=pa.array([2**63 - 1, None], pa.int64()),
        price=pa.array([5.0, 0.1]),
    )

    orders.ok("bulk-put orders records.parquet")

    assert texts(orders) == {
        "id": "1",
        "at": "2025-05-01T00:00:00Z",
        "items": "9223372036854775807",
        "price": "5.0",
        "city": "",
    }
    assert texts(orders, "2")["at"] == "2025-05-01T00:00:00.500000Z"


def test_whole_numbers_that_became_doubles_for_a_gap_turn_back(orders):
    times = ["2025-05-01T00:00:00Z"] * 2
    parquet(orders, "records.parquet", id=pa.array(["1", "2"]), at=pa.array(times), items=pa.array([5.0, None]))

    orders.ok("bulk-put orders records.parquet")

    assert [one.get("items") for one in online(orders)] == [5, None]


@pytest.mark.parametrize("value", [5.5, 2.0**53, 1e300])
def test_doubles_that_are_not_exactly_whole_numbers_are_refused(orders, value):
    parquet(
        orders, "records.parquet", id=pa.array(["1"]), at=pa.array(["2025-05-01T00:00:00Z"]), items=pa.array([value])
    )

    said = refused(orders, "bulk-put orders records.parquet")

    assert said.startswith("error: record 1 of records.parquet: feature 'items' is Integral, and ")


def test_what_is_packed_is_unpacked_whatever_its_name(orders):
    orders.file("records.csv", gzip.compress((HEADER + GOOD).encode()))

    orders.ok("bulk-put orders records.csv")

    assert record(orders)["city"] == "Oslo"


def test_standard_input_needs_its_format(orders):
    assert refused(orders, "bulk-put orders -", stdin=HEADER + GOOD) == (
        "error: the name - does not tell the format: give --format csv, json, jsonl or parquet\n"
    )

    orders.ok("bulk-put orders - --format csv", stdin=HEADER + GOOD)

    assert record(orders)["city"] == "Oslo"


def test_columns_may_stand_in_any_order_and_be_fewer(orders):
    orders.file("records.csv", "city,at,id\r\nOslo,2025-05-01T00:00:00Z,1\r\n")

    orders.ok("bulk-put orders records.csv")

    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z", "city": "Oslo"}


def test_quoted_cells_hold_anything(orders):
    orders.file("records.csv", HEADER + '1,2025-05-01T00:00:00Z,,,"a ""b"",\r\nc"\n')

    orders.ok("bulk-put orders records.csv")

    assert record(orders)["city"] == 'a "b",\r\nc'


# absent, empty, not a number


def test_an_empty_cell_is_an_absent_feature(orders):
    orders.file("records.csv", HEADER + '1,2025-05-01T00:00:00Z,,,""\n')

    orders.ok("bulk-put orders records.csv")

    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z"}


def test_quoted_empty_cells_of_string_features_can_be_kept(orders):
    orders.file("records.csv", HEADER + '1,2025-05-01T00:00:00Z,"",,""\n2,2025-05-01T00:00:00Z,,,\n')

    orders.ok("bulk-put orders records.csv --empty-string keep")

    assert [one.get("city") for one in online(orders)] == ["", None]
    assert [one.get("items") for one in online(orders)] == [None, None]


def test_an_empty_string_of_json_is_one_unless_it_is_to_be_absent(orders):
    orders.file("records.jsonl", '{"id": "1", "at": "2025-05-01T00:00:00Z", "city": ""}\n')

    orders.ok("bulk-put orders records.jsonl --to online")
    kept = record(orders)["city"]
    orders.ok("delete-record orders 1 --hard")
    orders.ok("bulk-put orders records.jsonl --to online --empty-string absent")

    assert kept == ""
    assert "city" not in record(orders)


def test_nan_is_refused_unless_it_is_to_be_dropped(orders):
    parquet(
        orders,
        "records.parquet",
        id=pa.array(["1"]),
        at=pa.array(["2025-05-01T00:00:00Z"]),
        price=pa.array([float("nan")]),
    )

    assert refused(orders, "bulk-put orders records.parquet") == (
        "error: record 1 of records.parquet: feature 'price' is NaN, which no feature can be: mend it, or leave such "
        "features out with --nan drop; nothing was written: mend it, or give --on-error skip\n"
    )

    orders.ok("bulk-put orders records.parquet --nan drop")

    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z"}


def test_a_nan_written_out_is_one_too(orders):
    orders.file(
        "records.jsonl", '{"id": "1", "at": "2025-05-01T00:00:00Z", "price": NaN, "items": "nan", "city": "nan"}\n'
    )

    orders.ok("bulk-put orders records.jsonl --nan drop")

    assert record(orders) == {"id": "1", "at": "2025-05-01T00:00:00Z", "city": "nan"}


# event times


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2025-05-01T02:00:00+02:00", "2025-05-01T00:00:00Z"),
        ("2025-04-30 19:30:00.5-0430", "2025-05-01T00:00:00.500Z"),
        ("2025-05-01T00:00:00.123456789Z", "2025-05-01T00:00:00.123456789Z"),
    ],
)
def test_event_times_with_an_offset_become_utc(orders, given, stored):
    orders.file("records.csv", f"id,at\n1,{given}\n")

    orders.ok("bulk-put orders records.csv")

    assert record(orders)["at"] == stored


def test_event_times_without_a_zone_are_refused_unless_they_are_said_to_be_utc(orders):
    orders.file("records.csv", "id,at\n1,2025-05-01T00:00:00\n")

    assert refused(orders, "bulk-put orders records.csv") == (
        "error: record 1 of records.csv: '2025-05-01T00:00:00' is not an event time: give its zone too, as Z or +02:00 "
        "at its end, or --assume-utc; nothing was written: mend it, or give --on-error skip\n"
    )

    orders.ok("bulk-put orders records.csv --assume-utc")

    assert record(orders)["at"] == "2025-05-01T00:00:00Z"


def test_timestamps_without_a_zone_are_refused_unless_they_are_said_to_be_utc(orders):
    parquet(orders, "records.parquet", id=pa.array(["1"]), at=pa.array([1_746_057_600], pa.timestamp("s")))

    assert "'2025-05-01T00:00:00' is not an event time: give its zone too" in refused(
        orders, "bulk-put orders records.parquet"
    )

    orders.ok("bulk-put orders records.parquet --assume-utc")

    assert record(orders)["at"] == "2025-05-01T00:00:00Z"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_become_exact_seconds_where_the_group_has_seconds(orders, unit):
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    fraction = {"s": 0, "ms": 250, "us": 250_001, "ns": 250_000_001}[unit]
    at = pa.array([1_746_057_600 * factor + fraction], pa.timestamp(unit, tz="UTC"))
    parquet(orders, "records.parquet", id=pa.array(["1"]), at=at)

    orders.ok("bulk-put seconds records.parquet")

    expected = {"s": "1746057600", "ms": "1746057600.25", "us": "1746057600.250001", "ns": "1746057600.250000001"}
    assert texts(orders, group="seconds")["at"] == expected[unit]


def test_iso_texts_become_seconds_where_the_group_has_seconds(orders):
    orders.file("records.csv", "id,at\n1,2025-05-01T02:00:00.5+02:00\n2,1746057600.25\n3,1e9\n")

    orders.ok("bulk-put seconds records.csv")

    stored = [texts(orders, record_id, "seconds")["at"] for record_id in "123"]
    assert stored == ["1746057600.5", "1746057600.25", "1e9"]


@pytest.mark.parametrize(
    "given", ["1746057600", "yesterday", "2025-05-01", "2025-13-01T00:00:00Z", "2025-05-01T00:00Z"]
)
def test_what_is_no_event_time_is_refused(orders, given):
    orders.file("records.csv", f"id,at\n1,{given}\n")

    assert f"error: record 1 of records.csv: '{given}' is not an event time: give " in refused(
        orders, "bulk-put orders records.csv"
    )


def test_numbers_are_never_taken_for_iso_times(orders):
    parquet(orders, "records.parquet", id=pa.array(["1"]), at=pa.array([1_746_057_600]))

    assert "'1746057600' is not an event time: give ISO 8601 in UTC" in refused(
        orders, "bulk-put orders records.parquet"
    )


# bad records


def test_a_wrong_type_in_the_last_record_is_found_before_the_first_is_written(orders):
    rows = [f"{number},2025-05-01T00:00:00Z,{number},,\n" for number in range(20_000)]
    orders.file("records.csv", HEADER + "".join(rows) + "last,2025-05-01T00:00:00Z,5.0,,\n")

    said = refused(orders, "bulk-put orders records.csv")

    assert said == (
        "error: record 20,001 of records.csv: feature 'items' is Integral, and '5.0' is not: give a whole number from "
        "-9223372036854775808 to 9223372036854775807; nothing was written: mend it, or give --on-error skip\n"
    )
    assert list((orders.folder / "state" / "runs").iterdir()) == []


def test_bad_records_can_be_skipped_are_listed_and_taken_back_when_mended(orders):
    orders.file("records.csv", HEADER + GOOD + "2,2025-05-01T00:00:00Z,five,,\n3,2025-05-01T00:00:00,5,,\n")

    answer = orders("bulk-put orders records.csv --on-error skip")

    assert answer.code == 3
    assert [one["id"] for one in online(orders)] == ["1"]
    (run,) = (folder.name for folder in (orders.folder / "state" / "runs").iterdir())
    lines = (orders.folder / "state" / "runs" / run / "remarks.jsonl").read_text().splitlines()
    assert sorted((json.loads(line)["code"], json.loads(line)["record"]["id"]) for line in lines) == [
        ("BadEventTime", "3"),
        ("BadValue", "2"),
    ]

    again = orders(f"bulk-put orders --rejected {run} --assume-utc --on-error skip")

    assert again.code == 3
    assert f"1. 1 from the records that run {run} rejected (rejected: 1)" in again.stderr
    assert [one["id"] for one in online(orders)] == ["1", "3"]


def test_too_many_bad_records_end_it(orders):
    orders.file("records.csv", HEADER + GOOD + "2,x,,,\n3,x,,,\n")

    said = refused(orders, "bulk-put orders records.csv --on-error skip --max-errors 1")

    assert said == "error: 2 records of records.csv are bad, more than --max-errors allows; nothing was written\n"


def test_a_run_that_rejected_nothing_has_nothing_to_take_back(three):
    (run,) = (folder.name for folder in (three.folder / "state" / "runs").iterdir())

    answer = three(f"bulk-put orders --rejected {run}")

    assert (answer.code, answer.stderr) == (
        2,
        f"error: run {run} rejected no records: `sagemaker-fs runs show {run}` shows what it did\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("orders", 2, "which records? give a FILE, or --rejected RUN"),
        ("orders a.csv --rejected x", 2, "a.csv and --rejected contradict each other: give one of them"),
        ("orders --rejected nosuch", 10, "no run 'nosuch' in {folder}/state/runs: `sagemaker-fs runs list` shows them"),
        ("orders a.csv", 2, "a.csv cannot be read: no such file or directory"),
        ("orders a.dat", 2, "the name a.dat does not tell the format: give --format csv, json, jsonl or parquet"),
        (
            "orders s3://bucket/a.csv",
            2,
            "s3://bucket/a.csv is on S3, and files are read and written on this machine: "
            "copy it with `aws s3 cp` first",
        ),
        ("orders store --format csv", 2, "store cannot be read: is a directory"),
        ("nosuch a.csv", 10, "no feature group 'nosuch' in {folder}/store: `sagemaker-fs list` shows them"),
        ("orders a.csv --format xml", 2, "--format does not take 'xml': give csv, json, jsonl, parquet"),
        (
            "orders a.csv --max-errors many",
            2,
            "--max-errors does not take 'many': give a number or a share, as 100 or 0.5%",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(orders, arguments, code, said):
    answer = orders(f"bulk-put {arguments}")

    assert (answer.code, answer.stderr) == (code, f"error: {said.format(folder=orders.folder)}\n")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "a.csv cannot be read: it holds no records"),
        ("a.csv", HEADER, "a.csv cannot be read: it holds no records"),
        ("a.json", " [ ] ", "a.json cannot be read: it holds no records"),
        ("a.jsonl", "\n\n", "a.jsonl cannot be read: it holds no records"),
        ("a.parquet", "", "a.parquet cannot be read: it holds no records"),
        ("a.csv", "id,at,id\n1,2,3\n", "a.csv cannot be read: its header names 'id' twice"),
        (
            "a.csv",
            "id,when\n1,2\n",
            "feature group 'dev:orders' has no feature 'when': `sagemaker-fs describe dev:orders` shows them all",
        ),
        (
            "a.csv",
            "id,city\n1,Oslo\n",
            "a record needs 'at', the event time of feature group 'orders': give it a value",
        ),
        ("a.csv", HEADER + GOOD + "2,x\n", "a.csv cannot be read: record 2 has 2 cells, not 5"),
        ("a.csv", HEADER.encode() + b"1,x,,,\xff\n", "a.csv cannot be read: cell 5 of record 1 is not UTF-8"),
        ("a.csv", 'id,"at\n1,2\n', "a.csv cannot be read: its header is not CSV (unexpected end of data)"),
        (
            "a.json",
            '{"id": "1"}',
            "a.json cannot be read: it holds one object, not an array: give --format jsonl if it has a record a line",
        ),
        (
            "a.json",
            '[\n{"id": "1"},\n{"id"',
            "a.json cannot be read: line 3: it is not JSON there (Expecting ':' delimiter)",
        ),
        ("a.json", '[{"id": "1"}', "a.json cannot be read: line 1: the array is cut off"),
        ("a.json", '[{"id": "1"} {}]', "a.json cannot be read: line 1: there is no comma"),
        ("a.json", '[{"id": "1", "id": "2"}]', "a.json cannot be read: line 1: an object names 'id' twice"),
        ("a.json", "[{}]]", "a.json cannot be read: line 1: something follows the array"),
        ("a.json", b'[\n"\xff"]', "a.json cannot be read: line 2: it is not UTF-8 there"),
        ("a.parquet", "PAR1 and so on", "a.parquet cannot be read: it is not a Parquet file, or not all of it"),
        (
            "a.csv.gz",
            gzip.compress((HEADER + GOOD).encode(), mtime=0)[:-9],
            "a.csv.gz cannot be read: truncated compressed stream",
        ),
        (
            "a.jsonl",
            '{"id": "1", "nosuch": 1}',
            "feature group 'dev:orders' has no feature 'nosuch': `sagemaker-fs describe dev:orders` shows them all",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_and_nothing_is_written(orders, name, content, said):
    orders.file(name, content)

    assert refused(orders, f"bulk-put orders {name}") == f"error: {said}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1 is not JSON (at character 2: Expecting property name enclosed in double quotes)"),
        ("5", "a record is an object, and this is none"),
        ('{"id": "1", "id": "2"}', "line 1 names 'id' twice"),
        ('{"id": {}}', "'id' is an object, and takes one value"),
        ('{"id": ["1"]}', "'id' is a list, and takes one value"),
        ('{"id": "\\ud800"}', "'id' has half of a surrogate pair, which is no text"),
        ('{"id": null}', "a record needs 'id', the record identifier of feature group 'orders': give it a value"),
        ("[" * 100_000, "line 1 is not JSON (nested too deeply)"),
    ],
)
def test_a_bad_line_of_json_lines_is_a_bad_record_and_can_be_skipped(orders, line, said):
    orders.file("records.jsonl", line + '\n{"id": "2", "at": "2025-05-01T00:00:00Z"}\n')

    assert refused(orders, "bulk-put orders records.jsonl") == (
        f"error: record 1 of records.jsonl: {said}; nothing was written: mend it, or give --on-error skip\n"
    )

    assert orders("bulk-put orders records.jsonl --on-error skip").code == 3
    assert [one["id"] for one in online(orders)] == ["2"]


def test_a_column_that_no_feature_can_hold_is_refused(orders):
    parquet(
        orders,
        "records.parquet",
        id=pa.array(["1"]),
        at=pa.array(["2025-05-01T00:00:00Z"]),
        city=pa.array([b"\xff"], pa.binary()),
    )

    assert refused(orders, "bulk-put orders records.parquet").startswith(
        "error: column 'city' holds binary, which cannot be written as a feature's text: "
    )


def test_a_list_is_no_value_of_a_plain_feature(orders):
    parquet(
        orders, "records.parquet", id=pa.array(["1"]), at=pa.array(["2025-05-01T00:00:00Z"]), city=pa.array([["Oslo"]])
    )

    assert "feature 'city' is String, and ['Oslo'] is not: give one value, not a list" in refused(
        orders, "bulk-put orders records.parquet"
    )


# histories


def test_an_exported_history_brings_back_the_whole_past(three):
    three.ok("delete-record orders 2")
    three.ok("export orders past.parquet --what history")
    three.ok("create copy --like orders")

    three.ok("bulk-put copy past.parquet --replay")

    columns = "--columns id,at,items,price,city --format csv --what history"
    exports = [three.ok(f"export {group} - {columns}").stdout for group in ("orders", "copy")]
    bare = [[line.split(",")[:5] + line.split(",")[7:] for line in text.splitlines()] for text in exports]
    assert bare[0] == bare[1]
    assert three("get copy 2").code == 10


def test_a_delete_marker_is_not_taken_for_a_record(three):
    three.ok("delete-record orders 2")
    three.ok("export orders past.csv --what history")
    three.ok("create copy --like orders")

    answer = three("bulk-put copy past.csv")

    assert answer.code == 2
    assert "this is a delete marker, not a record: --replay makes delete markers soft deletes" in answer.stderr
