"""A plugin that takes the name of another one's command."""

from sfs_core import SfsCommand, hookimpl


class BulkGetCommand(SfsCommand):
    """Something else of the name `bulk-get`."""

    name = "bulk-get"
    description = "Not the command you think it is."


@hookimpl
def sfs_commands() -> tuple[type[SfsCommand], ...]:
    """Return the command that is there already."""
    return (BulkGetCommand,)
