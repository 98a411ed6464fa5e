"""Record ids in the offline store's own Parquet files, of which the id column is read and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sfs_core import FeatureGroup, Message, Refused, Session, StoreNotEnabled, TableFormat, TargetStore, say
from sfs_plugins.record_ids.parquet_ids import ids_in
from sfs_plugins.record_ids.queried import NoOfflineRecordIds, some_ids

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_core import Store

FILES_AT_ONCE: Final = 8
SMALL_BYTES: Final = 32 * 2**20
"""Up to this size several files are read at once, the ids of each kept until their turn comes."""


class IcebergNotScanned(Refused):
    """An Iceberg table's files are not what the table holds."""

    sentence = (
        "the offline store of {group} is an Iceberg table, and files of its old snapshots lie beside the current ones, "
        "so its files are not scanned: give --ids athena"
    )


@dataclass(frozen=True, slots=True)
class ScannedRecordIds:
    """The ids in the Parquet files under the group's own root, without a query: `--ids s3-scan`.

    Those of delete markers too. Of each file the footer and the id column are read. A file that is not the group's
    Parquet is an error, because the ids in it would be missing.
    """

    name: ClassVar[str] = "s3-scan"
    group: FeatureGroup

    def describe(self) -> Message:
        """Return the noun phrase."""
        return say("record ids in the Parquet files of the offline store")

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids, unordered, an id once a file and more often over several.

        Raises StoreNotEnabled, IcebergNotScanned, NotOwnParquet, NoOfflineRecordIds.
        """
        if self.group.offline is None:
            raise StoreNotEnabled(group=self.group.address, store=TargetStore.OFFLINE)
        if self.group.offline.table_format is TableFormat.ICEBERG:
            raise IcebergNotScanned(group=self.group.address)
        store = session.store_of(self.group)
        store.settle(self.group)
        return some_ids(self._scanned(store), NoOfflineRecordIds(group=self.group.address))

    def _scanned(self, store: Store) -> Iterator[pa.RecordBatch]:
        def ids_of(key: str) -> list[pa.RecordBatch]:
            return [*ids_in(store, self.group, key)]

        waiting: deque[Future[list[pa.RecordBatch]]] = deque()
        pool = ThreadPoolExecutor(FILES_AT_ONCE)
        try:
            for key, size in self._files(store):
                if size > SMALL_BYTES:
                    yield from ids_in(store, self.group, key)
                    continue
                waiting.append(pool.submit(ids_of, key))
                if len(waiting) > FILES_AT_ONCE:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _files(self, store: Store) -> Iterator[tuple[str, int]]:
        """Yield key and size of every object but the marks that consoles make of folders, which hold nothing."""
        for batch in store.offline_objects(self.group):
            for key, size in zip(batch.column("key").to_pylist(), batch.column("size").to_pylist(), strict=True):
                if size or not key.endswith("/"):
                    yield key, size
