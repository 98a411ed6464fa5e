"""Waiting for a store: it ends as soon as there is something, it can be stopped, and it does not last for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfs_core import Interrupted, NotDoneYet, say, wait_until
from tests.memory_session import memory_session


def test_what_is_found_is_given_back(tmp_path: Path):
    looks = iter([None, None, "made"])

    assert wait_until(lambda: next(looks), memory_session(tmp_path), say("making it")) == "made"


def test_something_false_is_something(tmp_path: Path):
    assert wait_until(lambda: 0, memory_session(tmp_path), say("counting")) == 0


def test_it_can_be_stopped(tmp_path: Path):
    session = memory_session(tmp_path)
    session.stop.set()

    with pytest.raises(Interrupted):
        wait_until(lambda: None, session, say("making it"))


def test_it_does_not_last_for_ever(tmp_path: Path):
    with pytest.raises(NotDoneYet) as raised:
        wait_until(lambda: None, memory_session(tmp_path), say("making {name}", name="orders"), timeout_seconds=0.1)

    assert str(raised.value) == (
        "making orders: not done after 0 s; the store may still be at it, `sagemaker-fs describe` tells"
    )
