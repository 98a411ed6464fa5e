"""Plugins: found, isolated, named with what is wrong; a broken one never takes the tool down."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from sfs_core import PluginState, hookimpl, load_plugins
from tests.conftest import Sfs
from tests.parts import command, plugin, source


def states(core: Sfs) -> dict[str, str]:
    """Return the state of each plugin that nobody blocked."""
    answer = core.ok("plugins --output json")
    return {line["name"]: line["state"] for line in answer.json if line["state"] != "blocked"}


def reason(core: Sfs, name: str) -> str:
    [line] = [line for line in core.ok("plugins --output json").json if line["name"] == name]
    return str(line["reason"])


class Raising:
    """A part that cannot even be looked at."""

    name = "raising"
    broken: "NoSuchType"  # type: ignore[name-defined]  # noqa: F821, UP037


class TestTheCommandPlugins:
    def test_is_there_with_no_plugin_at_all(self, core: Sfs):
        [line] = [line for line in core.ok("plugins --output json").json if line["state"] == "loaded"]

        assert line == {
            "name": "core",
            "state": "loaded",
            "distribution": "sfs-core",
            "version": version("sfs-core"),
            "provides": {"sfs_commands": ["plugins"]},
            "reason": None,
        }

    def test_says_in_a_table_what_each_one_provides(self, core: Sfs):
        core.plugins.append(
            ("mine", plugin(sfs_commands=[command("b"), command("a")], sfs_record_id_sources=[source("s")]))
        )

        last = core.ok("plugins").stdout.splitlines()[-1]

        assert last.split() == ["mine", "loaded", "mine", "0", "command", "a,", "b;", "record-id", "source", "s"]

    def test_shows_blocked_ones_with_the_reason(self, core: Sfs):
        lines = core.ok("plugins --output json").json

        blocked = [line for line in lines if line["name"] == "clear"]
        assert blocked == [
            {
                "name": "clear",
                "state": "blocked",
                "distribution": "sfs-clear",
                "version": version("sfs-clear"),
                "provides": {},
                "reason": "named in SFS_PLUGINS_BLOCK",
            }
        ]


def test_a_plugin_may_be_blocked_by_the_name_of_its_distribution(sfs: Sfs):
    sfs.environ["SFS_PLUGINS_BLOCK"] = "sfs-clear, nothing-of-that-name"

    states_by_name = {line["name"]: line["state"] for line in sfs.ok("plugins --output json").json}

    assert states_by_name["clear"] == "blocked"
    assert "clear" not in sfs.ok("help").stdout.split()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (plugin(sfs_comands=[]), "LookupError: no hook is named sfs_comands: there are sfs_commands, sfs_stores, "),
        (plugin(sfs_commands=[object()]), "is not a class with a name"),
        (plugin(sfs_commands=3), "TypeError: 'int' object is not iterable"),
        (plugin(sfs_commands=[type("Nameless", (), {})]), "is not a class with a name"),
        (plugin(sfs_record_id_sources=[type("NoDataclass", (), {"name": "x"})]), "dataclass"),
        (plugin(sfs_record_id_sources=[Raising]), "NameError: name 'NoSuchType' is not defined"),
        (plugin(sfs_commands=[command("help")]), "ValueError: the command 'help' is the application's own"),
        (plugin(sfs_commands=[type("NoCommand", (), {"name": "x"})]), "TypeError: NoCommand() takes no arguments"),
    ],
)
def test_a_broken_plugin_is_set_aside_and_named_and_the_rest_works(core: Sfs, broken, why):
    core.plugins += [("broken", broken), ("good", plugin(sfs_commands=[command("good")]))]

    answer = core.ok("good")

    assert answer.stdout == ""
    assert answer.stderr.startswith("warning: plugin broken (broken) is set aside: ")
    assert why in answer.stderr
    assert states(core) == {"core": "loaded", "broken": "broken", "good": "loaded"}


class RaisingPlugin:
    """A plugin whose hook fails."""

    @hookimpl
    def sfs_stores(self) -> object:
        raise RuntimeError("first line\nsecond line")


def test_a_plugin_that_raises_in_a_hook_is_set_aside_with_the_first_line_of_its_failure(core: Sfs):
    core.plugins.append(("broken", RaisingPlugin()))

    assert states(core)["broken"] == "broken"
    assert reason(core, "broken") == "RuntimeError: first line"


def test_two_plugins_that_provide_one_name_are_both_set_aside(core: Sfs):
    core.plugins += [("one", plugin(sfs_commands=[command("x")])), ("two", plugin(sfs_commands=[command("x")]))]

    answer = core("x")

    assert (answer.code, states(core)) == (2, {"core": "loaded", "one": "clashing", "two": "clashing"})
    assert reason(core, "one") == "its command 'x' is also provided by two (two)"


def test_a_built_in_plugin_keeps_a_name_that_another_one_takes(core: Sfs):
    core.plugins.append(("thief", plugin(sfs_commands=[command("plugins"), command("other")])))

    assert states(core) == {"core": "loaded", "thief": "clashing"}
    assert reason(core, "thief") == "its command 'plugins' is also provided by core (sfs-core)"
    assert core("other").code == 2, "a plugin is set aside whole"


def test_parts_of_two_kinds_may_share_a_name(core: Sfs):
    core.plugins += [
        ("one", plugin(sfs_commands=[command("x")])),
        ("two", plugin(sfs_record_id_sources=[source("x")])),
    ]

    assert states(core) == {"core": "loaded", "one": "loaded", "two": "loaded"}


@pytest.mark.parametrize(
    "broken", [plugin(sfs_comands=[]), plugin(sfs_commands=[type("NoCommand", (), {"name": "x"})])]
)
def test_strict_plugins_end_every_command_with_the_names_of_those_set_aside(core: Sfs, broken):
    core.environ["SFS_STRICT_PLUGINS"] = "1"
    core.plugins.append(("broken", broken))

    answer = core("plugins")

    assert answer.code == 2
    assert answer.stderr.startswith("error: plugins cannot be used, and SFS_STRICT_PLUGINS is set: broken (broken): ")


def test_strict_plugins_take_no_offence_at_blocked_ones(core: Sfs):
    core.environ["SFS_STRICT_PLUGINS"] = "1"

    assert core("plugins").code == 0


def test_plugins_know_who_provides_a_part(core: Sfs):
    loaded = load_plugins(core.environ, [("mine", plugin(sfs_record_id_sources=[source("s"), source("a")]))])

    assert list(loaded.record_id_sources) == ["a", "s"]
    provider = loaded.provider("sfs_record_id_sources", "s")
    assert provider is not None
    assert (provider.name, provider.state, provider.is_built_in) == ("mine", PluginState.LOADED, False)
    assert loaded.provider("sfs_record_id_sources", "none") is None
