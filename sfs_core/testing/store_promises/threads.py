"""Promises about several threads at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sfs_core.arrow import records_from
from sfs_core.facts import Batch
from sfs_core.store import Put, Store
from sfs_core.testing.groups import ids_in, latest, new_group, online, put, record
from sfs_core.testing.store_promises.base import StorePromises


class ThreadPromises(StorePromises):
    """Promises about several threads at once."""

    def test_of_writers_to_one_record_the_latest_event_time_wins(self, store: Store) -> None:
        group = self.make(store, new_group())
        times = [f"2025-06-01T00:00:{second:02}Z" for second in (7, 3, 9, 1, 8, 2, 6, 0, 5, 4)]

        with ThreadPoolExecutor(5) as pool:
            remarks = list(pool.map(lambda time: put(store, group, record("1", time, city=time)), times))

        assert remarks == [[]] * len(times)
        assert [row["city"] for row in online(store, group, "1")] == ["2025-06-01T00:00:09Z"]
        assert [row["city"] for row in latest(store, group)] == ["2025-06-01T00:00:09Z"]

    def test_no_writer_loses_another_writers_records(self, store: Store) -> None:
        group = self.make(store, new_group())

        def write(writer: int) -> int:
            records = [record(f"{writer}-{number}", "2025-06-01T00:00:00Z") for number in range(20)]
            batches = [Batch(n, records_from(group.features, records[n * 5 : n * 5 + 5])) for n in range(4)]
            return sum(fact.done for fact in store.put(group, batches, Put(max_workers=2)))

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(write, range(4)))

        assert done == [20, 20, 20, 20]
        assert len(ids_in(store, group)) == 80
        assert len(latest(store, group)) == 80

    def test_records_are_read_while_others_are_written(self, store: Store) -> None:
        group = self.fill(store, new_group(), *(record(str(number), "2025-06-01T00:00:00Z") for number in range(20)))

        with ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(put, store, group, record(str(n), "2025-06-01T01:00:00Z")) for n in range(20)]
            reads = [pool.submit(online, store, group) for _ in range(10)]

        assert [write.result() for write in writes] == [[]] * 20
        assert [len(read.result()) for read in reads] == [20] * 10
        assert {row["at"] for row in online(store, group)} == {"2025-06-01T01:00:00Z"}
