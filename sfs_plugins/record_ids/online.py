"""Record ids as the online store lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sfs_core import FeatureGroup, Message, OnlineRecordIds, Session

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ListedRecordIds:
    """The ids of every live record of the online store, unordered: `--ids online`."""

    name: ClassVar[str] = "online"
    group: FeatureGroup

    def describe(self) -> Message:
        """Return the noun phrase."""
        return OnlineRecordIds(self.group).describe()

    def batches(self, session: Session) -> Iterator[pa.RecordBatch]:
        """Yield batches of ids. Raises StoreNotEnabled."""
        return OnlineRecordIds(self.group).batches(session)
