"""Why a query fails, as an execution tells it."""

from __future__ import annotations


class QueryFailed(Exception):
    """A query that comes to nothing; the text is its StateChangeReason."""


class QueryCancelled(QueryFailed):
    """A query that is stopped by a limit rather than by a fault."""


def unsupported(what: str) -> QueryFailed:
    """Return the failure of what this sandbox, or Athena itself, does not do."""
    return QueryFailed(f"NOT_SUPPORTED: {what}")
