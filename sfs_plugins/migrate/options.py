"""What `migrate` may be told."""

from __future__ import annotations

from dataclasses import dataclass

from sfs_core import (
    BadOption,
    Choice,
    EventTimeRange,
    OnError,
    Targets,
    TargetStore,
    TtlDuration,
    option,
    say,
)

WHAT = Choice(
    "what",
    "sfs_migrate_strategies",
    "What is read of the source (default: latest where it has an offline store, else online).",
)
RECORD_IDS = Choice("ids", "sfs_record_id_sources", "Read the online records of these ids only.")
ONLINE_BY = Choice(
    "online-by",
    "sfs_clear_strategies",
    "How --clear-target empties the online store.",
    "hard",
    # the tombstones of a soft delete would hide what is put after it
    lambda part: getattr(part, "clears", None) is TargetStore.ONLINE and part.name != "soft",
)
OFFLINE_BY = Choice(
    "offline-by",
    "sfs_clear_strategies",
    "How --clear-target empties the offline store.",
    "objects",
    lambda part: getattr(part, "clears", None) is TargetStore.OFFLINE,
    for_iceberg="rows",
)


@dataclass(frozen=True)
class MigrateOptions:
    """What is read, what becomes of the target first, and how fast it is filled."""

    create_target: bool = option(
        "Make the target like the source, with an online store besides, unless it is there.", default=False
    )
    clear_target: bool = option("Delete every record of the target first.", default=False)
    event_time: EventTimeRange | None = option(
        "Take versions of these event times only, from A on and before B.", default=None, value="A..B"
    )
    where: str | None = option("Take records that meet this condition only.", default=None, value="SQL")
    to: Targets | None = option("Stores of the target to write to (default: all).", default=None, value="STORES")
    ttl: TtlDuration | None = option(
        "Time that each record lives in the online store, from its event time.", default=None
    )
    batch_size: int = option("Records that are journaled and retried together.", default=100)
    max_workers: int = option("Requests in flight.", default=4)
    max_tps: float | None = option("Write at most so many records a second.", default=None, value="N")
    on_error: OnError = option("What a record that fails does to the others.", default=OnError.STOP)
    max_errors: str | None = option("Stop when more records than this fail.", default=None, value="N|P%")
    verify: str = option("How much is compared afterwards.", default="quick", value="quick|full|sample:P%|none")

    def check(self) -> None:
        """Raise BadOption for a number out of range."""
        for flag, value in (("batch-size", self.batch_size), ("max-workers", self.max_workers)):
            if value < 1:
                raise BadOption(option=f"--{flag}", value=value, expected=say("1 or more"))
        if self.max_tps is not None and not 0 < self.max_tps < float("inf"):
            raise BadOption(option="--max-tps", value=self.max_tps, expected=say("more than 0"))

    @property
    def targets(self) -> tuple[TargetStore, ...] | None:
        """The stores to write to, None for all."""
        return self.to.stores if self.to else None
