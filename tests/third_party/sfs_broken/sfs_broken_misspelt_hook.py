"""A plugin that misspells the name of a hook."""

from sfs_core import SfsCommand, hookimpl


@hookimpl
def sfs_comands() -> tuple[type[SfsCommand], ...]:
    """Return no commands, to nobody."""
    return ()
