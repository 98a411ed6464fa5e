"""One declaration an option: the field is the flag, its help, its default and its conversion."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from sfs_core import (
    BadOption,
    EventTime,
    EventTimeRange,
    Targets,
    TargetStore,
    TtlDuration,
    declared,
    option,
    parse_range,
    read,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class AthenaIds:
    """Options as a source declares them, beside a field that is none."""

    group: str
    database: Path = option("File to read.")
    work_group: str = option("Workgroup that runs the query.", default="primary")
    columns: tuple[str, ...] = option("Columns to keep.", default=())
    colour: Colour = option("Colour.", default=Colour.RED)
    deep: bool = option("Look deeper.", default=False)
    limit: int | None = option("Most records.", default=None, value="N")
    kept: int = field(default=0)


def of_type(kind: Any, text: Any, **more: Any) -> Any:
    """Return what an option of a type makes of a text."""

    @dataclass(frozen=True)
    class One:
        value: Any = option("A value.", default=None, **more)

    One.__annotations__["value"] = kind
    specs = declared(One)
    return read(specs, {"value": text})["value"]


def test_a_field_becomes_a_flag_and_a_parts_options_follow_its_name():
    assert [spec.flag for spec in declared(AthenaIds, "athena-")] == [
        "athena-database",
        "athena-work-group",
        "athena-columns",
        "athena-colour",
        "athena-deep",
        "athena-limit",
    ]


def test_a_spec_knows_help_default_value_name_and_choices():
    database, work_group, columns, colour, deep, limit = declared(AthenaIds)

    assert (database.help, database.value_name) == ("File to read.", "DATABASE")
    assert work_group.default == "primary"
    assert (columns.is_list, work_group.is_list) == (True, False)
    assert colour.choices == ("red", "blue")
    assert (deep.is_flag, limit.is_flag) == (True, False)
    assert limit.value_name == "N"


def test_a_flag_of_its_own_name_takes_no_prefix():
    @dataclass(frozen=True)
    class LocalStore:
        path: Path = option("Folder.", default=Path(), flag="path")

    [spec] = declared(LocalStore, "local-")

    assert (spec.flag, spec.is_fixed) == ("path", True)


def test_options_that_are_not_given_keep_their_default():
    values = read(declared(AthenaIds), {"database": "ids.db", "deep": False, "columns": []})

    assert values == {"database": Path("ids.db")}


def test_an_option_without_a_default_must_be_given():
    with pytest.raises(BadOption, match="--database does not take '': give File to read") as refused:
        read(declared(AthenaIds), {})

    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (str, "a b", "a b"),
        (int, "42", 42),
        (int | None, "0", 0),
        (float, "2.5", 2.5),
        (bool, True, True),
        (Path, "a/b.csv", Path("a/b.csv")),
        (Colour, "blue", Colour.BLUE),
        (TtlDuration, "30d", TtlDuration.parse("30d")),
        (EventTime, "2025-06-01T00:00:00Z", EventTime(1_748_736_000_000_000_000)),
        (EventTime, "2025-06-01", EventTime(1_748_736_000_000_000_000)),
        (EventTime, "1748736000", EventTime(1_748_736_000_000_000_000)),
        (Targets, "online", Targets((TargetStore.ONLINE,))),
        (Targets, "offline, online", Targets((TargetStore.OFFLINE, TargetStore.ONLINE))),
        (tuple[str, ...], "a,b", ("a", "b")),
        (tuple[str, ...], ["a,b", "c"], ("a", "b", "c")),
    ],
)
def test_a_text_becomes_a_value_of_the_fields_type(kind, text, value):
    assert of_type(kind, text) == value


def test_a_path_begins_at_the_home_folder_where_it_says_so():
    assert of_type(Path, "~/ids.csv") == Path.home() / "ids.csv"


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (int, "many", "--value does not take 'many': give a whole number"),
        (float, "x", "--value does not take 'x': give a number"),
        (Colour, "green", "--value does not take 'green': give red, blue"),
        (EventTime, "yesterday", "--value does not take 'yesterday': give ISO 8601 UTC as 2025-06-01T00:00:00Z"),
        (Targets, "both", "--value does not take 'both': give online, offline or online,offline"),
        (
            EventTimeRange,
            "2025-06-01",
            "--value does not take '2025-06-01': give A..B, each ISO 8601 UTC as 2025-06-01T00:00:00Z, or empty",
        ),
    ],
)
def test_a_text_of_another_form_is_refused_with_what_to_give(kind, text, sentence):
    with pytest.raises(BadOption) as refused:
        of_type(kind, text)

    assert str(refused.value) == sentence


def test_a_bad_time_to_live_says_what_one_looks_like():
    with pytest.raises(BadOption, match="--value does not take '30 days': give a whole number and a unit"):
        of_type(TtlDuration, "30 days")


def test_an_option_with_choices_takes_only_those():
    with pytest.raises(BadOption, match="--value does not take 'c': give a, b"):
        of_type(str, "c", choices=("a", "b"))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025-01-01..2025-02-01", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"),
        ("2025-01-01T10:00:00Z..", "2025-01-01T10:00:00Z", None),
        ("..0", None, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_range_of_event_times_may_be_open_at_one_side(text, start, end):
    found = parse_range(text)

    assert [None if side is None else side.iso() for side in (found.start, found.end)] == [start, end]
