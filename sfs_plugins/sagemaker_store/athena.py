"""Queries by Athena: started, waited for, cancelled when the run is stopped, and read from where Athena says."""

from __future__ import annotations

import contextlib
import csv as python_csv
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from sfs_core import BadOption, Refused, StoreUnavailable, say, to_text

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls
    from sfs_plugins.sagemaker_store.clients import Clients

POLL_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
FINAL: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


class QueryFailed(Refused):
    """Athena did not finish a query."""

    sentence = "Athena query {query} ended {state}: {reason}"


@dataclass(frozen=True)
class Athena:
    """Runs queries in a workgroup. `output` is an S3 URI for results where the workgroup has none of its own."""

    calls: Calls
    clients: Clients
    workgroup: str
    output: str | None
    owner: str

    def run(self, sql: str, database: str, catalog: str) -> str:
        """Return the place of a finished query's result. Raises QueryFailed; cancels the query when interrupted."""
        client = self.clients.get("athena")
        request: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": self.workgroup,
            "QueryExecutionContext": {"Database": database, "Catalog": catalog},
        }
        if self.output:
            request["ResultConfiguration"] = {"OutputLocation": self.output, "ExpectedBucketOwner": self.owner}
        query = self.calls(client, "StartQueryExecution", self.workgroup, **request)["QueryExecutionId"]
        try:
            return self._finished(client, query)
        except BaseException:
            # stopped, killed by Ctrl-C, or unanswered: a query that nobody waits for still costs
            self.calls(client, "StopQueryExecution", self.workgroup, QueryExecutionId=query)
            raise

    def _finished(self, client: Any, query: str) -> str:
        for attempt in range(10**9):
            answer = self.calls(client, "GetQueryExecution", self.workgroup, QueryExecutionId=query)["QueryExecution"]
            status = answer["Status"]
            if status["State"] == "SUCCEEDED":
                # a workgroup may override where results go: only this answer knows (dossier 10 row 35)
                return str(answer.get("ResultConfiguration", {}).get("OutputLocation", ""))
            if status["State"] in FINAL:
                reason = status.get("StateChangeReason") or status.get("AthenaError", {}).get("ErrorMessage", "")
                raise QueryFailed(query=query, state=status["State"], reason=reason)
            time.sleep(POLL_SECONDS[min(attempt, len(POLL_SECONDS) - 1)])
        raise AssertionError(query)

    def unload(self, select: str, database: str, catalog: str) -> Iterator[pa.RecordBatch]:
        """Yield a SELECT's answer by UNLOAD to Parquet, unordered, as text columns; its files are removed again."""
        bucket, _, prefix = self._results().removeprefix("s3://").partition("/")
        folder = f"{prefix.rstrip('/')}/sagemaker-fs-{uuid.uuid4().hex}/".lstrip("/")
        self.run(f"UNLOAD ({select}) TO 's3://{bucket}/{folder}' WITH (format = 'PARQUET')", database, catalog)
        client = self.clients.get("s3")
        keys = self._keys(client, bucket, folder)
        try:
            for key in keys:
                yield from self._parquet(bucket, key)
        finally:
            for key in keys:
                self.calls(client, "DeleteObject", bucket, Bucket=bucket, Key=key, ExpectedBucketOwner=self.owner)

    def _results(self) -> str:
        """Return where results may go: the setting, else the workgroup's own location. Raises BadOption if none."""
        if self.output:
            return self.output
        answer = self.calls(self.clients.get("athena"), "GetWorkGroup", self.workgroup, WorkGroup=self.workgroup)
        configuration = answer["WorkGroup"].get("Configuration", {})
        location = configuration.get("ResultConfiguration", {}).get("OutputLocation")
        if not location:
            expected = say("an S3 URI for results: workgroup {workgroup!r} names none", workgroup=self.workgroup)
            raise BadOption(option="athena_output", value="", expected=expected)
        return str(location)

    def _keys(self, client: Any, bucket: str, folder: str) -> list[str]:
        keys: list[str] = []
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": folder, "ExpectedBucketOwner": self.owner}
        while True:
            answer = self.calls(client, "ListObjectsV2", bucket, **request)
            keys += [entry["Key"] for entry in answer.get("Contents", [])]
            if not answer.get("IsTruncated"):
                return keys
            request["ContinuationToken"] = answer["NextContinuationToken"]

    @contextlib.contextmanager
    def _object(self, bucket: str, key: str) -> Iterator[IO[bytes]]:
        """Give an object's bytes as a file of its own, which is gone afterwards."""
        client = self.clients.get("s3")
        body = self.calls(client, "GetObject", bucket, Bucket=bucket, Key=key, ExpectedBucketOwner=self.owner)["Body"]
        with tempfile.TemporaryFile() as file:
            for block in body.iter_chunks(2**20):
                file.write(block)
            file.seek(0)
            yield file

    def _parquet(self, bucket: str, key: str) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._object(bucket, key) as file:
            for batch in pq.ParquetFile(file).iter_batches():
                columns = [to_text(column) for column in batch.columns]
                yield pa.record_batch(columns, names=batch.schema.names)

    def rows(self, select: str, database: str, catalog: str) -> Iterator[pa.RecordBatch]:
        """Yield a SELECT's answer in its order, from the CSV result: columns of text, null where a cell is empty."""
        import pyarrow as pa
        from pyarrow import csv

        location = self.run(select, database, catalog)
        if not location.startswith("s3://"):
            text = "workgroup {workgroup!r} keeps results where they cannot be read in bulk"
            raise StoreUnavailable(store="athena", problem=say(text, workgroup=self.workgroup))
        bucket, _, key = location.removeprefix("s3://").partition("/")
        lines = csv.ParseOptions(newlines_in_values=True)
        with self._object(bucket, key) as file:
            names = next(python_csv.reader([file.readline().decode("utf-8")]), [])
            file.seek(0)
            as_text = csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            )
            yield from csv.open_csv(file, parse_options=lines, convert_options=as_text)
