"""Record ids once each, kept on disk."""

from __future__ import annotations

from contextlib import closing

import pytest

from sfs_core import IdSet, TemporaryFileFull
from tests.sfs_core.faulty import files_of_at_most


def test_a_disk_that_takes_no_more_ids_is_told_of_in_one_sentence():
    with closing(IdSet()) as seen, files_of_at_most(200_000), pytest.raises(TemporaryFileFull) as refused:
        for some in range(40):
            seen.add([f"{some}-{one}-{'x' * 50}" for one in range(2_000)])

    assert str(refused.value) == (
        "what was read so far cannot be kept in a temporary file (disk I/O error): free some space there, or name "
        "another folder in SQLITE_TMPDIR"
    )
