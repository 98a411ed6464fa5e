"""The rate limiter: a ceiling holds it, throttles slow it, quiet speeds it up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sfs_core import Pace


@dataclass
class Time:
    """A clock that moves when somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def paced(time: Time, ceiling: float | None = None) -> Pace:
    return Pace(ceiling, clock=lambda: time.now, sleep=time.sleep)


def rate_of(pace: Pace, time: Time, operations: int = 20) -> float:
    """Return the operations a second that get through."""
    pace.wait()
    began = time.now
    for _ in range(operations):
        pace.wait()
    return operations / (time.now - began)


def test_without_a_ceiling_nothing_waits(time):
    pace = paced(time)

    for _ in range(1000):
        pace.wait(100)

    assert time.slept == []


def test_a_ceiling_spreads_operations_over_time(time):
    pace = paced(time, ceiling=10)

    for _ in range(4):
        pace.wait()

    assert time.slept == pytest.approx([0.1, 0.1, 0.1])


def test_many_operations_at_once_wait_for_as_many(time):
    pace = paced(time, ceiling=10)

    pace.wait(25)
    pace.wait()

    assert time.slept == pytest.approx([2.5])


def test_a_throttle_halves_the_rate(time):
    pace = paced(time, ceiling=100)

    pace.throttled(seen_rate=100)

    assert pace.throttles == 1
    assert rate_of(pace, time) == pytest.approx(50)


def test_each_throttle_halves_it_again_but_never_below_one_a_second(time):
    pace = paced(time, ceiling=8)

    for _ in range(10):
        pace.throttled(seen_rate=8)

    assert pace.throttles == 10
    assert rate_of(pace, time, operations=1) == pytest.approx(1)


def test_a_throttle_without_a_ceiling_halves_the_rate_it_was_seen_at(time):
    pace = paced(time)

    pace.throttled(seen_rate=40)

    assert rate_of(pace, time, operations=10) == pytest.approx(20)


def test_quiet_seconds_speed_it_up_by_a_tenth_each_and_not_above_a_ceiling(time):
    pace = paced(time, ceiling=100)
    pace.throttled(seen_rate=100)

    time.now += 3
    after_three = rate_of(pace, time, operations=10)
    time.now += 60
    after_a_minute = rate_of(pace, time, operations=10)

    assert after_three == pytest.approx(80)
    assert after_a_minute == pytest.approx(100)


def test_without_a_ceiling_one_throttle_does_not_hold_it_for_good(time):
    pace = paced(time)
    pace.throttled(seen_rate=2)

    time.now += 30

    assert rate_of(pace, time, operations=10) == pytest.approx(31)
