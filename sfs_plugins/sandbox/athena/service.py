"""Athena's operations."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import cache
from typing import TYPE_CHECKING, Any

from sfs_plugins.sandbox.athena.browsing import Browsing
from sfs_plugins.sandbox.athena.executions import Executions
from sfs_plugins.sandbox.athena.prepared import Prepared
from sfs_plugins.sandbox.athena.workgroups import PRIMARY, WorkGroups, invalid
from sfs_plugins.sandbox.glue.catalog import Catalogue
from sfs_plugins.sandbox.json_service import JsonService, Operation, present
from sfs_plugins.sandbox.s3.objects import Objects
from sfs_plugins.sandbox.state import State
from sfs_plugins.sandbox.tokens import BadToken, Tokens
from sfs_plugins.sandbox.wire import Failure

if TYPE_CHECKING:
    from sfs_plugins.sandbox.athena.statements import Statements

_PAGE_ROWS = 1000
_PAGE_IDS = 50


def athena(
    state: State, catalogue: Catalogue, objects: Objects, tokens: Tokens, pool: Executor
) -> tuple[JsonService, Executions]:
    """Return the Athena service, and its executions, which are to be closed."""
    workgroups = WorkGroups(state)
    prepared = Prepared(state, workgroups, tokens)

    @cache
    def statements() -> Statements:
        # sqlglot takes a third of a second to load, which the start of a sandbox need not wait for
        from sfs_plugins.sandbox.athena.engine import Engine
        from sfs_plugins.sandbox.athena.output import Output
        from sfs_plugins.sandbox.athena.statements import Statements

        return Statements(Engine(state.folder, catalogue), Output(objects), prepared)

    executions = Executions(state, statements, workgroups)
    of, browsing = AthenaOperations(executions, workgroups, tokens), Browsing(catalogue, tokens)
    operations: dict[str, Operation] = {
        "StartQueryExecution": executions.start, "GetQueryExecution": of.get, "BatchGetQueryExecution": of.batch_get,
        "ListQueryExecutions": of.listed, "StopQueryExecution": of.stop, "GetQueryResults": of.results,
        "CreateWorkGroup": workgroups.create, "GetWorkGroup": workgroups.get, "UpdateWorkGroup": workgroups.update,
        "DeleteWorkGroup": workgroups.delete, "ListWorkGroups": workgroups.listed,
        "CreatePreparedStatement": prepared.create, "GetPreparedStatement": prepared.get,
        "BatchGetPreparedStatement": prepared.batch_get, "UpdatePreparedStatement": prepared.update,
        "DeletePreparedStatement": prepared.delete, "ListPreparedStatements": prepared.listed,
        "ListDataCatalogs": browsing.catalogs, "GetDataCatalog": browsing.catalog,
        "GetDatabase": browsing.database, "ListDatabases": browsing.databases,
        "GetTableMetadata": browsing.table, "ListTableMetadata": browsing.tables,
        "GetQueryRuntimeStatistics": of.runtime_statistics,
    }  # fmt: skip
    return JsonService("athena", "AmazonAthena", operations, pool, "InvalidRequestException"), executions


class AthenaOperations:
    """The operations on executions and their results."""

    def __init__(self, executions: Executions, workgroups: WorkGroups, tokens: Tokens) -> None:
        self._executions, self._workgroups, self._tokens = executions, workgroups, tokens

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetQueryExecution."""
        return {"QueryExecution": self._executions.find(given["QueryExecutionId"])}

    def batch_get(self, given: dict[str, Any]) -> dict[str, Any]:
        """BatchGetQueryExecution: those that are not there are named."""
        found, missing = [], []
        for execution_id in given["QueryExecutionIds"]:
            try:
                found.append(self._executions.find(execution_id))
            except Failure as failure:
                told = {"ErrorCode": "INVALID_QUERY_EXECUTION_ID", "ErrorMessage": failure.message}
                missing.append({"QueryExecutionId": execution_id, **told})
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def runtime_statistics(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetQueryRuntimeStatistics: times and bytes of an execution that has ended."""
        execution = self._executions.find(given["QueryExecutionId"])
        told = execution.get("Statistics") or {}
        names = ("QueryQueueTimeInMillis", "EngineExecutionTimeInMillis", "ServiceProcessingTimeInMillis",
                 "TotalExecutionTimeInMillis")  # fmt: skip
        timeline = {name: told[name] for name in names if name in told}
        rows = present(InputBytes=told.get("DataScannedInBytes"))
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    def listed(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListQueryExecutions of a workgroup, newest first."""
        group = given.get("WorkGroup") or PRIMARY
        self._workgroups.find(group)
        ids, start = self._executions.ids(group), self._start(f"executions {group}", given)
        end = start + (given.get("MaxResults") or _PAGE_IDS)
        token = self._tokens.make(f"executions {group}", end) if end < len(ids) else None
        return present(QueryExecutionIds=ids[start:end], NextToken=token)

    def _start(self, about: str, given: dict[str, Any]) -> int:
        try:
            return int(self._tokens.read(about, given["NextToken"])) if given.get("NextToken") else 0
        except BadToken as error:
            raise invalid("NextToken is not valid") from error

    def stop(self, given: dict[str, Any]) -> dict[str, Any]:
        """StopQueryExecution."""
        self._executions.stop(given["QueryExecutionId"])
        return {}

    def results(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: the first page of a query's rows begins with the names of its columns."""
        execution_id = given["QueryExecutionId"]
        state = self._executions.find(execution_id)["Status"]["State"]
        if state != "SUCCEEDED":
            code = "QUERY_NOT_FINISHED" if state in ("QUEUED", "RUNNING") else "INVALID_QUERY_STATE"
            raise invalid(f"Query did not finish successfully. Final query state: {state}", code)
        columns, has_header = self._executions.result_of(execution_id)
        about = f"results {execution_id}"
        start, count = self._start(about, given), given.get("MaxResults") or _PAGE_ROWS
        lines = [[column["Name"] for column in columns]] if has_header and columns and start == 0 else []
        offset = max(start - int(has_header and bool(columns)), 0)
        found, total = self._rows(execution_id, offset, count - len(lines))
        rows = [{"Data": [{} if text is None else {"VarCharValue": text} for text in line]} for line in lines + found]
        token = self._tokens.make(about, start + count) if offset + len(found) < total else None
        result = {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": columns}}
        return present(UpdateCount=0, ResultSet=result, NextToken=token)

    def _rows(self, execution_id: str, offset: int, count: int) -> tuple[list[list[str | None]], int]:
        import pyarrow.parquet as pq

        path = self._executions.results(execution_id)
        if not path.exists():
            return [], 0
        table = pq.read_table(path, memory_map=True)
        columns = [column.to_pylist() for column in table.slice(offset, count).columns]
        return [list(line) for line in zip(*columns, strict=True)], table.num_rows
