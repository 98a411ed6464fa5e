"""Texts as SQL has them, and what a place is."""

from __future__ import annotations

import re


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def is_s3(uri: str) -> bool:
    """Tell whether a text is an S3 URI with a bucket."""
    return re.fullmatch(r"s3://[^/]+(/.*)?", uri) is not None
