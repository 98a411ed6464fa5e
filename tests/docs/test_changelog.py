"""Change notes: one file a change, one or two sentences to the user, naming a command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.source_tree import ROOT

NOTES = sorted(path for path in (ROOT / "changelog").glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("note", NOTES, ids=lambda path: path.name)
def test_a_note_is_one_or_two_sentences_and_names_a_command(note: Path):
    text = note.read_text("utf-8").strip()

    assert 1 <= len(re.findall(r"[.!](?:\s|$)", text)) <= 2
    assert "`sagemaker-fs" in text
    assert "\n\n" not in text, "one paragraph"
