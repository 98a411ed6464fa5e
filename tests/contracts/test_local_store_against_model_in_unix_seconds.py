"""The embedded store tells what the reference model tells, after each of 50,000 random operations (unix seconds).

The other kind of event time has a file of its own, so that the two can run side by side.
"""

from collections.abc import Callable

import pytest

from sfs_core import Clock, Store
from sfs_core.testing.machine import operations


@pytest.mark.slow
def test_random_operations_have_the_same_outcome_in_the_store_and_in_the_model(
    open_local_store: Callable[[Clock], Store], record_property
) -> None:
    done = operations(open_local_store, event_time="at:Fractional", examples=68)

    record_property("operations", done)
    print(f"{done:,} operations, no difference")
    assert done >= 50_000
