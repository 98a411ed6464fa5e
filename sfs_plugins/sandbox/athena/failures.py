"""Why a query fails, as an execution tells it."""

from __future__ import annotations


class QueryFailed(Exception):
    """A query that comes to nothing; the text is its StateChangeReason."""


def unsupported(what: str) -> QueryFailed:
    """Return the failure of what this sandbox, or Athena itself, does not do."""
    return QueryFailed(f"NOT_SUPPORTED: {what}")
