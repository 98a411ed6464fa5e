"""A third party's plugin, really installed into a fresh environment with the core and two rooms and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sfs_core import KINDS
from tests.conftest import Sfs
from tests.source_tree import ROOT

THIRD_PARTY = ROOT / "tests" / "third_party"
ROOMS = [ROOT / "sfs_core", ROOT / "sfs_plugins" / "local_store", ROOT / "sfs_plugins" / "bulk"]
SCHEMA = """
record_identifier: id
event_time: at
features: [{name: id, type: String}, {name: at, type: String}, {name: city, type: String}]
online: {storage_type: Standard}
"""
RECORDS = "id,at,city\nr1,2025-01-01T00:00:00Z,Oslo\nr2,2025-01-01T00:00:00Z,Rome\nr3,2025-01-01T00:00:00Z,Bern\n"


@dataclass(frozen=True)
class Installation:
    """A virtual environment of its own."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def __call__(
        self, *argv: object, program: str = "sagemaker-fs", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SFS_", "AWS_", "VIRTUAL_", "PYTEST_"))
        }
        clean |= {"SFS_STATE_DIR": str(self.folder / "state"), "XDG_CONFIG_HOME": str(self.folder / "config")}
        command = [str(self.folder / "bin" / program), *map(str, argv)]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=clean | environ,
            check=False,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )

    def install(self, *distributions: object) -> None:
        """Install from the working tree; libraries come from uv's cache, and over the network only if they must."""
        command = ["pip", "install", "--quiet", "--no-sources", "--python", self.python, *map(str, distributions)]
        if uv(*command, "--offline").returncode:
            answer = uv(*command)
            assert answer.returncode == 0, f"neither uv's cache nor a package index has it:\n{answer.stderr}"


def uv(*argv: str) -> subprocess.CompletedProcess[str]:
    program = os.environ.get("UV") or shutil.which("uv")
    assert program, "uv runs the tests, so it is there"
    return subprocess.run([program, *argv], capture_output=True, text=True, check=False, cwd=THIRD_PARTY)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The core, the local store, the bulk verbs, and the third party's plugin with what its tests need."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    assert uv("venv", "--quiet", "--python", sys.executable, str(folder)).returncode == 0
    fresh = Installation(folder)
    fresh.install(*ROOMS, THIRD_PARTY / "sfs_sqlite", "pytest")
    return fresh


