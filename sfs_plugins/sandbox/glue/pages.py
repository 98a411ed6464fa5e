"""What Glue's operations share: a page of what was found, batches, and the failure of what was not found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfs_plugins.sandbox.json_service import Operation
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

_PAGE = 100


def page_of(
    tokens: Tokens, about: str, given: dict[str, Any], found: Sequence[Any]
) -> tuple[Sequence[Any], str | None]:
    """Return the page that a request asks for, and the token of the next one. Raises Failure for a bad token."""
    try:
        start = int(tokens.read(about, given["NextToken"])) if given.get("NextToken") else 0
    except BadToken as error:
        raise Failure("InvalidInputException", "NextToken is not valid") from error
    end = start + (given.get("MaxResults") or _PAGE)
    return found[start:end], tokens.make(about, end) if end < len(found) else None


def batch(operation: Operation, each: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Carry out an operation for each of some requests, and return what failed: what it is named by, and the error."""
    errors = []
    for name, given in each:
        try:
            operation(given)
        except Failure as failure:
            detail = {"ErrorCode": failure.code, "ErrorMessage": failure.message}
            errors.append({**name, "ErrorDetail": detail})
    return {"Errors": errors}


def not_found(what: str) -> Failure:
    """Return the failure of a thing that is not catalogued."""
    return Failure("EntityNotFoundException", f"{what} not found.")
