"""Records kept in a temporary file while two offline stores are compared."""

from __future__ import annotations

from contextlib import closing

import pytest

from sfs_core import TemporaryFileFull, records_from
from sfs_core.testing import created, new_group
from sfs_core.testing.memory import MemoryStore
from sfs_plugins.migrate.shelf import Shelf
from tests.sfs_core.faulty import files_of_at_most


def test_a_disk_that_takes_no_more_records_is_told_of_in_one_sentence():
    group = created(MemoryStore(), new_group())
    many = [{"id": f"{number:06}", "at": "2025-06-01T00:00:00Z", "city": "x" * 500} for number in range(10_000)]

    with closing(Shelf(group)) as shelf, files_of_at_most(200_000), pytest.raises(TemporaryFileFull) as refused:
        shelf.put(records_from(group.features, many))

    assert str(refused.value).startswith("what was read so far cannot be kept in a temporary file (")
