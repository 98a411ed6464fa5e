"""JSON read value by value, whatever the blocks in which it comes."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfs_core import FileUnreadable, json_array, json_lines, parse_json, say

NAME = say("a.json")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class Dripping(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self.step = step

    def read(self, size=-1):
        return super().read(min(self.step, size) if size > 0 else self.step)


@given(values=st.lists(VALUES, max_size=6), step=st.integers(1, 9), indent=st.sampled_from([None, 0, 2]))
@settings(deadline=None)
def test_an_array_is_the_same_in_blocks_of_any_size(values, step, indent):
    text = json.dumps(values, ensure_ascii=False, indent=indent)

    found = [value for value, _ in json_array(NAME, Dripping(text.encode(), step))]

    assert found == [parse_json(json.dumps(value)) for value in values]


@given(values=st.lists(VALUES, max_size=6))
def test_lines_are_read_one_by_one(values):
    text = "\n\n".join(json.dumps(value) for value in values)

    assert [value for value, _ in json_lines(NAME, io.BytesIO(text.encode()))] == [
        parse_json(json.dumps(value)) for value in values
    ]


@pytest.mark.parametrize("text", ["9223372036854775808", "0.10", "1e400", "-0.0", "1" * 5000])
def test_numbers_keep_their_digits(text):
    assert parse_json(text) == text


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="a"):
        parse_json('{"a": 1, "a": 2}')


def test_a_line_without_end_is_not_read_into_memory():
    with pytest.raises(FileUnreadable, match="line 2 is longer than 16 MiB"):
        list(json_lines(NAME, io.BytesIO(b'"a"\n"' + b"x" * (17 * 2**20))))


def test_a_value_without_end_is_not_read_into_memory():
    file = io.BytesIO(b'["a",\n"' + b"x" * (64 * 2**20))

    with pytest.raises(FileUnreadable, match="line 2: it is not JSON there"):
        list(json_array(NAME, file))
    assert file.tell() < 20 * 2**20
