"""UpdateFeatureMetadata and DescribeFeatureMetadata: descriptions and parameters of single features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sfs_core import EventTime, FeatureDefinition, FeatureGroup, SystemClock, UnknownFeature
from sfs_plugins.sandbox.control.failures import invalid, told
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.json_service import present, wire_time
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.wire import Failure

MAX_PARAMETERS = 25
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feature_metadata (
    arn TEXT, created INTEGER, feature TEXT, description TEXT NOT NULL, parameters TEXT NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (arn, created, feature));
"""


@dataclass(frozen=True)
class Metadata:
    """What is written down about a feature; `modified` None where nothing ever was."""

    description: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    modified: EventTime | None = None


class MetadataOperations:
    """The operations on feature metadata."""

    def __init__(self, store: FolderStore, state: State) -> None:
        self._store, self._state = store, state
        state.declare(_SCHEMA)

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFeatureMetadata."""
        group, feature = self._feature(given)
        additions = {one.get("Key"): one.get("Value") for one in given.get("ParameterAdditions") or ()}
        if None in additions or None in additions.values():
            raise invalid("ParameterAdditions need both Key and Value.")
        with self._state.writing():
            before = self.of(group, feature)
            removed = set(given.get("ParameterRemovals") or ())
            parameters = {key: value for key, value in before.parameters if key not in removed} | additions
            if len(parameters) > MAX_PARAMETERS:
                raise invalid(f"a feature may have {MAX_PARAMETERS} parameters.")
            description = given.get("Description")
            kept = before.description if description is None else description
            self._set(group, feature, kept, parameters)
        return {}

    def describe(self, given: dict[str, Any]) -> dict[str, Any]:
        """DescribeFeatureMetadata."""
        group, feature = self._feature(given)
        return self.on_wire(group, feature)

    def on_wire(self, group: FeatureGroup, feature: FeatureDefinition) -> dict[str, Any]:
        """Return a feature with its metadata, as Describe and Search give it."""
        metadata = self.of(group, feature)
        return present(
            FeatureGroupArn=group.arn,
            FeatureGroupName=group.name,
            FeatureName=feature.name,
            FeatureType=feature.type.value,
            CreationTime=wire_time(group.created_at),
            LastModifiedTime=wire_time(metadata.modified or group.created_at),
            Description=metadata.description or None,
            Parameters=[{"Key": key, "Value": value} for key, value in metadata.parameters],
        )

    def of(self, group: FeatureGroup, feature: FeatureDefinition) -> Metadata:
        """Return what is written down about a feature."""
        where = "arn = ? AND created = ? AND feature = ?"
        query = f"SELECT description, parameters, modified FROM feature_metadata WHERE {where}"
        with self._state.reading() as connection:
            row = connection.execute(query, _key(group, feature)).fetchone()
        return Metadata() if row is None else Metadata(row[0], tuple(json.loads(row[1]).items()), EventTime(row[2]))

    def _set(
        self, group: FeatureGroup, feature: FeatureDefinition, description: str, parameters: dict[str, str]
    ) -> None:
        values = (*_key(group, feature), description, json.dumps(parameters), SystemClock().now().nanoseconds)
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO feature_metadata VALUES (?, ?, ?, ?, ?, ?)", values)

    def _feature(self, given: dict[str, Any]) -> tuple[FeatureGroup, FeatureDefinition]:
        name, feature = given["FeatureGroupName"], given["FeatureName"]
        with told(name):
            group = self._store.describe(name)
        try:
            return group, group.feature(feature)
        except UnknownFeature as error:
            message = f"Resource Not Found: FeatureGroup {group.name} has no feature with name {feature}"
            raise Failure("ResourceNotFound", message) from error


def _key(group: FeatureGroup, feature: FeatureDefinition) -> tuple[str, int, str]:
    return group.arn, group.created_at.nanoseconds if group.created_at else 0, feature.name
