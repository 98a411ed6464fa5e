"""Queries by Athena: started, waited for, and cancelled when nobody waits for them any more."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sfs_core import BadRequest, GlueTable, SfsError, StoreUnavailable, UsageError
from sfs_plugins.sagemaker_store import results
from sfs_plugins.sagemaker_store.objects import HeldObjects

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls
    from sfs_plugins.sagemaker_store.clients import Clients

T = TypeVar("T")
POLL_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
QUERIES: Final = 3
"""How often a query is started that Athena calls worth another try."""
FINAL: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_SQL_PROBLEM: Final = re.compile(
    r"\bline \d+:\d+|\bmismatched input\b|"
    r"^(SYNTAX_ERROR|COLUMN_NOT_FOUND|TYPE_MISMATCH|FUNCTION_NOT_FOUND|AMBIGUOUS_NAME)\b"
)
"""How Athena words what is wrong with a query's text, when it is started or later."""


class QueryFailed(StoreUnavailable):
    """Athena did not finish a query."""

    sentence = "Athena query {query} ended {state}: {reason}"


class QueryFailedForNow(QueryFailed):
    """Athena did not finish a query, and says itself that another try may."""


class NoPlaceForResults(UsageError):
    """Neither the workgroup nor the connection says where Athena's results go."""

    sentence = (
        "the offline store is read by Athena, and its workgroup {workgroup!r} names no place for results: give "
        "--athena-output S3URI, or set athena_output in the connection's configuration"
    )


class BadSql(QueryFailed):
    """Athena does not understand a query."""


class AnswerNotWhole(StoreUnavailable):
    """Files that a query wrote its answer to are gone before they were read."""

    sentence = (
        "the answer of Athena query {query} is not whole: {missing} of its {count} files under {folder} are gone, so "
        "it was not used; see what else deletes there, then try again"
    )


@dataclass(frozen=True, slots=True)
class Finished:
    """A query that succeeded; `location` is where its result is, `manifest` names the files that it wrote.

    Both are empty where there are none in a bucket.
    """

    query: str
    location: str
    manifest: str


