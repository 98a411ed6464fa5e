"""Tags of feature groups. The store keeps those a group was made with; what was changed since is kept here."""

from __future__ import annotations

import json
from typing import Any

from sfs_core import FeatureGroup
from sfs_plugins.sandbox.control.failures import invalid, told
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.wire import Failure

MAX_TAGS = 50
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tags (arn TEXT, created INTEGER, tags TEXT NOT NULL, PRIMARY KEY (arn, created));
"""


class TagOperations:
    """AddTags, ListTags, DeleteTags."""

    def __init__(self, store: FolderStore, state: State) -> None:
        self._store, self._state = store, state
        state.declare(_SCHEMA)

    def tags(self, group: FeatureGroup) -> dict[str, str]:
        """Return a group's tags as they are now."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT tags FROM tags WHERE arn = ? AND created = ?", _key(group)).fetchone()
        return dict(self._store.tags(group.name)) if row is None else json.loads(row[0])

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        """AddTags: the answer holds all tags."""
        group = self._group(given["ResourceArn"])
        added = {tag["Key"]: tag["Value"] for tag in given["Tags"]}
        if any(key.lower().startswith("aws:") for key in added):
            raise invalid("tag keys may not begin with aws:.")
        with self._state.writing():
            tags = {**self.tags(group), **added}
            if len(tags) > MAX_TAGS:
                raise invalid(f"a resource may have {MAX_TAGS} tags.")
            self._set(group, tags)
        return {"Tags": _on_wire(tags)}

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListTags: never more than one page, since a group has at most as many tags as the smallest page."""
        return {"Tags": _on_wire(self.tags(self._group(given["ResourceArn"])))}

    def delete(self, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteTags: keys that are not there are passed over."""
        group = self._group(given["ResourceArn"])
        with self._state.writing():
            self._set(group, {key: value for key, value in self.tags(group).items() if key not in given["TagKeys"]})
        return {}

    def _set(self, group: FeatureGroup, tags: dict[str, str]) -> None:
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (*_key(group), json.dumps(tags)))

    def _group(self, arn: str) -> FeatureGroup:
        if ":feature-group/" not in arn:
            raise Failure("ValidationException", f"this sandbox keeps tags of feature groups only, not of {arn}")
        with told(arn):
            return self._store.describe(arn)


def _key(group: FeatureGroup) -> tuple[str, int]:
    return group.arn, group.created_at.nanoseconds if group.created_at else 0


def _on_wire(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
