"""`bulk-get`: the records of many ids, as they are found."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest


def test_ids_come_from_a_file_and_records_go_to_standard_output_in_their_order(three):
    three.file("ids.txt", "3\n9\n1\n")

    answer = three.ok("bulk-get orders ids.txt")

    assert answer.stdout.splitlines() == [
        '{"id": "3", "at": "2025-05-03T00:00:00Z", "items": -7, "price": 1e-7}',
        '{"id": "1", "at": "2025-05-01T00:00:00Z", "items": 5, "price": 1.50, "city": "Oslo"}',
    ]
    assert answer.stderr == "2 of 3 records found\n"


def test_ids_come_from_standard_input(three):
    assert three.ok("bulk-get orders -", stdin="1").stderr == "1 of 1 records found\n"


def test_ids_come_from_any_source(three):
    assert three.ok("bulk-get orders --ids online").stderr == "3 of 3 records found\n"
    assert three.ok("bulk-get orders --ids file --file-path three.csv").stderr == "3 of 3 records found\n"


def test_only_some_features_are_read(three):
    answer = three.ok("bulk-get orders - --features city --format csv", stdin="1\n2\n")

    assert answer.stdout == "id,city\n1,Oslo\n2,Rome\n"


def test_records_go_to_a_file_of_any_format(three):
    answer = three.ok("bulk-get orders three.csv --output-file found.parquet")

    assert answer.stdout == ""
    assert pq.read_table(three.folder / "found.parquet").column("items").to_pylist() == [5, None, -7]


def test_more_ids_than_are_looked_up_at_once_are_all_looked_up(three):
    ids = "".join(f"x{number}\n" for number in range(2_500)) + "1\n"

    assert three.ok("bulk-get orders -", stdin=ids).stderr == "1 of 2,501 records found\n"


def test_no_record_at_all_is_an_error_and_leaves_no_file(three):
    answer = three("bulk-get orders - --output-file found.csv", stdin="8\n9\n")

    assert (answer.code, answer.stderr) == (
        10,
        "error: none of 2 record ids has a record in the online store of 'orders'\n",
    )
    assert not (three.folder / "found.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("orders", 2, "which records? give a FILE of record ids, or --ids with one of athena, file, online, s3-scan"),
        ("orders ids.txt --ids online", 2, "ids.txt and --ids online contradict each other: give one of them"),
        (
            "orders --ids nosuch",
            2,
            "no record-id source is named 'nosuch': there are athena, file, online, s3-scan; "
            "`sagemaker-fs plugins` shows what each plugin provides",
        ),
        (
            "orders ids.txt --features nosuch",
            2,
            "feature group 'dev:orders' has no feature 'nosuch': `sagemaker-fs describe dev:orders` shows them all",
        ),
        (
            "orders ids.txt --output-file three.csv",
            4,
            "{folder}/three.csv is there already: give another name, or --force to write over it",
        ),
        ("orders nosuch.txt", 2, "nosuch.txt cannot be read: no such file or directory"),
        (
            "past ids.txt",
            2,
            "feature group 'dev:past' has no OnlineStore: `sagemaker-fs describe dev:past` shows its stores",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(three, arguments, code, said):
    three.file("ids.txt", "1\n")
    three.ok("create past --like orders --no-online")

    answer = three(f"bulk-get {arguments}")

    assert (answer.code, answer.stdout) == (code, "")
    assert answer.stderr == f"error: {said.format(folder=three.folder)}\n"
