"""Workgroups: where results go, and whether clients may say otherwise."""

from __future__ import annotations

import json
from typing import Any

from sfs_core import SystemClock
from sfs_plugins.sandbox.json_service import present, wire_time
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.wire import Failure

PRIMARY = "primary"
_SCHEMA = "CREATE TABLE IF NOT EXISTS athena_workgroups (name TEXT PRIMARY KEY, definition TEXT NOT NULL);"


def invalid(message: str, code: str = "INVALID_INPUT") -> Failure:
    """Return Athena's refusal of a request."""
    return Failure("InvalidRequestException", message, AthenaErrorCode=code)


class WorkGroups:
    """The workgroups, `primary` among them from the start."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.declare(_SCHEMA)

    def find(self, name: str) -> dict[str, Any]:
        """Return a workgroup. Raises Failure."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT definition FROM athena_workgroups WHERE name = ?", (name,)).fetchone()
        if row is not None:
            found: dict[str, Any] = json.loads(row[0])
            return found
        if name != PRIMARY:
            raise invalid(f"WorkGroup {name} is not found.")
        return {"Name": PRIMARY, "State": "ENABLED", "Configuration": _configuration({}), "CreationTime": 0.0}

    def _write(self, group: dict[str, Any]) -> None:
        with self._state.writing() as connection:
            row = (group["Name"], json.dumps(group))
            connection.execute("INSERT OR REPLACE INTO athena_workgroups VALUES (?, ?)", row)

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateWorkGroup."""
        name = given["Name"]
        if name == PRIMARY or name in self._names():
            raise invalid(f"WorkGroup {name} already exists.")
        configuration = _configuration({"EnforceWorkGroupConfiguration": True, **(given.get("Configuration") or {})})
        group = present(
            Name=name, State="ENABLED", Configuration=configuration, Description=given.get("Description"),
            CreationTime=wire_time(SystemClock().now()),
        )  # fmt: skip
        self._write(group)
        return {}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetWorkGroup."""
        return {"WorkGroup": self.find(given["WorkGroup"])}

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateWorkGroup."""
        group = self.find(given["WorkGroup"])
        changes = dict(given.get("ConfigurationUpdates") or {})
        configuration = dict(group["Configuration"])
        result = changes.pop("ResultConfigurationUpdates", None) or {}
        kept = dict(configuration.get("ResultConfiguration") or {})
        for name in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner"):
            if result.get(f"Remove{name}"):
                kept.pop(name, None)
            if result.get(name) is not None:
                kept[name] = result[name]
        configuration |= {name: value for name, value in changes.items() if not name.startswith("Remove")}
        changed = {**group, "Configuration": {**configuration, "ResultConfiguration": kept}}
        self._write(changed | present(State=given.get("State"), Description=given.get("Description")))
        return {}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteWorkGroup."""
        if given["WorkGroup"] == PRIMARY:
            raise invalid("The primary workgroup cannot be deleted.")
        self.find(given["WorkGroup"])
        with self._state.writing() as connection:
            connection.execute("DELETE FROM athena_workgroups WHERE name = ?", (given["WorkGroup"],))
        return {}

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListWorkGroups, all on one page."""
        groups = [self.find(name) for name in sorted({PRIMARY, *self._names()})]
        members = ("Name", "State", "Description", "CreationTime")
        return {"WorkGroups": [{name: group[name] for name in members if name in group} for group in groups]}

    def _names(self) -> list[str]:
        with self._state.reading() as connection:
            return [row[0] for row in connection.execute("SELECT name FROM athena_workgroups").fetchall()]


def _configuration(given: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        "EnforceWorkGroupConfiguration": False, "PublishCloudWatchMetricsEnabled": False, "RequesterPaysEnabled": False,
        "ResultConfiguration": {},
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
    }  # fmt: skip
    return {**defaults, **given}
