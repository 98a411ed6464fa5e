"""Writes message catalogues for tests: a language that puts every sentence between signs."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"


def write_catalogue(folder: Path, language: str, sentences: Mapping[str, str]) -> None:
    """Write the binary catalogue (.mo) of one language; a plural's forms are parted by a zero character."""
    texts = sorted({"": HEADER, **sentences}.items())
    keys = [key.encode() for key, _ in texts]
    values = [value.encode() for _, value in texts]
    tables_at, table_bytes = 28, 8 * len(texts)
    place, tables = tables_at + 2 * table_bytes, b""
    for text in keys + values:
        tables += struct.pack("<II", len(text), place)
        place += len(text) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), tables_at, tables_at + table_bytes, 0, 0)
    path = folder / language / "LC_MESSAGES" / "sagemaker-fs.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(head + tables + b"".join(text + b"\0" for text in keys + values))


def between_signs(sentences: Iterable[str]) -> dict[str, str]:
    """Return the made-up language's translations: the same sentence between « and »."""
    return {sentence: f"«{sentence}»" for sentence in sentences}