@dataclass
class Athena:
    """Runs queries in a workgroup. `output` is an S3 URI for results where the workgroup does not say it itself.

    `owner` is the account that the bucket of the results must belong to.
    """

    calls: Calls
    clients: Clients
    workgroup: str
    output: str | None
    owner: str
    _configuration: dict[str, Any] = field(default_factory=dict)

    def rows(self, select: str, table: GlueTable) -> Iterator[pa.RecordBatch]:
        """Yield a SELECT's answer in its order, as columns of text; null and the empty text are told apart.

        From the CSV result; or, where the workgroup keeps results to itself, a page of 1,000 rows at a time.
        """
        ran = self._tried(lambda: self.run(select, table))
        if not ran.location:
            return results.pages(self.calls, self.clients.get("athena"), self.workgroup, ran.query)
        return results.csv(self._objects(ran.location), ran.location)

    def change(self, statement: str, table: GlueTable) -> None:
        """Carry out a statement that may be carried out twice. Raises QueryFailed, with the text of why."""
        self._tried(lambda: self.run(statement, table))

    def unload(self, select: str, as_text: str, table: GlueTable) -> Iterator[pa.RecordBatch]:
        """Yield a SELECT's answer by UNLOAD to Parquet, unordered, as columns of text; its files are removed again.

        Where results have no place in S3, the answer to `as_text` is read instead, which is the same, each column
        cast to text. Raises AnswerNotWhole before anything is yielded.
        """
        place = self.place()
        if place is None:
            yield from self.rows(as_text, table)
            return
        folder, ran = self._tried(lambda: self._unloaded(select, place, table))
        found = self._objects(folder)
        try:
            for uri in self._whole(found.under(folder), folder, ran):
                yield from results.parquet(found, uri)
        finally:
            found.remove(folder)

    def _whole(self, found: list[str], folder: str, ran: Finished) -> list[str]:
        """Return the files found, among which are all that the query wrote: fewer would be a smaller answer."""
        if not ran.manifest:
            return found
        with self._objects(ran.manifest).file(ran.manifest) as file:
            named = [line.decode("utf-8").strip() for line in file if line.strip()]
        missing = {*named} - {*found}
        if missing:
            raise AnswerNotWhole(query=ran.query, missing=len(missing), count=len(named), folder=folder)
        return found

    def _unloaded(self, select: str, place: str, table: GlueTable) -> tuple[str, Finished]:
        """Return the folder that a SELECT was unloaded to, which is its own; a failure leaves nothing there."""
        folder = f"{place.rstrip('/')}/sagemaker-fs-{uuid.uuid4().hex}/"
        found = self._objects(folder)
        # ExpectedBucketOwner is of the result configuration: Athena does not look at the owner of where UNLOAD writes
        found.check_owner()
        try:
            return folder, self.run(f"UNLOAD ({select}) TO '{folder}' WITH (format = 'PARQUET')", table)
        except BaseException:
            found.remove(folder)
            raise

    def _tried(self, query: Callable[[], T]) -> T:
        for attempt in range(1, QUERIES):
            try:
                return query()
            except QueryFailedForNow:
                self.calls.pause(attempt)
        return query()

    def place(self) -> str | None:
        """Return where results go, as an S3 URI, or None where the workgroup keeps them to itself.

        Raises NoPlaceForResults where neither the workgroup nor the connection names one.
        """
        if not self._configuration:
            answer = self.calls(self.clients.get("athena"), "GetWorkGroup", self.workgroup, WorkGroup=self.workgroup)
            self._configuration = answer["WorkGroup"].get("Configuration") or {"ResultConfiguration": {}}
        given = self._configuration
        if given.get("ManagedQueryResultsConfiguration", {}).get("Enabled"):
            return None
        location = given.get("ResultConfiguration", {}).get("OutputLocation")
        # an enforced workgroup takes no notice of what its clients ask for (known ways to be wrong, line 35)
        place = location if given.get("EnforceWorkGroupConfiguration") else self.output or location
        if not place:
            raise NoPlaceForResults(workgroup=self.workgroup)
        return str(place)

    def run(self, sql: str, table: GlueTable) -> Finished:
        """Return a query that was carried out.

        Raises QueryFailed, BadSql. The query is cancelled when the wait for it ends in any other way.
        """
        client = self.clients.get("athena")
        request: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": self.workgroup,
            "QueryExecutionContext": {"Database": table.database, "Catalog": table.catalog},
            # the same one for every try: a query that was started and not answered is not started twice
            "ClientRequestToken": uuid.uuid4().hex,
        }
        if self.output:
            request["ResultConfiguration"] = {"OutputLocation": self.output, "ExpectedBucketOwner": self.owner}
        try:
            query = self.calls(client, "StartQueryExecution", self.workgroup, **request)["QueryExecutionId"]
        except BadRequest as error:
            reason = str(error.message.fields["problem"])
            if _SQL_PROBLEM.search(reason):
                raise BadSql(query="-", state="FAILED", reason=reason) from error
            raise
        try:
            return self._finished(client, query)
        except QueryFailed:
            raise
        except BaseException:  # stopped by Ctrl-C, or unanswered: a query that nobody waits for still costs
            with contextlib.suppress(SfsError):
                self.calls(client, "StopQueryExecution", self.workgroup, QueryExecutionId=query)
            raise

    def _finished(self, client: Any, query: str) -> Finished:
        for attempt in count():
            answer = self.calls(client, "GetQueryExecution", self.workgroup, QueryExecutionId=query)["QueryExecution"]
            status = answer["Status"]
            if status["State"] == "SUCCEEDED":
                location = answer.get("ResultConfiguration", {}).get("OutputLocation") or ""
                return Finished(query, location, answer.get("Statistics", {}).get("DataManifestLocation") or "")
            if status["State"] in FINAL:
                reason = status.get("StateChangeReason") or status.get("AthenaError", {}).get("ErrorMessage", "")
                is_passing = status.get("AthenaError", {}).get("Retryable", False)
                kind = BadSql if _SQL_PROBLEM.search(reason) else QueryFailedForNow if is_passing else QueryFailed
                raise kind(query=query, state=status["State"], reason=reason)
            time.sleep(POLL_SECONDS[min(attempt, len(POLL_SECONDS) - 1)])
        raise AssertionError(query)

    def _objects(self, uri: str) -> HeldObjects:
        bucket = uri.removeprefix("s3://").partition("/")[0]
        return HeldObjects(self.calls, self.clients.get("s3"), bucket, self.owner)
