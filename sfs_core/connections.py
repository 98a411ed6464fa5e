"""Named connections: which store a run speaks to, from a file, the environment or the built-in names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import platformdirs

from sfs_core.errors import ConfigUnreadable, ConnectionUnknown
from sfs_core.messages import say

BUILT_IN: Final = ("sagemaker", "local")
"""Connections that need no file: each is a store plugin's name, with that store's default settings."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A store plugin and its settings. `origin` is the file that names it, None for a built-in one."""

    name: str
    store: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    protected: bool = False
    max_delete: int | None = None
    origin: Path | None = None


@dataclass(frozen=True, slots=True)
class Connections:
    """Every connection that can be named; `path` is the file they come from, or the one that would be read."""

    path: Path
    named: Mapping[str, Connection] = field(default_factory=dict)
    default: str = "sagemaker"

    def get(self, name: str) -> Connection:
        """Return a connection. Raises ConnectionUnknown."""
        if name in self.named:
            return self.named[name]
        if name in BUILT_IN:
            return Connection(name, name)
        known = ", ".join(sorted({*self.named, *BUILT_IN}))
        raise ConnectionUnknown(name=name, known=known, path=self.path)


def split_address(address: str) -> tuple[str | None, str]:
    """Return connection (None if not named) and group of `[CONNECTION:]GROUP`; a text that is an ARN is never split."""
    if address.startswith("arn:") or ":" not in address:
        return None, address
    connection, _, group = address.partition(":")
    return connection, group


def load_connections(environ: Mapping[str, str], folder: Path) -> Connections:
    """Return the connections of the first of: the file in SFS_CONFIG, `folder`/sagemaker-fs.toml, the user's own file.

    SFS_CONNECTION overrides the file's default. Raises ConfigUnreadable.
    """
    path = _config_path(environ, folder)
    if "SFS_CONFIG" not in environ and not path.exists():
        return Connections(path, {}, environ.get("SFS_CONNECTION") or "sagemaker")
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigUnreadable(path=path, problem=error) from error
    named = {name: _connection(path, name, table) for name, table in _table(path, content, "connections").items()}
    default = environ.get("SFS_CONNECTION") or content.get("default") or "sagemaker"
    for key in content.keys() - {"default", "connections"}:
        raise ConfigUnreadable(path=path, problem=say("there is no setting {key!r} at its top", key=key))
    return Connections(path, named, default)


def _config_path(environ: Mapping[str, str], folder: Path) -> Path:
    if environ.get("SFS_CONFIG"):
        return Path(environ["SFS_CONFIG"]).expanduser()
    here = folder / "sagemaker-fs.toml"
    return here if here.exists() else platformdirs.user_config_path("sagemaker-fs") / "config.toml"


def _table(path: Path, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise ConfigUnreadable(path=path, problem=say("{key!r} must be a table", key=key))
    return table


def _connection(path: Path, name: str, table: object) -> Connection:
    if not isinstance(table, dict) or not isinstance(table.get("store"), str):
        raise ConfigUnreadable(path=path, problem=say('[connections.{name}] needs store = "..."', name=name))
    if not name or ":" in name or name == "arn":
        raise ConfigUnreadable(path=path, problem=say("{name!r} cannot name a connection", name=name))
    settings = {key: value for key, value in table.items() if key not in ("store", "protected", "max_delete")}
    protected, max_delete = table.get("protected", False), table.get("max_delete")
    if not isinstance(protected, bool):
        raise ConfigUnreadable(path=path, problem=say("protected of {name!r} must be true or false", name=name))
    if max_delete is not None and (not isinstance(max_delete, int) or isinstance(max_delete, bool) or max_delete < 0):
        raise ConfigUnreadable(path=path, problem=say("max_delete of {name!r} must be a whole number", name=name))
    return Connection(name, table["store"], settings, protected, max_delete, path)
