"""Options that several commands of this room have, and what they may not be."""

from __future__ import annotations

from sfs_core import BadOption, FeatureGroup, StoreNotEnabled, Targets, TargetStore, say


def check_at_least_one(**options: int | None) -> None:
    """Raise BadOption for a count below 1; names are those of the flags, with `_`."""
    for name, value in options.items():
        if value is not None and value < 1:
            raise BadOption(option=f"--{name.replace('_', '-')}", value=value, expected=say("a whole number from 1 on"))


def targets_of(group: FeatureGroup, to: Targets | None) -> tuple[TargetStore, ...] | None:
    """Return the stores of `--to`, None for every store there is. Raises StoreNotEnabled."""
    for store in to.stores if to else ():
        if store not in group.stores:
            raise StoreNotEnabled(group=group.address, store=store)
    return to.stores if to else None
