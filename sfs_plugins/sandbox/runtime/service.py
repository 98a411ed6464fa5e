"""The runtime's routes: which operation a request is, its parameters by the model's names, and the form of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import orjson

from sfs_core import SfsError, TtlDuration
from sfs_plugins.sandbox.checker import checker
from sfs_plugins.sandbox.groups import FolderStore, Groups
from sfs_plugins.sandbox.refusal import refusal
from sfs_plugins.sandbox.runtime.changing import delete_record, update_record
from sfs_plugins.sandbox.runtime.lines import Line, line_of, ttl_of
from sfs_plugins.sandbox.runtime.listing import Listings
from sfs_plugins.sandbox.runtime.reading import batch_get_record, get_record
from sfs_plugins.sandbox.runtime.writing import Writer
from sfs_plugins.sandbox.tokens import Tokens
from sfs_plugins.sandbox.translation import of_error
from sfs_plugins.sandbox.wire import Failure, Request, Response

MODEL = "FeatureStoreRuntime"
_JSON = [("content-type", "application/json")]
_ALL_WRITTEN = b'{"Errors":[],"UnprocessedEntries":[]}'
_BY_GROUP = {("PUT", 2): "PutRecord", ("GET", 2): "GetRecord", ("DELETE", 2): "DeleteRecord"}
_LISTS = {"FeatureName": "FeatureNames", "TargetStores": "TargetStores"}
_IN_QUERY = {
    "GetRecord": {"RecordIdentifierValueAsString", "FeatureName", "ExpirationTimeResponse"},
    "DeleteRecord": {"RecordIdentifierValueAsString", "EventTime", "TargetStores", "DeletionMode"},
}
"""What these two take, all of it from the query; the others take all from the body. Source: the service's model."""
_WORDED_AS_INVALID = {"PutRecord", "DeleteRecord"}
"""Operations whose model has no ResourceNotFound: a group that is missing is a validation error there."""


class RuntimeService:
    """Answers the Feature Store runtime's requests."""

    name = "sagemaker-featurestore-runtime"

    def __init__(self, store: FolderStore, groups: Groups, tokens: Tokens, pool: Executor) -> None:
        self._store, self._groups, self._pool = store, groups, pool
        self.writer = Writer(store)
        self._listings = Listings(store, tokens)
        self._blocking: dict[str, Callable[[dict[str, Any], Request], dict[str, Any] | None]] = {
            "GetRecord": lambda given, request: get_record(store, groups, given),
            "BatchGetRecord": lambda given, request: batch_get_record(store, groups, given, request.strike),
            "DeleteRecord": lambda given, request: delete_record(store, groups, given),
            "UpdateRecord": lambda given, request: update_record(store, groups, given),
            "ListRecords": self._list_records,
        }

    def operation_of(self, request: Request) -> str:
        """Return the operation's name, empty for a path that is none."""
        parts = request.path.strip("/").split("/")
        if parts == ["BatchWriteRecord"] or parts == ["BatchGetRecord"]:
            return parts[0] if request.method == "POST" else ""
        if parts[0] != "FeatureGroup":
            return ""
        if len(parts) == 3 and request.method == "POST":
            return {"Record": "UpdateRecord", "ListRecords": "ListRecords"}.get(parts[2], "")
        return _BY_GROUP.get((request.method, len(parts)), "")

    async def run(self, request: Request, operation: str) -> Response:
        """Answer a request. Raises Failure."""
        if not operation:
            raise Failure("UnknownOperationException", "Unable to determine service/operation name", 404)
        given = self.parameters(request, operation)
        try:
            return await self._answered(given, request, operation)
        except Failure as failure:
            if failure.code == "ResourceNotFound" and operation in _WORDED_AS_INVALID:
                raise Failure("ValidationError", failure.message) from failure
            raise

    async def _answered(self, given: dict[str, Any], request: Request, operation: str) -> Response:
        if operation == "BatchWriteRecord":
            return await self._batch_write_record(given, request)
        if operation == "PutRecord":
            return await self._put_record(given)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._pool, self._blocking[operation], given, request)
        return Response(200, b"" if answer is None else orjson.dumps(answer), list(_JSON))

    def parameters(self, request: Request, operation: str) -> dict[str, Any]:
        """Return a request's parameters by the model's names, checked. Raises Failure."""
        in_query = _IN_QUERY.get(operation, set())
        given = {} if in_query else _body(request)
        if request.path.startswith("/FeatureGroup/"):
            given["FeatureGroupName"] = request.segments[1]
        for name, values in request.parameters.items():
            if name in in_query:
                given[_LISTS.get(name, name)] = values if name in _LISTS else values[0]
        if not checker(MODEL, operation)(given):
            raise refusal(MODEL, operation, given, "ValidationError")
        return given

    def failed(self, request: Request, failure: Failure) -> Response:
        """Return the response that tells a failure."""
        headers = [*_JSON, ("x-amzn-ErrorType", failure.code)]
        return Response(failure.status, orjson.dumps({"Message": failure.message, **failure.fields}), headers)

    async def _put_record(self, given: dict[str, Any]) -> Response:
        (outcome,) = await self.writer.put([self._line(given, None)])
        if outcome is not None:
            raise outcome
        return Response(200, b"", list(_JSON))

    def _line(self, entry: dict[str, Any], ttl: TtlDuration | None) -> Line:
        """Return one record to put. Raises Failure."""
        name = entry["FeatureGroupName"]
        try:
            described = self._groups.usable(name)
        except SfsError as error:
            raise of_error(error, name) from error
        return line_of(described, entry["Record"], entry, ttl)

    async def _batch_write_record(self, given: dict[str, Any], request: Request) -> Response:
        entries, ttl = given["Entries"], ttl_of(given)
        lines, places, errors = [], [], []
        for place, entry in enumerate(entries):
            struck = request.strike(f"entry {place} of {entry['FeatureGroupName']}")
            if struck is not None:
                errors.append((place, struck))
                continue
            try:
                lines.append(self._line(entry, ttl))
                places.append(place)
            except Failure as failure:
                errors.append((place, failure))
        outcomes = await self.writer.put(lines) if lines else []
        if len(outcomes) == len(entries) and all(failed is not None and failed.status >= 500 for failed in outcomes):
            # nothing can be written (the disk is full, say): to be told so ends sooner than to be asked again for ever
            raise next(failed for failed in outcomes if failed is not None)
        errors += [(place, failed) for place, failed in zip(places, outcomes, strict=True) if failed is not None]
        if not errors:
            return Response(200, _ALL_WRITTEN, list(_JSON))
        return Response(200, orjson.dumps(_failures(entries, errors)), list(_JSON))

    def _list_records(self, given: dict[str, Any], request: Request) -> dict[str, Any]:
        try:
            described = self._groups.usable(given["FeatureGroupName"])
            return self._listings.page(described, given, is_empty=request.is_page_empty)
        except SfsError as error:
            raise of_error(error, given["FeatureGroupName"]) from error


def _failures(entries: list[dict[str, Any]], errors: list[tuple[int, Failure]]) -> dict[str, Any]:
    """Return the answer that names failed entries; those a fault of the store left out are unprocessed."""
    errors.sort(key=lambda pair: pair[0])
    told = [
        {"Entry": entries[place], "ErrorCode": failure.code, "ErrorMessage": failure.message}
        for place, failure in errors
        if failure.status < 500
    ]
    return {
        "Errors": told,
        "UnprocessedEntries": [entries[place] for place, failure in errors if failure.status >= 500],
    }


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Failure("SerializationException", f"the request's body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise Failure("SerializationException", "Start of structure or map found where not expected.")
    return given
