"""The application: from the command line to an exit code, with one sentence a failure and a clean stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from sfs_core import (
    Choice,
    FeatureGroupNotFound,
    SfsCommand,
    option,
    say,
)
from sfs_core.application import state_folder
from tests.conftest import Sfs
from tests.parts import command, plugin, source


def given(core: Sfs, *commands: type[SfsCommand]) -> Sfs:
    core.plugins.append(("test", plugin(sfs_commands=commands)))
    return core


def raising(error: BaseException):
    def answer(_: SfsCommand) -> None:
        raise error

    return answer


def test_without_a_command_there_is_an_overview_and_no_store_is_asked(core: Sfs):
    given(core, command("list", raising(AssertionError("asked"))))

    answer = core.ok("")

    assert "A command for tests, list." in answer.stdout
    assert answer.stdout == core.ok("help").stdout == core.ok("--help").stdout
    assert answer.stderr == ""


def test_help_of_a_command_is_on_stdout(core: Sfs):
    given(core, command("look"))

    assert "A command for tests, look." in core.ok("look --help").stdout
    assert core.ok("help look").stdout == core.ok("look --help").stdout


def test_the_version_is_the_cores(core: Sfs):
    assert core.ok("--version").stdout == f"sagemaker-fs (version {version('sfs-core')})\n"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "lok",
            'the command "lok" does not exist. Did you mean this? look; `sagemaker-fs --help` shows what there is',
        ),
        ("look --colour", 'the option "--colour" does not exist; `sagemaker-fs look --help` shows what there is'),
        ("look a", 'no arguments expected for "look" command, got "a"; `sagemaker-fs look --help` shows what there is'),
        (
            "look --connection",
            'the "--connection" option requires a value; `sagemaker-fs look --help` shows what there is',
        ),
        ("--colour", 'the option "--colour" does not exist; `sagemaker-fs --help` shows what there is'),
        (
            "runs list --colour",
            'the option "--colour" does not exist; `sagemaker-fs runs list --help` shows what there is',
        ),
    ],
)
def test_a_command_line_that_is_not_understood_ends_with_2_and_says_where_to_look(core: Sfs, line, sentence):
    given(core, command("look"), command("runs list"))

    answer = core(line)

    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr == f"error: {sentence}\n"


def test_a_failure_ends_with_its_own_code_and_one_sentence(core: Sfs):
    given(core, command("look", raising(FeatureGroupNotFound(name="orders", place="memory"))))

    answer = core("look")

    assert (answer.code, answer.stdout) == (10, "")
    assert answer.stderr == "error: no feature group 'orders' in memory: `sagemaker-fs list` shows them\n"


def test_a_failure_can_be_read_by_machines(core: Sfs):
    given(core, command("look", raising(FeatureGroupNotFound(name="orders", place="memory"))))

    for flag in ("--log-format json", "--log-format=json"):
        entry = json.loads(core(f"look {flag}").stderr)

        assert (entry["error"], entry["exit_code"]) == ("FeatureGroupNotFound", 10)
        assert entry["fields"] == {"name": "orders", "place": "memory"}


def test_ctrl_c_ends_with_130(core: Sfs):
    given(core, command("look", raising(KeyboardInterrupt())))

    answer = core("look")

    assert (answer.code, answer.stderr) == (130, "error: stopped as asked\n")


def test_a_bug_ends_with_1_and_says_so(core: Sfs):
    given(core, command("look", raising(ZeroDivisionError("division by zero"))))

    answer = core("look")

    assert answer.code == 1
    assert answer.stderr == (
        "error: this is a bug in sagemaker-fs or one of its plugins (ZeroDivisionError: division by zero); "
        "-v shows where\n"
    )


def test_a_bug_shows_its_traceback_to_who_asks(core: Sfs):
    given(core, command("look", raising(ZeroDivisionError())))

    with pytest.raises(ZeroDivisionError):
        core("look -v")


def test_data_with_tags_in_it_reaches_stdout_as_it_is(core: Sfs):
    given(core, command("look", lambda asked: asked.stdout.write("<b>bold</b> <info>x</info>\n") and None))

    assert core.ok("look").stdout == "<b>bold</b> <info>x</info>\n"


def test_a_reader_that_has_gone_is_no_failure(tmp_path: Path):
    blocked = ",".join(entry.name for entry in entry_points(group="sagemaker_fs"))
    environ = {**os.environ, "SFS_STATE_DIR": str(tmp_path), "SFS_PLUGINS_BLOCK": blocked}
    program = f"{sys.executable} -m tests.endless | head -n 1"

    answer = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program}"], capture_output=True, text=True, env=environ, check=False
    )

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "a line\n", "")


UNWRITABLE = "error: the answer cannot be written to stdout (No space left on device), so it is not whole\n"


@pytest.mark.parametrize(
    ("to", "told"), [("> /dev/full", (12, UNWRITABLE)), (">&-", (0, ""))], ids=["a full disk", "closed"]
)
def test_an_answer_that_has_nowhere_to_go_is_told_of_and_no_bug(tmp_path: Path, to: str, told: tuple[int, str]):
    environ = {**os.environ, "SFS_STATE_DIR": str(tmp_path)}
    program = f"{sys.executable} -c 'from sfs_core.application import main; raise SystemExit(main())' plugins {to}"

    answer = subprocess.run(["bash", "-c", program], stderr=subprocess.PIPE, text=True, env=environ, check=False)

    assert (answer.returncode, answer.stderr) == told


def test_quiet_leaves_notes_out(core: Sfs):
    given(core, command("look", lambda asked: asked.session.console.note(say("good to know"))))

    assert core.ok("look").stderr == "good to know\n"
    assert core.ok("look --quiet").stderr == ""


def test_runs_are_kept_in_the_users_own_folder_or_the_one_named(tmp_path: Path):
    assert state_folder({"SFS_STATE_DIR": str(tmp_path)}) == tmp_path
    assert state_folder({}).name == "sagemaker-fs"


@dataclass(frozen=True)
class LookOptions:
    """Options of a command for tests."""

    deep: bool = option("Look deeper.", default=False)
    limit: int = option("Most lines.", default=10)


IDS = Choice("ids", "sfs_record_id_sources", "Where record ids come from.", default="plain")


class Look(SfsCommand):
    """Says what it was given."""

    name = "look"
    description = "Look."
    declares = (LookOptions,)
    chooses = (IDS,)

    def answer(self):
        chosen = self.chosen(IDS, group=None)
        self.stdout.write(f"{self.given(LookOptions)} {chosen.describe()}\n")
        return super().answer()


class TestACommandsOptions:
    @pytest.fixture(autouse=True)
    def look(self, core: Sfs):
        core.plugins += [
            ("look", plugin(sfs_commands=[Look])),
            ("ids", plugin(sfs_record_id_sources=[source("plain")])),
        ]

    def test_are_flags_with_help_default_and_choices(self, core: Sfs):
        shown = core.ok("look --help").stdout

        assert "--limit=LIMIT            Most lines. (default: 10)" in shown
        assert "--ids=IDS                Where record ids come from. [plain] (default: plain)" in shown

    def test_are_read_back_as_the_dataclass_that_declares_them(self, core: Sfs):
        assert core.ok("look --deep --limit 3").stdout == "LookOptions(deep=True, limit=3) two record ids\n"
        assert core.ok("look").stdout == "LookOptions(deep=False, limit=10) two record ids\n"

    def test_choose_a_part_by_name_or_name_those_there_are(self, core: Sfs):
        answer = core("look --ids other")

        assert answer.code == 2
        assert answer.stderr == (
            "error: no record-id source is named 'other': there are plain; "
            "`sagemaker-fs plugins` shows what each plugin provides\n"
        )
