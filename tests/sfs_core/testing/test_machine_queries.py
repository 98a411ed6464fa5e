"""What a query engine may answer where versions tie, and what it may not."""

import pytest

from sfs_core.testing.machine_queries import Row, is_a_latest

OSLO: Row = {"id": "a", "at": 1, "city": "Oslo"}
ROME: Row = {"id": "a", "at": 1, "city": "Rome"}
OLDER: Row = {"id": "a", "at": 0, "city": "Bonn"}


def version(row: Row, *, invoked: int = 5, is_deleted: bool = False) -> Row:
    return {**row, "api_invocation_time": invoked, "is_deleted": is_deleted}


TIED = [version(OLDER), version(OSLO), version(ROME)]


@pytest.mark.parametrize(("told", "is_right"), [([OSLO], True), ([ROME], True), ([OLDER], False), ([], False)])
def test_any_of_the_versions_that_tie_is_the_latest(told: list[Row], is_right: bool) -> None:
    assert is_a_latest(told, TIED) is is_right


def test_nothing_may_be_told_where_a_delete_marker_ties() -> None:
    history = [version(OLDER), version(OSLO), version(ROME, is_deleted=True)]

    assert is_a_latest([], history)
    assert is_a_latest([OSLO], history)
    assert not is_a_latest([ROME], history)
    assert not is_a_latest([OLDER], history)


def test_what_was_invoked_later_is_no_tie() -> None:
    history = [version(OSLO), version(ROME, invoked=6)]

    assert is_a_latest([ROME], history)
    assert not is_a_latest([OSLO], history)


def test_an_id_told_twice_or_without_a_version_is_wrong() -> None:
    assert not is_a_latest([OSLO, OSLO], TIED)
    assert not is_a_latest([OSLO, {**OSLO, "id": "b"}], TIED)
