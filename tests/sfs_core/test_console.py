"""What is said beside the answer: text for people, one JSON object a line for machines."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

from sfs_core import Console, RecordNotFound, say
from tests.conftest import Terminal


def test_notes_warnings_and_errors_are_told_apart():
    stream = io.StringIO()
    console = Console(stream)

    console.note(say("3 found in {group}", group="orders"))
    console.warn(say("this is slow"))
    console.error(RecordNotFound(record_id="7", group="orders"))

    assert stream.getvalue().splitlines() == [
        "3 found in orders",
        "warning: this is slow",
        "error: no record '7' in the online store of 'orders'",
    ]


def test_quiet_leaves_out_notes_and_nothing_else():
    stream = io.StringIO()
    console = Console(stream, quiet=True)

    console.note(say("good to know"))
    console.warn(say("look into this"))
    console.error(RecordNotFound(record_id="7", group="orders"))
    console.show("plan", ["Clear orders"], {})

    assert stream.getvalue().splitlines() == [
        "warning: look into this",
        "error: no record '7' in the online store of 'orders'",
        "Clear orders",
    ]


def test_json_lines_carry_the_sentence_its_template_and_its_fields():
    stream = io.StringIO()
    console = Console(stream, json_lines=True)

    console.error(RecordNotFound(record_id="ü", group="orders"))
    console.show("plan", ["not shown"], {"plan": {"title": "Clear"}})

    lines = stream.getvalue().splitlines()
    assert json.loads(lines[0]) == {
        "level": "error",
        "error": "RecordNotFound",
        "exit_code": 10,
        "message": "no record 'ü' in the online store of 'orders'",
        "template": "no record {record_id!r} in the online store of {group!r}",
        "fields": {"record_id": "ü", "group": "orders"},
    }
    assert json.loads(lines[1]) == {"level": "note", "kind": "plan", "plan": {"title": "Clear"}}
    assert len(lines) == 2


def test_a_question_is_asked_where_there_is_a_terminal():
    stream = io.StringIO()
    console = Console(stream, answers=Terminal(" orders \n"))

    answer = console.ask(say("Type {name} to go on:", name="orders"))

    assert (console.can_ask, answer, stream.getvalue()) == (True, "orders", "Type orders to go on: ")


def test_there_is_nobody_to_ask_without_a_terminal():
    assert not Console(io.StringIO()).can_ask
    assert not Console(io.StringIO(), answers=io.StringIO("orders\n")).can_ask


def test_an_input_that_ends_is_an_empty_answer():
    assert Console(io.StringIO(), answers=Terminal("")).ask(say("Sure?")) == ""


def test_whoever_reads_along_may_go_and_the_work_goes_on():
    """Ctrl-C ends `tee` too, while what is in flight is finished."""
    reader, writer = os.pipe()
    os.close(reader)

    with os.fdopen(writer, "w") as stream:
        console = Console(stream)
        console.note(say("put"))
        console.note(say("put again"))

        assert os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat())