@pytest.fixture
def store(sfs: Sfs) -> Path:
    """A store folder with three records, made by the whole tool."""
    sfs.ok("create orders --schema", str(sfs.file("orders.yaml", SCHEMA)))
    sfs.ok("bulk-put orders", str(sfs.file("orders.csv", RECORDS)))
    return sfs.store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A SQLite file with two of the three record ids."""
    path = tmp_path / "ids.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("CREATE TABLE ids (id TEXT); INSERT INTO ids VALUES ('r3'), ('r1')")
    return path


def test_only_what_was_installed_is_there(installed):
    plugins = json.loads(installed("plugins", "--output", "json").stdout)

    assert {line["name"]: (line["state"], line["distribution"], line["version"]) for line in plugins} == {
        "core": ("loaded", "sfs-core", "0.1.0"),
        "bulk": ("loaded", "sfs-bulk", "0.1.0"),
        "local_store": ("loaded", "sfs-local-store", "0.1.0"),
        "sqlite": ("loaded", "sfs-sqlite", "1.0"),
    }
    [sqlite] = [line for line in plugins if line["name"] == "sqlite"]
    assert sqlite["provides"] == {"sfs_record_id_sources": ["sqlite"]}


def test_a_room_that_was_left_out_cannot_be_called(installed):
    answer = installed("clear", "orders", "--force")

    assert answer.returncode == 2
    assert 'the command "clear" does not exist' in answer.stderr


def test_the_plugins_options_are_in_the_help_of_a_command_that_takes_record_ids(installed):
    shown = installed("bulk-get", "--help").stdout

    assert "Source of the record ids. [sqlite]" in shown
    assert "--sqlite-database=SQLITE-DATABASE" in shown
    assert "Query whose first column is the record id. (default: SELECT id FROM ids)" in shown


def test_the_plugins_record_ids_are_read_by_a_built_in_command(installed, store, database):
    answer = installed("bulk-get", "orders", "--ids", "sqlite", "--sqlite-database", database, "--path", store)

    assert (answer.returncode, answer.stdout.splitlines()) == (
        0,
        [
            '{"id": "r3", "at": "2025-01-01T00:00:00Z", "city": "Bern"}',
            '{"id": "r1", "at": "2025-01-01T00:00:00Z", "city": "Oslo"}',
        ],
    )
    assert answer.stderr == "2 of 2 records found\n"


def test_the_plugins_failure_is_one_sentence_with_its_exit_code(installed, store, tmp_path):
    missing = tmp_path / "none.db"

    answer = installed("bulk-get", "orders", "--ids", "sqlite", "--sqlite-database", missing, "--path", store)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"error: {missing} cannot be read: unable to open database file\n"
    assert not missing.exists()


def test_an_option_the_plugin_needs_is_asked_for(installed, store):
    answer = installed("bulk-get", "orders", "--ids", "sqlite", "--path", store)

    assert answer.returncode == 2
    assert answer.stderr == "error: --sqlite-database does not take '': give SQLite file to read.\n"


def test_the_plugins_own_contract_test_passes_where_it_is_installed(installed, tmp_path):
    # a folder of its own, or this project's settings for pytest would be found
    tests = shutil.copytree(THIRD_PARTY / "sfs_sqlite" / "tests", tmp_path / "tests")

    answer = installed("-q", "-W", "error", tests, program="pytest")

    assert answer.returncode == 0, answer.stdout
    assert " passed" in answer.stdout


@pytest.fixture(scope="module")
def broken(installed: Installation) -> Installation:
    """The same environment, with three plugins that cannot be used."""
    installed.install(THIRD_PARTY / "sfs_broken")
    return installed


class TestBrokenPlugins:
    def test_are_set_aside_and_named_and_the_rest_works(self, broken, store, database):
        answer = broken("bulk-get", "orders", "--ids", "sqlite", "--sqlite-database", database, "--path", store)

        assert answer.returncode == 0
        assert len(answer.stdout.splitlines()) == 2
        assert [line.partition(":")[2] for line in answer.stderr.splitlines() if line.startswith("warning")] == [
            " plugin clashing_name (sfs-broken) is set aside: its command 'bulk-get' is also provided by "
            "bulk (sfs-bulk); `sagemaker-fs plugins` shows all",
            " plugin misspelt_hook (sfs-broken) is set aside: LookupError: no hook is named sfs_comands: "
            f"there are {', '.join(KINDS)}; `sagemaker-fs plugins` shows all",
            " plugin not_importable (sfs-broken) is set aside: ModuleNotFoundError: No module named "
            "'a_library_that_nobody_installed'; `sagemaker-fs plugins` shows all",
        ]

    def test_can_be_blocked_by_name_or_distribution(self, broken):
        answer = broken("plugins", "--output", "json", SFS_PLUGINS_BLOCK="sfs-broken,sqlite", SFS_STRICT_PLUGINS="1")

        assert (answer.returncode, answer.stderr) == (0, "")
        states = {line["name"]: line["state"] for line in json.loads(answer.stdout)}
        assert [name for name, state in states.items() if state == "blocked"] == [
            "clashing_name",
            "misspelt_hook",
            "not_importable",
            "sqlite",
        ]

    def test_end_every_command_where_plugins_are_strict(self, broken):
        answer = broken("plugins", SFS_STRICT_PLUGINS="1")

        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.startswith("error: plugins cannot be used, and SFS_STRICT_PLUGINS is set: clashing_name")
