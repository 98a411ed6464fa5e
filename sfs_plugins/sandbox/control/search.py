"""Search over feature groups and feature metadata: filters, nested expressions, order, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sfs_core import GroupQuery
from sfs_plugins.sandbox.control.definitions import described
from sfs_plugins.sandbox.control.failures import invalid, told
from sfs_plugins.sandbox.control.metadata import MetadataOperations
from sfs_plugins.sandbox.control.tags import TagOperations
from sfs_plugins.sandbox.groups import FolderStore
from sfs_plugins.sandbox.json_service import present
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

MAX_CONDITIONS = 50
_DEFAULT_RESULTS = 10
_TIMES = ("CreationTime", "LastModifiedTime")
Found = dict[str, Any]


class SearchOperation:
    """Search, for the resources FeatureGroup and FeatureMetadata."""

    def __init__(self, store: FolderStore, tags: TagOperations, metadata: MetadataOperations, tokens: Tokens) -> None:
        self._store, self._tags, self._metadata, self._tokens = store, tags, metadata, tokens

    def search(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return one page of what an expression finds."""
        resource, expression = given["Resource"], given.get("SearchExpression") or {}
        if resource not in ("FeatureGroup", "FeatureMetadata"):
            raise invalid(f"this sandbox searches FeatureGroup and FeatureMetadata, not {resource}.")
        if _count(expression) > MAX_CONDITIONS:
            raise invalid(f"a search expression may hold {MAX_CONDITIONS} conditions.")
        found = [one for one in self._all(resource) if _matches(expression, one)]
        sort_by = given.get("SortBy") or "LastModifiedTime"
        descending = (given.get("SortOrder") or "Descending") == "Descending"
        found.sort(key=lambda one: _sortable(_property(one, sort_by)), reverse=descending)
        about = f"search {resource} {expression} {sort_by} {descending}"
        start, count = self._start(about, given.get("NextToken")), given.get("MaxResults") or _DEFAULT_RESULTS
        token = self._tokens.make(about, start + count) if start + count < len(found) else None
        results = [{resource: one} for one in found[start : start + count]]
        return present(Results=results, NextToken=token, TotalHits={"Value": len(found), "Relation": "EqualTo"})

    def _start(self, about: str, token: str | None) -> int:
        try:
            return 0 if token is None else int(self._tokens.read(about, token))
        except BadToken as error:
            raise invalid("NextToken is not valid.") from error

    def _all(self, resource: str) -> Iterator[Found]:
        for name in self._store.groups(GroupQuery()):
            try:
                with told(name):
                    group = self._store.describe(name)
                    tags = [{"Key": key, "Value": value} for key, value in self._tags.tags(group).items()]
            except Failure:
                # deleted meanwhile
                continue
            if resource == "FeatureGroup":
                yield {**described(group), "Tags": tags}
            else:
                yield from (self._metadata.on_wire(group, feature) for feature in group.features)


def _count(expression: dict[str, Any]) -> int:
    nested = sum(_count(one) for one in expression.get("SubExpressions") or ())
    return len(expression.get("Filters") or ()) + len(expression.get("NestedFilters") or ()) + nested


def _matches(expression: dict[str, Any], one: Found) -> bool:
    told_true = [_passes(condition, one) for condition in expression.get("Filters") or ()]
    for nested in expression.get("NestedFilters") or ():
        items = _property(one, nested["NestedPropertyName"]) or []
        told_true.append(
            any(all(_passes(f, item) for f in nested["Filters"]) for item in items if isinstance(item, dict))
        )
    told_true += [_matches(inner, one) for inner in expression.get("SubExpressions") or ()]
    if not told_true:
        return True
    return any(told_true) if expression.get("Operator") == "Or" else all(told_true)


def _property(one: Found, name: str) -> Any:
    """Return a property by its name: `Tags.<key>` and `Parameters.<key>` look into lists, dots into structures."""
    if name == "AllParameters":
        return " ".join(f"{pair['Key']} {pair['Value']}" for pair in one.get("Parameters", ()))
    first, _, rest = name.partition(".")
    value = one.get(first)
    if rest and isinstance(value, list):
        return next((pair["Value"] for pair in value if pair.get("Key") == rest), None)
    if rest and isinstance(value, dict):
        return _property(value, rest)
    return value


def _passes(condition: dict[str, Any], one: Found) -> bool:
    name, operator = condition["Name"], condition.get("Operator") or "Equals"
    found, wanted = _property(one, name), condition.get("Value")
    if operator in ("Exists", "NotExists"):
        return (found is not None and found != "") == (operator == "Exists")
    if wanted is None:
        raise invalid(f"filter {name} needs a Value.")
    if name in _TIMES:
        return found is not None and _ORDER[operator](found, _seconds(wanted))
    if operator == "NotEquals":
        return found is None or str(found) != wanted
    return found is not None and _ORDER[operator](_sortable(found), wanted)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "NotEquals": lambda found, wanted: found != wanted,
    "GreaterThan": lambda found, wanted: found > wanted,
    "GreaterThanOrEqualTo": lambda found, wanted: found >= wanted,
    "LessThan": lambda found, wanted: found < wanted,
    "LessThanOrEqualTo": lambda found, wanted: found <= wanted,
    "Contains": lambda found, wanted: str(wanted).lower() in str(found).lower(),
    "In": lambda found, wanted: str(found) in [text.strip() for text in str(wanted).split(",")],
}


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise invalid(f"{text} is not a time: give YYYY-mm-ddTHH:MM:SS.") from error


def _sortable(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:020.3f}"
    return "" if value is None else str(value)
