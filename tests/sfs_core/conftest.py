"""The core without any room, for tests of the core."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from tests.conftest import Sfs


@pytest.fixture
def core(sfs: Sfs) -> Sfs:
    """The command line with no plugin but those a test adds."""
    sfs.environ["SFS_PLUGINS_BLOCK"] = ",".join(entry.name for entry in entry_points(group="sagemaker_fs"))
    return sfs
