"""Emptying the target first: the steps of the installed clear strategies, as the first ones of the migration."""

from __future__ import annotations

from sfs_core import ClearRequest, ClearStrategy, Plan, Refused, TargetStore


class ClearNotInstalled(Refused):
    """No installed plugin can empty a group."""

    sentence = (
        "--clear-target needs a way to empty {group}, and no installed plugin gives one: install sfs-clear, "
        "or leave --clear-target out"
    )


class NothingToPut(Refused):
    """The target would be emptied for nothing."""

    sentence = (
        "nothing of {source} would be put, so {target} is not cleared: look at the source, --where and --event-time, "
        "or empty it with `sagemaker-fs clear {target}`"
    )


def clearing(request: ClearRequest, online: ClearStrategy | None, offline: ClearStrategy | None) -> list[Plan]:
    """Return the plans that empty every store of a group, online first; the last step of each proves it empty.

    Raises ClearNotInstalled where a strategy is missing.
    """
    strategies = {TargetStore.ONLINE: online, TargetStore.OFFLINE: offline}
    plans = []
    for store in request.group.stores:
        strategy = strategies[store]
        if strategy is None:
            raise ClearNotInstalled(group=request.group.address)
        plans.append(strategy.plan(request))
    return plans
