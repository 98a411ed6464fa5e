"""What the author of a plugin tests with: a reference store, the contracts as test classes, and words to speak in.

**The reference model.** `MemoryStore` is a whole feature store in memory: the service's semantics, written out one
record at a time. `MemoryPlugin` registers it as the store `memory`. `SetClock` (of `sfs_core`) stands still until it
is set; `StepClock` is a step later each time it is asked; tests begin at `NOON`.

**Contracts.** A store's author writes

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, clock, tmp_path):
            return MyStore(connection="mine", clock=clock, path=tmp_path)

and every promise of the `Store` protocol runs as a test of its own; a subclass of `IcebergContract` does the same for
Iceberg tables, of a store that keeps them. `RecordIdSourceContract`, `ClearStrategyContract` and
`MigrateStrategyContract` are for the other parts. `sfs_core.testing.machine` (which alone needs
Hypothesis, and so is not imported here) drives a store beside the model with random operations.

**Words.** Groups: `new_group("orders", "city:String", ttl="30d")` is a definition (`id` and `at` are its record
identifier and event time, and without features of its own it has those of `ORDERS`), `created(store, new)` makes it,
`filled(store, new, *records)` makes it and puts records. Records are dictionaries of texts;
`record("1", ONE, city="Oslo")` is one, at one o'clock. Writing: `put`, `delete`,
`delete_each`, `delete_objects`, `delete_versions`;
each returns the remarks on records that failed, `failed(remarks)` their row and code.
Reading: `online` (records of the online store), `ids_in`, `expires`, `latest` and `history` (of the offline store),
`objects_in`. `memory_session(folder)` is a session whose one connection, `memory`, is a `MemoryStore`;
`carried_out(plan, session)` carries out a plan in it. `typed_rows` turns texts into numbers and instants to compare.
"""

import pytest

# so that a failed promise shows what was compared, wherever the suite is used
pytest.register_assert_rewrite(
    *(
        f"sfs_core.testing.{name}"
        for name in (
            "groups",
            "machine",
            "part_promises",
            "store_promises",
            "clear_strategy_contract",
            "migrate_strategy_contract",
            "record_id_source_contract",
        )
    )
)

from sfs_core.testing.clear_strategy_contract import ClearStrategyContract  # noqa: E402  (after the lines above)
from sfs_core.testing.groups import (  # noqa: E402
    FOUR,
    NOON,
    ONE,
    ORDERS,
    THREE,
    TWO,
    Record,
    StepClock,
    created,
    delete,
    delete_each,
    delete_objects,
    delete_versions,
    expires,
    failed,
    filled,
    history,
    ids_in,
    latest,
    new_group,
    objects_in,
    online,
    put,
    record,
    typed_rows,
)
from sfs_core.testing.memory import MemoryStore  # noqa: E402
from sfs_core.testing.memory_plugin import MemoryPlugin  # noqa: E402
from sfs_core.testing.memory_state import MemoryState  # noqa: E402
from sfs_core.testing.migrate_strategy_contract import MigrateStrategyContract  # noqa: E402
from sfs_core.testing.record_id_source_contract import RecordIdSourceContract  # noqa: E402
from sfs_core.testing.sessions import carried_out, memory_session  # noqa: E402
from sfs_core.testing.store_contract import IcebergContract, StoreContract  # noqa: E402

__all__ = [
    "FOUR",
    "NOON",
    "ONE",
    "ORDERS",
    "THREE",
    "TWO",
    "ClearStrategyContract",
    "IcebergContract",
    "MemoryPlugin",
    "MemoryState",
    "MemoryStore",
    "MigrateStrategyContract",
    "Record",
    "RecordIdSourceContract",
    "StepClock",
    "StoreContract",
    "carried_out",
    "created",
    "delete",
    "delete_each",
    "delete_objects",
    "delete_versions",
    "expires",
    "failed",
    "filled",
    "history",
    "ids_in",
    "latest",
    "memory_session",
    "new_group",
    "objects_in",
    "online",
    "put",
    "record",
    "typed_rows",
]
