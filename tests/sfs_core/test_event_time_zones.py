"""Event times with a zone of any kind are brought to UTC; those without one are refused unless they are UTC."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sfs_core import BadEventTime, EventTime


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-06-01T00:00:00Z", "2025-06-01T00:00:00Z"),
        ("2025-06-01T02:00:00+02:00", "2025-06-01T00:00:00Z"),
        ("2025-05-31 18:30:00.5-0530", "2025-06-01T00:00:00.500Z"),
        ("2025-06-01T00:00:00.123456789+00:00", "2025-06-01T00:00:00.123456789Z"),
        ("0000-01-01T01:00:00+01:00", "0000-01-01T00:00:00Z"),
    ],
)
def test_an_offset_is_taken_off(text, utc):
    assert EventTime.parse_zoned(text).iso() == utc


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-01T00:00:00",
        "2025-06-01",
        "2025-06-01T00:00Z",
        "2025-06-31T00:00:00Z",
        "2025-06-01T00:00:00+24:00",
        "2025-06-01T00:00:00+02",
        "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٥-06-01T00:00:00Z",
    ],
)
def test_what_names_no_instant_is_refused(text):
    with pytest.raises(BadEventTime):
        EventTime.parse_zoned(text)


def test_a_missing_zone_is_named_and_may_be_assumed():
    with pytest.raises(BadEventTime) as raised:
        EventTime.parse_zoned("2025-06-01T00:00:00")

    assert str(raised.value) == (
        "'2025-06-01T00:00:00' is not an event time: give its zone too, as Z or +02:00 at its end, or --assume-utc"
    )
    assert EventTime.parse_zoned("2025-06-01T00:00:00", assume_utc=True).iso() == "2025-06-01T00:00:00Z"


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()))
def test_what_python_writes_is_the_instant_python_means(moment):
    assume(not moment.utcoffset().total_seconds() % 60)  # ISO 8601 knows offsets of whole minutes

    assert EventTime.parse_zoned(moment.isoformat()) == EventTime.of(moment)
