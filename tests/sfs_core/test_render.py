"""Answers on stdout: the same lines in every form."""

from __future__ import annotations

import io

import pytest

from sfs_core import Output, render, render_one

LINES = [
    {"name": "orders", "features": 3, "created": None, "tags": {"team": "ü"}, "online": True},
    {"name": "<b>old</b>, 1", "features": 0, "created": "2025-06-01T00:00:00Z", "online": False},
]
COLUMNS = ("name", "features", "created", "tags", "online")

TABLE = """\
name           features    created               tags           online
orders         3                                 {"team": "ü"}  true
<b>old</b>, 1  0           2025-06-01T00:00:00Z                 false
"""
JSON = """\
[
  {
    "name": "orders",
    "features": 3,
    "created": null,
    "tags": {
      "team": "ü"
    },
    "online": true
  },
  {
    "name": "<b>old</b>, 1",
    "features": 0,
    "created": "2025-06-01T00:00:00Z",
    "tags": null,
    "online": false
  }
]
"""
JSONL = """\
{"name": "orders", "features": 3, "created": null, "tags": {"team": "ü"}, "online": true}
{"name": "<b>old</b>, 1", "features": 0, "created": "2025-06-01T00:00:00Z", "tags": null, "online": false}
"""
YAML = """\
- name: orders
  features: 3
  created: null
  tags:
    team: ü
  online: true
- name: <b>old</b>, 1
  features: 0
  created: '2025-06-01T00:00:00Z'
  tags: null
  online: false
"""
CSV = """\
name,features,created,tags,online
orders,3,,"{""team"": ""ü""}",true
"<b>old</b>, 1",0,2025-06-01T00:00:00Z,,false
"""


def rendered(output: Output, lines=LINES) -> str:
    stream = io.StringIO()
    render(lines, COLUMNS, output, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (Output.TABLE, TABLE),
        (Output.JSON, JSON),
        (Output.JSONL, JSONL),
        (Output.YAML, YAML),
        (Output.CSV, CSV),
    ],
)
def test_lines_come_in_every_form(output, text):
    assert rendered(output) == text


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (Output.TABLE, "name    features    created    tags    online\n"),
        (Output.JSON, "[]\n"),
        (Output.JSONL, ""),
        (Output.YAML, "[]\n"),
        (Output.CSV, "name,features,created,tags,online\n"),
    ],
)
def test_no_lines_are_an_empty_answer_and_not_a_missing_one(output, text):
    assert rendered(output, []) == text


@pytest.mark.parametrize("output", [Output.JSONL, Output.CSV])
def test_lines_of_a_stream_are_written_as_they_come(output):
    stream = io.StringIO()

    def lines():
        yield {"name": "first"}
        assert "first" in stream.getvalue() or output is Output.JSONL
        yield {"name": "second"}
        assert "first" in stream.getvalue()

    render(lines(), ("name",), output, stream)

    assert "second" in stream.getvalue()


def test_numbers_of_a_table_are_shown_as_they_are():
    stream = io.StringIO()

    render([{"id": "007"}, {"id": "1e3"}], ("id",), Output.TABLE, stream)

    assert stream.getvalue() == "id\n007\n1e3\n"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (Output.TABLE, "name    value\nid      7\n"),
        (Output.CSV, "name,value\nid,7\n"),
        (Output.JSON, '{\n  "id": "7",\n  "city": null\n}\n'),
        (Output.JSONL, '{"id": "7", "city": null}\n'),
        (Output.YAML, "id: '7'\ncity: null\n"),
    ],
)
def test_one_thing_comes_in_every_form(output, text):
    stream = io.StringIO()

    render_one({"id": "7", "city": None}, output, stream)

    assert stream.getvalue() == text
