"""What the author of a plugin tests with: a reference store, the contracts as test classes, and words to speak in.

**The reference model.** `MemoryStore` is a whole feature store in memory: the service's semantics, written out one
record at a time. `MemoryPlugin` registers it as the store `memory`. `SetClock` (of `sfs_core`) stands still until it
is set; `StepClock` is a step later each time it is asked; tests begin at `NOON`.

**Contracts.** A store's author writes

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, clock, tmp_path):
            return MyStore(connection="mine", clock=clock, path=tmp_path)

and every promise of the `Store` protocol runs as a test of its own. `RecordIdSourceContract`, `ClearStrategyContract`
and `MigrateStrategyContract` do the same for the other parts. `sfs_core.testing.machine` (which alone needs
Hypothesis, and so is not imported here) drives a store beside the model with random operations.

**Words.** Groups: `new_group("orders", "city:String", ttl="30d")` is a definition (`id` and `at` are its record
identifier and event time, and without features of its own it has those of `ORDERS`), `created(store, new)` makes it,
`filled(store, new, *records)` makes it and puts records. Records are dictionaries of texts;
`record("1", ONE, city="Oslo")` is one, at one o'clock. Writing: `put`, `delete`,
`delete_each`, `delete_objects`; each returns the remarks on records that failed, `failed(remarks)` their row and code.
Reading: `online` (records of the online store), `ids_in`, `expires`, `latest` and `history` (of the offline store),
`objects_in`. `typed_rows` turns texts into numbers and instants, for comparing.
"""

import pytest

# so that a failed promise shows what was compared, wherever the suite is used
pytest.register_assert_rewrite("sfs_core.testing.groups", "sfs_core.testing.store_promises")

from sfs_core.testing.groups import (  # noqa: E402  (after the line above)
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
from sfs_core.testing.memory import MemoryPlugin, MemoryState, MemoryStore  # noqa: E402
from sfs_core.testing.store_contract import StoreContract  # noqa: E402

__all__ = [
    "FOUR",
    "NOON",
    "ONE",
    "ORDERS",
    "THREE",
    "TWO",
    "MemoryPlugin",
    "MemoryState",
    "MemoryStore",
    "Record",
    "StepClock",
    "StoreContract",
    "created",
    "delete",
    "delete_each",
    "delete_objects",
    "expires",
    "failed",
    "filled",
    "history",
    "ids_in",
    "latest",
    "new_group",
    "objects_in",
    "online",
    "put",
    "record",
    "typed_rows",
]
