"""What is acknowledged is on disk, for both stores, whenever the process is killed."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable

import pytest

from sfs_core.testing import created, history, new_group, online
from sfs_plugins.local_store import LocalStore

KILLS = 24
PUT_FOR_EVER = """
group = store.describe("orders")
begin = int(sys.argv[2])
for number in range(begin, begin + 1_000_000, 20):
    put(store, group, *(record(f"{one:09}", f"2025-06-01T{one % 24:02}:00:00Z") for one in range(number, number + 20)))
    print(number + 20, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_has_lost_nothing_that_it_acknowledged(
    store: LocalStore, child: Callable[..., subprocess.Popen[str]]
) -> None:
    group = created(store, new_group())
    moments = random.Random(2)
    acknowledged: set[str] = set()

    for kill in range(KILLS):
        begin = kill * 1_000_000
        writer = child(PUT_FOR_EVER, str(begin))
        assert writer.stdout is not None
        last = int(writer.stdout.readline())
        time.sleep(moments.uniform(0, 0.3))
        writer.kill()
        last = max([last, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
        acknowledged.update(f"{one:09}" for one in range(begin, last))
        writer.communicate()

    there_online = {str(one["id"]) for one in online(store, group)}
    versions = [str(version["id"]) for version in history(store, group)]
    assert acknowledged <= there_online
    assert sorted(versions) == sorted(there_online)
    # what was put and not acknowledged is at most the one batch that was under way
    assert len(there_online - acknowledged) <= 20 * KILLS
