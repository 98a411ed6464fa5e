"""What memory stores hold, apart from the stores: several may share it, as processes share a service."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sfs_core.testing.catalogue_model import Catalogue
from sfs_core.testing.offline_model import Objects


@dataclass
class MemoryState:
    """What a memory store holds; stores that share one see the same feature groups."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    objects: Objects = field(default_factory=Objects)
    lock: threading.RLock = field(default_factory=threading.RLock)
