"""Sentences are templates, shown in the user's language; what machines read stays English."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from sfs_core import Message, Output, UnknownPart, in_english, render, say, say_count, speak
from tests.catalogue import between_signs, write_catalogue
from tests.conftest import Sfs
from tests.parts import DropCommand, plugin


@pytest.fixture
def signs(tmp_path: Path):
    """A folder of catalogues with one made-up language, `qaa`."""
    sentences = [
        "Drop record ids",
        "record ids at hand",
        "drop them",
        "{before} -> {part}",
        "{count} from {source}",
        "nothing comes back",
        "Drop two record ids.",
        "Show the plan, exact counts included, and change nothing.",
        "Connection for groups named without one.",
        "{option} does not take {value!r}: give {expected}",
        "plugin {name} ({distribution}) is set aside: {reason}; `sagemaker-fs plugins` shows all",
        "{kind}: {problem}",
        "group {name}",
    ]
    plural = {"{count} record\0{count} records": "«{count} ding\0{count} dinge»"}
    write_catalogue(tmp_path / "locale", "qaa", {**between_signs(sentences), **plural})
    yield {"SFS_LOCALES": str(tmp_path / "locale"), "LANGUAGE": "qaa"}
    speak({})


def test_a_sentence_is_filled_with_its_fields():
    assert str(say("group {name}", name="orders")) == "group orders"


def test_a_sentence_that_counts_has_a_plural_and_thousands_separators():
    counts = [str(say_count("{count} record", "{count} records", count)) for count in (1, 2, 12_345)]

    assert counts == ["1 record", "2 records", "12,345 records"]


def test_sentences_are_shown_in_the_users_language(signs):
    speak(signs)

    assert str(say("group {name}", name="orders")) == "«group orders»"
    assert str(say_count("{count} record", "{count} records", 2)) == "2 dinge»"


def test_a_sentence_inside_a_sentence_is_translated_too(signs):
    speak(signs)

    outer = say("{before} -> {part}", before=say("group {name}", name="a"), part=say("drop them"))

    assert str(outer) == "««group a» -> «drop them»»"
    assert outer.english() == "group a -> drop them"


def test_a_sentence_the_catalogue_lacks_is_shown_in_english(signs):
    speak(signs)

    assert str(say("nobody translated this")) == "nobody translated this"


def test_the_empty_sentence_stays_empty(signs):
    speak(signs)

    assert str(say("")) == ""


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({}, "drop them"),
        ({"LANG": "qaa"}, "«drop them»"),
        ({"LANG": "qaa.UTF-8"}, "«drop them»"),
        ({"LC_ALL": "C", "LANG": "qaa"}, "drop them"),
        ({"LC_MESSAGES": "qaa", "LANG": "de_DE"}, "«drop them»"),
        ({"LANGUAGE": "de:qaa", "LANG": "de_DE"}, "«drop them»"),
    ],
)
def test_the_language_is_the_one_of_the_environment(signs, environ, shown):
    speak({"SFS_LOCALES": signs["SFS_LOCALES"], **environ})

    assert str(say("drop them")) == shown


def test_only_the_template_is_a_key_so_that_values_are_never_read_as_templates():
    assert str(say("group {name}", name="{evil.__class__}")) == "group {evil.__class__}"


def test_machines_get_english_from_sentences_and_failures_and_values_as_they_are():
    failure = UnknownPart(kind="store", name="x", known="local")

    assert in_english(say("drop them")) == "drop them"
    assert in_english(failure) == failure.message.english()
    assert in_english(3) == 3


class TestACommandInAnotherLanguage:
    @pytest.fixture(autouse=True)
    def speaking(self, core: Sfs, signs):
        core.environ |= signs
        core.plugins.append(("drop", plugin(sfs_commands=[DropCommand])))

    def test_shows_its_plan_in_it(self, core: Sfs):
        answer = core.ok("drop --dry-run")

        assert answer.stderr.splitlines() == [
            "«Drop record ids»",
            "  1. ««2 from «record ids at hand»» -> «drop them»»",
            "  ! «nothing comes back»",
        ]

    def test_shows_its_errors_in_it(self, core: Sfs):
        answer = core("plugins --output prose")

        assert answer.code == 2
        assert answer.stderr == "error: «--output does not take 'prose': give table, json, jsonl, yaml, csv»\n"

    def test_shows_its_help_in_it(self, core: Sfs):
        shown = core.ok("drop --help").stdout

        assert "«Drop two record ids.»" in shown
        assert "«Show the plan, exact counts included, and change nothing.»" in shown
        assert "«Connection for groups named without one.»" in shown

    def test_logs_english_for_machines(self, core: Sfs):
        answer = core("plugins --output prose --log-format json")

        assert json.loads(answer.stderr) == {
            "level": "error",
            "error": "BadOption",
            "exit_code": 2,
            "message": "--output does not take 'prose': give table, json, jsonl, yaml, csv",
            "template": "{option} does not take {value!r}: give {expected}",
            "fields": {"option": "--output", "value": "prose", "expected": "table, json, jsonl, yaml, csv"},
        }

    def test_answers_machines_as_it_does_in_english(self, core: Sfs):
        core.plugins.append(("broken", plugin(sfs_commands=[None])))

        here = core.ok("plugins --output json")
        core.environ["LANGUAGE"] = "en"
        there = core.ok("plugins --output json")

        assert here.stdout == there.stdout
        assert "«plugin broken (broken) is set aside: «TypeError: None is not a class with a name»" in here.stderr

    def test_keeps_its_plan_in_english_so_that_it_can_be_resumed_in_another_language(self, core: Sfs):
        core.ok("drop")

        [plan] = (core.folder / "state" / "runs").glob("*/plan.json")
        assert json.loads(plan.read_text())["title"] == "Drop record ids"
        assert "«" not in plan.read_text() + (plan.parent / "report.json").read_text()


@pytest.mark.parametrize("output", [Output.JSON, Output.JSONL, Output.YAML, Output.CSV])
def test_a_sentence_in_an_answer_for_machines_is_english(signs, output):
    speak(signs)
    stdout = io.StringIO()

    render([{"reason": say("drop them")}], ["reason"], output, stdout)

    assert "«" not in stdout.getvalue()


def test_a_message_can_be_kept_in_a_set_and_compared():
    assert say("group {name}", name="a") == Message("group {name}", {"name": "a"})
    assert len({say("a"), say("a"), say("b")}) == 2
