"""What the embedded store asks of the files of an offline store, whichever table format they are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sfs_plugins.local_store.buffer import Writing

if TYPE_CHECKING:
    import pyarrow as pa


class TableFiles(Protocol):
    """The files of one group's offline store."""

    def settle(self, rows: pa.Table, writing: Writing) -> None:
        """Bring the rows of a writing to disk and forget its batches; when it returns, both survive a power cut.

        Rows are sorted by event time and have the features, the system columns and EVENT_SECONDS. Killed anywhere,
        it is called again for the same writing, and then the offline store has the rows once.
        """
        ...

    def paths(self, copies: Path) -> Sequence[Path]:
        """Return the Parquet files with every live version, in the order written.

        Where a file cannot be read by itself, what lives of it is written to the folder `copies`.
        """
        ...
