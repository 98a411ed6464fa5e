"""Plans: shown, compared and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sfs_core import BadOption, MaxErrors, Plan, Step, as_json, say
from sfs_core.testing import NOON, filled, new_group
from tests.memory_session import MemorySession, memory_session
from tests.sfs_core.faulty import Numbered, Taking


@pytest.fixture
def session(tmp_path: Path) -> MemorySession:
    return memory_session(tmp_path)


def a_plan(**more: object) -> Plan:
    return Plan(say("A plan of {things}", things="numbers"), (Step(Numbered(3), Taking()),), **more)  # type: ignore[arg-type]


def test_a_plan_is_a_title_a_line_a_step_and_notes():
    again = Step(Numbered(1), Taking(), until_empty=True, after=timedelta(minutes=1.5))

    plan = replace(a_plan(), steps=(*a_plan().steps, again), notes=(say("it hurts"),))

    assert plan.lines() == [
        "A plan of numbers",
        "  1. 3 numbers -> take them",
        "  2. after 1.5 minutes, list again: 1 numbers -> take them, until nothing is left",
        "  ! it hurts",
    ]


def test_a_plan_is_json():
    assert json.loads(json.dumps(a_plan().to_json())) == {
        "is": "Plan",
        "title": "A plan of numbers",
        "steps": [
            {
                "is": "Step",
                "source": {"is": "Numbered", "count": 3, "at_a_time": 10},
                "into": {"is": "Taking"},
                "through": [],
                "until_empty": False,
                "destroys": False,
                "after": 0.0,
                "batch_records": 1000,
            }
        ],
        "notes": [],
        "confirm": None,
        "changes": [],
        "on_error": "stop",
        "max_errors": None,
        "max_delete": None,
    }


def test_equal_plans_have_equal_json_and_others_have_not():
    assert a_plan().to_json() == a_plan().to_json()
    assert a_plan().to_json() != a_plan(max_delete=1).to_json()


def test_a_plan_does_not_depend_on_size_or_status_of_a_group(session: MemorySession):
    group = filled(session.memory, new_group("orders"))

    assert as_json(replace(group, online_bytes=1, last_modified_at=NOON.plus(1))) == as_json(group)


def test_a_group_made_anew_is_another_group(session: MemorySession):
    group = filled(session.memory, new_group("orders", offline=False))
    session.memory.delete("orders")
    session.clock.instant = NOON.plus(10**9)  # type: ignore[attr-defined]

    again = filled(session.memory, new_group("orders", offline=False))

    assert as_json(again) != as_json(group)


@pytest.mark.parametrize(
    ("text", "failed", "tried", "exceeded"),
    [
        ("0", 0, 10, False),
        ("0", 1, 10, True),
        ("10", 10, 10, False),
        ("10", 11, 20, True),
        ("1%", 999, 999, False),
        ("1%", 10, 1000, False),
        ("1%", 11, 1000, True),
        ("0.5%", 6, 1000, True),
    ],
)
def test_how_many_failures_are_too_many(text: str, failed: int, tried: int, exceeded: bool):
    assert MaxErrors.parse(text).exceeded(failed, tried) is exceeded


@pytest.mark.parametrize("text", ["", "x", "%", "1.5", "-1", "-1%", "nan%"])
def test_what_is_no_bound_is_refused(text: str):
    with pytest.raises(BadOption, match="--max-errors does not take"):
        MaxErrors.parse(text)
