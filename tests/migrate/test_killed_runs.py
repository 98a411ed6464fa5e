"""SIGKILL at random moments of a migrate, then resume: the end is that of a run nobody interrupted."""

from __future__ import annotations

import pytest

from benchmarks.killed_runs import trials


@pytest.mark.slow
@pytest.mark.parametrize(("way", "seed"), [("latest", 11), ("history", 12), ("cleared", 13)])
def test_a_killed_migration_resumes_to_the_same_end(tmp_path, way, seed):
    told = list(trials(tmp_path, [way], 3, seed, ids=200))

    assert [same for _, _, same in told] == [True] * 3, told
    assert any("after-" in story for _, story, _ in told), told
