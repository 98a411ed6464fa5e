"""A session on the memory store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.memory_session import MemorySession, memory_session


@pytest.fixture
def session(tmp_path: Path) -> MemorySession:
    return memory_session(tmp_path)
