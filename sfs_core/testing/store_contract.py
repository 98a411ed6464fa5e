"""The contract of a store, as a test class: what every command relies on, whichever store a connection names."""

from __future__ import annotations

from sfs_core.testing.store_promises.deletions import DeletePromises
from sfs_core.testing.store_promises.feature_groups import FeatureGroupPromises
from sfs_core.testing.store_promises.iceberg import IcebergPromises
from sfs_core.testing.store_promises.objects import ObjectPromises
from sfs_core.testing.store_promises.offline import OfflineIdPromises, OfflinePromises
from sfs_core.testing.store_promises.puts import PutPromises
from sfs_core.testing.store_promises.reads import ReadPromises
from sfs_core.testing.store_promises.threads import ThreadPromises
from sfs_core.testing.store_promises.times_to_live import TimeToLivePromises
from sfs_core.testing.store_promises.updates import UpdatePromises


class StoreContract(
    FeatureGroupPromises,
    PutPromises,
    ReadPromises,
    DeletePromises,
    TimeToLivePromises,
    UpdatePromises,
    OfflinePromises,
    OfflineIdPromises,
    ObjectPromises,
    ThreadPromises,
):
    """Every promise of the `Store` protocol.

    A subclass gives the fixture `store`: a fresh, empty store that reads the fixture `clock`. It speaks to the store
    by the protocol alone, so that one behind a wire can be tested; offline reads come after `settle`. Where such a
    store cannot have its clock set, override `clock`; where its groups take long to make, raise `patience_seconds`;
    where its objects must lie in a bucket of your own, set `offline_uri`.
    """


class IcebergContract(OfflinePromises, IcebergPromises):
    """What a store promises besides if its groups may have Iceberg tables; a subclass gives the fixture `store`."""
