"""`sagemaker-fs describe`: all that is known of one feature group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sfs_core import (
    AccessDenied,
    ExitCode,
    FeatureGroup,
    Output,
    OutputOptions,
    Session,
    SfsCommand,
    argument,
    render,
    render_one,
    say,
)
from sfs_plugins.catalog.description import description
from sfs_plugins.catalog.found import found_group


class DescribeCommand(SfsCommand):
    """Answers with a feature group: its status, stores and features. As JSON or YAML it is a schema for `create`."""

    name = "describe"
    description = "Show everything about a feature group; as JSON or YAML, what `create --schema` takes."
    arguments: ClassVar = [argument("group", "Feature group, as [CONNECTION:]NAME or ARN.")]
    declares = (OutputOptions,)

    def answer(self) -> ExitCode:
        """Write the group."""
        group = found_group(self.session, self.argument("group"))
        output = self.given(OutputOptions).output
        content = description(group, tags_of(group, self.session))
        if output is Output.TABLE:
            render_one(dict(_flat(content)), output, self.stdout)
            self.stdout.write("\n")
            render(_features(group), ("feature", "type", "role"), output, self.stdout)
        else:
            render_one(content, output, self.stdout)
        return ExitCode.DONE


def tags_of(group: FeatureGroup, session: Session) -> Mapping[str, str] | None:
    """Return a group's tags; None, and a warning, where this principal may not see them."""
    try:
        return session.store_of(group).tags(group.name)
    except AccessDenied as error:
        session.console.warn(say("tags are left out: {problem}", problem=error))
        return None


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield names and values with inner ones as `offline.s3_uri`; features have a table of their own."""
    for name, value in content.items():
        if isinstance(value, dict) and name != "tags":
            yield from _flat(value, f"{above}{name}.")
        elif name == "tags" and value:
            yield name, ", ".join(f"{key}={text}" for key, text in value.items())
        elif name not in ("features", "tags", "connection", "name"):
            yield f"{above}{name}", value


def _features(group: FeatureGroup) -> Iterator[dict[str, object]]:
    roles = {group.record_identifier: say("record identifier"), group.event_time: say("event time")}
    for feature in group.features:
        yield {"feature": feature.name, "type": feature.type_text, "role": roles.get(feature.name)}
