"""Progress on stderr: a bar for a terminal, lines for a log, nothing where it was not wanted."""

from __future__ import annotations

import io
import re
import time

import pytest

from sfs_core import Console, Progress, say
from tests.conftest import Terminal


def test_a_terminal_gets_a_bar_with_counts_and_failures_that_is_gone_afterwards():
    stream = Terminal()

    with Progress(Console(stream), say("put into prod:orders"), 2000) as progress:
        time.sleep(0.2)  # the bar is drawn ten times a second at most
        progress.add(1500, failed=3, throttles=12)

    shown = stream.getvalue()
    assert "put into prod:orders" in shown
    assert "1.50k/2.00k" in shown
    assert "failed=3, throttles=12" in shown
    assert shown.endswith(" \r"), "the last thing written wipes the bar out"


@pytest.mark.parametrize("console", [Console(Terminal(), quiet=True), Console(Terminal(), json_lines=True)])
def test_a_bar_is_shown_only_where_a_person_wants_one(console):
    with Progress(console, say("put"), 10) as progress:
        progress.add(10)

    assert console.stream.getvalue() == ""


def test_a_log_gets_no_line_before_ten_seconds():
    stream = io.StringIO()

    with Progress(Console(stream), say("put"), 10) as progress:
        progress.add(10)

    assert stream.getvalue() == ""


def test_a_log_gets_a_line_every_ten_seconds_with_rate_and_time_left():
    stream = io.StringIO()

    began = time.monotonic() - 20

    with Progress(Console(stream), say("put"), 4000, _began=began, _said=began) as progress:
        progress.add(1000, failed=2, throttles=5)
        progress.add(1000, throttles=7)

    [line] = stream.getvalue().splitlines()
    assert re.fullmatch(r"put: 1,000 of 4,000 at (49|50)/s, 6\d s left, 2 failed, 5 throttles", line)


def test_a_log_hears_of_a_step_that_stands_still():
    stream = io.StringIO()
    began = time.monotonic() - 10

    with Progress(Console(stream), say("put"), 4000, _began=began, _said=began):
        while not stream.getvalue():
            assert time.monotonic() - began < 30
            time.sleep(0.01)

    assert stream.getvalue() == "put: 0 at 0/s, 0 failed, 0 throttles\n"


def test_a_log_line_says_no_time_left_where_the_end_is_not_known():
    stream = io.StringIO()

    began = time.monotonic() - 10

    with Progress(Console(stream), say("list"), _began=began, _said=began) as progress:
        progress.add(500)

    assert re.fullmatch(r"list: 500 at (49|50)/s, 0 failed, 0 throttles\n", stream.getvalue())
