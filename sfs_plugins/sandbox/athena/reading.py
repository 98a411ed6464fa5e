"""What statements read while they run: how much that is, and which files nobody may remove meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfs_plugins.sandbox.athena.failures import QueryCancelled
from sfs_plugins.sandbox.athena.precision import Columns


@dataclass
class Reading:
    """What one statement reads: the views made for it by what they show, its files, and how many bytes those hold."""

    cutoff_bytes: int | None = None
    scratch: Path = Path()
    views: dict[tuple[str, ...], str] = field(default_factory=dict)
    tables: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The Iceberg tables that were opened: all that one statement says of a table is of one snapshot."""
    columns: dict[str, Columns] = field(default_factory=dict)
    """Which columns of each view hold microseconds."""
    files: set[Path] = field(default_factory=set)
    scanned_bytes: int = 0

    def opened(self, files: Iterable[Path]) -> None:
        """Count files that are about to be read. Raises QueryCancelled where that is more than the workgroup allows."""
        found = set(files) - self.files
        self.files |= found
        self.scanned_bytes += sum(file.stat().st_size for file in found)
        if self.cutoff_bytes is not None and self.scanned_bytes > self.cutoff_bytes:
            raise QueryCancelled("Query cancelled! : Bytes scanned limit was exceeded")

    def forget(self) -> None:
        """Forget what was opened, so that it is opened anew as it is then."""
        self.views.clear()
        self.columns.clear()
        self.tables.clear()


class Running:
    """The statements that run. `lock` is held while one finds out which files it reads, and while files are removed."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._readings: list[Reading] = []

    @contextmanager
    def watched(self, reading: Reading) -> Iterator[None]:
        """Keep a statement's files from being removed until the block ends."""
        with self.lock:
            self._readings.append(reading)
        try:
            yield
        finally:
            with self.lock:
                self._readings = [one for one in self._readings if one is not reading]

    def files(self) -> set[Path]:
        """Return the files that are being read."""
        with self.lock:
            return {file for reading in self._readings for file in reading.files}
