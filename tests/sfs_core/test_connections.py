"""Connections: from a file, the environment or the built-in names; a broken file is one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfs_core import ConfigUnreadable, ConnectionUnknown, load_connections, split_address

FILE = """
default = "prod"

[connections.prod]
store = "sagemaker"
region = "eu-west-1"
protected = true
max_delete = 100000

[connections.dev]
store = "local"
path = "./feature-store"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE, "utf-8")
    return path


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("orders", (None, "orders")),
        ("prod:orders", ("prod", "orders")),
        (
            "arn:aws:sagemaker:eu-west-1:111122223333:feature-group/orders",
            (None, "arn:aws:sagemaker:eu-west-1:111122223333:feature-group/orders"),
        ),
        (
            "prod:arn:aws:sagemaker:eu-west-1:1:feature-group/o",
            ("prod", "arn:aws:sagemaker:eu-west-1:1:feature-group/o"),
        ),
    ],
)
def test_an_address_is_split_at_its_connection_and_an_arn_never(address, parts):
    assert split_address(address) == parts


def test_a_file_names_connections_with_their_settings_and_guards(config, tmp_path):
    connections = load_connections({"SFS_CONFIG": str(config)}, tmp_path)
    prod = connections.get("prod")

    assert connections.default == "prod"
    assert (prod.store, prod.settings) == ("sagemaker", {"region": "eu-west-1"})
    assert (prod.protected, prod.max_delete, prod.origin) == (True, 100_000, config)


def test_without_a_file_the_built_in_connections_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    connections = load_connections({}, tmp_path)

    assert connections.default == "sagemaker"
    assert (connections.get("local").store, connections.get("local").origin) == ("local", None)


def test_the_environment_overrides_the_files_default(config, tmp_path):
    environ = {"SFS_CONFIG": str(config), "SFS_CONNECTION": "dev"}

    assert load_connections(environ, tmp_path).default == "dev"


def test_a_file_in_the_working_folder_is_found(tmp_path):
    (tmp_path / "sagemaker-fs.toml").write_text('default = "here"\n[connections.here]\nstore = "local"\n', "utf-8")

    assert load_connections({}, tmp_path).default == "here"


def test_an_unknown_connection_names_those_there_are_and_where_to_add_one(config, tmp_path):
    with pytest.raises(ConnectionUnknown) as unknown:
        load_connections({"SFS_CONFIG": str(config)}, tmp_path).get("pord")

    assert str(unknown.value) == (
        f"no connection is named 'pord': there are dev, local, prod, sagemaker; "
        f"add [connections.pord] to {config} to make one"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("default = ", "Invalid value"),
        ("colour = 1", "there is no setting 'colour' at its top"),
        ("connections = 1", "'connections' must be a table"),
        ("[connections.a]\nregion = 'x'", '[connections.a] needs store = "..."'),
        ("[connections]\na = 1", '[connections.a] needs store = "..."'),
        ("[connections.'a:b']\nstore = 'local'", "'a:b' cannot name a connection"),
        ("[connections.arn]\nstore = 'local'", "'arn' cannot name a connection"),
        ("[connections.a]\nstore = 'local'\nprotected = 'yes'", "protected of 'a' must be true or false"),
        ("[connections.a]\nstore = 'local'\nmax_delete = -1", "max_delete of 'a' must be a whole number"),
        ("[connections.a]\nstore = 'local'\nmax_delete = true", "max_delete of 'a' must be a whole number"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_problem(tmp_path, content, problem):
    path = tmp_path / "config.toml"
    path.write_text(content, "utf-8")

    with pytest.raises(ConfigUnreadable) as unreadable:
        load_connections({"SFS_CONFIG": str(path)}, tmp_path)

    assert str(unreadable.value).startswith(f"configuration file {path} cannot be used: {problem}")
    assert unreadable.value.exit_code == 2


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigUnreadable, match="No such file"):
        load_connections({"SFS_CONFIG": str(tmp_path / "none.toml")}, tmp_path)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigUnreadable):
        load_connections({"SFS_CONFIG": str(path)}, tmp_path)
