"""`sagemaker-fs create`: a feature group made from a schema file, from another group, or from a file of records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sfs_core import (
    BadDefinition,
    ExitCode,
    FeatureGroupName,
    FileUnreadable,
    NewFeatureGroup,
    Output,
    OutputOptions,
    SfsCommand,
    UsageError,
    argument,
    check_new_group,
    option,
    render_one,
    say,
    wait_until_created,
)
from sfs_plugins.catalog.copied import as_new, copied
from sfs_plugins.catalog.description import definition
from sfs_plugins.catalog.group_options import GroupOptions, with_options
from sfs_plugins.catalog.inferred import inferred
from sfs_plugins.catalog.schema_file import parse_schema


@dataclass(frozen=True)
class Origin:
    """What a group is made from: exactly one of these."""

    schema: str | None = option(
        "Definition as JSON or YAML, such as `describe --output yaml` prints; - for standard input.",
        default=None,
        value="FILE",
    )
    like: str | None = option("Feature group to copy definition, stores and tags from.", default=None, value="GROUP")
    infer: Path | None = option(
        "CSV, JSON, JSON-lines or Parquet file whose columns give the features.", default=None, value="FILE"
    )
    print_schema: bool = option(
        "Print the definition as --schema takes it, on standard output, and make nothing.", default=False
    )


class CreateCommand(SfsCommand):
    """Makes a feature group and waits until it can be used."""

    name = "create"
    description = "Make a feature group from a schema file, like another group, or for a file of records."
    arguments: ClassVar = [argument("name", "Name of the new group, as [CONNECTION:]NAME.")]
    declares = (Origin, GroupOptions, OutputOptions)

    def answer(self) -> ExitCode:
        """Check the definition, make the group, wait."""
        origin = self.given(Origin)
        connection, name = self.session.address(self.argument("name"))
        new = with_options(self._base(origin, connection, FeatureGroupName(name)), self.given(GroupOptions))
        if origin.print_schema:
            output = self.given(OutputOptions).output
            render_one(definition(new), Output.YAML if output is Output.TABLE else output, self.stdout)
            return ExitCode.DONE
        if new.online is None and new.offline is None:
            raise BadDefinition(name=name, problem=say("it needs a store: give --online, --offline S3URI, or both"))
        check_new_group(new)
        self.session.console.note(self.session.where(connection, name))
        store = self.session.store(connection)
        store.create(new)
        group = wait_until_created(store, name, self.session)
        fields = {"group": group.address, "stores": " + ".join(group.stores), "features": len(group.features)}
        self.session.console.note(say("made {group}: {stores}, {features} features", **fields))
        return ExitCode.DONE

    def _base(self, origin: Origin, connection: str, name: FeatureGroupName) -> NewFeatureGroup:
        given = self.given(GroupOptions)
        origins = [bool(origin.schema), bool(origin.like), bool(origin.infer)]
        if sum(origins) != 1:
            problem = say("a feature group is made from one thing: give --schema FILE, --like GROUP or --infer FILE")
            raise UsageError(problem=problem)
        if origin.like:
            return copied(self.session, origin.like, connection, name, given)
        if origin.infer:
            return inferred(self.session, self.environment.folder / origin.infer, name, given)
        return as_new(parse_schema(self._text(str(origin.schema)), str(origin.schema), name))

    def _text(self, path: str) -> str:
        try:
            return self.environment.stdin.read() if path == "-" else (self.environment.folder / path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problem = (isinstance(error, OSError) and error.strerror) or error
            raise FileUnreadable(path=path, problem=problem) from error
