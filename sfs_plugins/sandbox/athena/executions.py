"""Query executions: started, watched, stopped; their states kept, so that a restart answers for the past."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfs_core import EventTime
from sfs_plugins.sandbox.athena.failures import QueryCancelled, QueryFailed
from sfs_plugins.sandbox.athena.quoting import is_s3
from sfs_plugins.sandbox.athena.reading import Reading
from sfs_plugins.sandbox.athena.workgroups import PRIMARY, WorkGroups, invalid
from sfs_plugins.sandbox.json_service import present, wire_time
from sfs_plugins.sandbox.state import State

if TYPE_CHECKING:
    from sfs_plugins.sandbox.athena.statement import Outcome
    from sfs_plugins.sandbox.athena.statements import Statements

_SCHEMA = """
CREATE TABLE IF NOT EXISTS athena_executions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, workgroup TEXT NOT NULL, execution TEXT NOT NULL,
    columns TEXT NOT NULL DEFAULT '[]', has_header INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS athena_tokens (token TEXT PRIMARY KEY, request TEXT NOT NULL, id TEXT NOT NULL);
"""
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
_AT_ONCE = 2
Execution = dict[str, Any]


class Executions:
    """The executions of every workgroup; two run at a time, the others are queued."""

    def __init__(self, state: State, statements: Callable[[], Statements], workgroups: WorkGroups) -> None:
        self._state, self._statements, self._workgroups = state, statements, workgroups
        state.declare(_SCHEMA)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="athena")
        self._running: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._give_up()

    def _give_up(self) -> None:
        """Fail what an earlier process left unfinished."""
        with self._state.reading() as connection:
            rows = connection.execute("SELECT execution FROM athena_executions").fetchall()
        for execution in (json.loads(row[0]) for row in rows):
            if execution["Status"]["State"] not in FINAL:
                self._end(execution, "FAILED", "Query exhausted resources: the sandbox was stopped while it ran")

    def start(self, given: dict[str, Any]) -> dict[str, Any]:
        """StartQueryExecution: one client token is one execution."""
        token = given.get("ClientRequestToken")
        request = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        with self._lock:
            before = None if token is None else self._started_by(token)
            if before is not None:
                if before[0] != request:
                    raise invalid("Idempotent parameters do not match")
                return {"QueryExecutionId": before[1]}
            execution = self._new(given)
            self._insert(execution, token, request)
        self._pool.submit(self._run, execution)
        return {"QueryExecutionId": execution["QueryExecutionId"]}

    def _started_by(self, token: str) -> tuple[str, str] | None:
        with self._state.reading() as connection:
            row = connection.execute("SELECT request, id FROM athena_tokens WHERE token = ?", (token,)).fetchone()
        return None if row is None else (row[0], row[1])

    def _new(self, given: dict[str, Any]) -> Execution:
        group = self._workgroups.find(given.get("WorkGroup") or PRIMARY)
        if group["State"] != "ENABLED":
            raise invalid(f"WorkGroup {group['Name']} is disabled.")
        configuration = group["Configuration"]
        result = dict(given.get("ResultConfiguration") or {})
        of_group = configuration.get("ResultConfiguration") or {}
        if configuration["EnforceWorkGroupConfiguration"] or not result.get("OutputLocation"):
            result = {**result, **of_group} if not configuration["EnforceWorkGroupConfiguration"] else dict(of_group)
        location = result.get("OutputLocation")
        if not location or not is_s3(location):
            raise invalid("No output location provided. An output location is required either through the Workgroup "
                          "result configuration setting or as an API input.")  # fmt: skip
        status = {"State": "QUEUED", "SubmissionDateTime": _now()}
        return present(
            QueryExecutionId=str(uuid.uuid4()), Query=given["QueryString"], ResultConfiguration=result,
            QueryExecutionContext=given.get("QueryExecutionContext") or {}, Status=status, WorkGroup=group["Name"],
            ExecutionParameters=given.get("ExecutionParameters"), Statistics={},
            EngineVersion={"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
        )  # fmt: skip

    def _insert(self, execution: Execution, token: str | None, request: str) -> None:
        row = (execution["QueryExecutionId"], execution["WorkGroup"], json.dumps(execution))
        with self._state.writing() as connection:
            connection.execute("INSERT INTO athena_executions (id, workgroup, execution) VALUES (?, ?, ?)", row)
            if token is not None:
                connection.execute("INSERT INTO athena_tokens VALUES (?, ?, ?)", (token, request, row[0]))

    def find(self, execution_id: str) -> Execution:
        """Return an execution as it is now. Raises Failure."""
        with self._state.reading() as connection:
            query = "SELECT execution FROM athena_executions WHERE id = ?"
            row = connection.execute(query, (execution_id,)).fetchone()
        if row is None:
            raise invalid(f"QueryExecution {execution_id} was not found")
        found: Execution = json.loads(row[0])
        return found

    def result_of(self, execution_id: str) -> tuple[list[dict[str, Any]], bool]:
        """Return the columns of an execution's result, and whether its rows begin with their names."""
        query = "SELECT columns, has_header FROM athena_executions WHERE id = ?"
        with self._state.reading() as connection:
            row = connection.execute(query, (execution_id,)).fetchone()
        return json.loads(row[0]), bool(row[1])

    def results(self, execution_id: str) -> Path:
        """Return where an execution's rows are kept."""
        return self._state.folder / "sandbox-results" / f"{execution_id}.parquet"

    def ids(self, workgroup: str) -> list[str]:
        """Return the executions of a workgroup, newest first."""
        query = "SELECT id FROM athena_executions WHERE workgroup = ? ORDER BY number DESC"
        with self._state.reading() as connection:
            return [row[0] for row in connection.execute(query, (workgroup,)).fetchall()]

    def stop(self, execution_id: str) -> None:
        """StopQueryExecution: one that has ended stays as it is."""
        with self._lock:
            execution = self.find(execution_id)
            if execution["Status"]["State"] in FINAL:
                return
            self._end(execution, "CANCELLED", "Query cancelled by user")
            connection = self._running.get(execution_id)
        if connection is not None:
            connection.interrupt()

    def _run(self, execution: Execution) -> None:
        from sfs_plugins.sandbox.athena.statement import Statement

        execution_id, begun = execution["QueryExecutionId"], time.time()
        queued = begun - execution["Status"]["SubmissionDateTime"]
        with self._lock:
            if self.find(execution_id)["Status"]["State"] != "QUEUED":
                return
            execution["Status"]["State"] = "RUNNING"
            self._write(execution)
        statement = Statement(
            execution_id, execution["Query"], execution.get("ExecutionParameters") or (),
            _name(execution["QueryExecutionContext"].get("Database")),
            execution["ResultConfiguration"]["OutputLocation"], self.results(execution_id), execution["WorkGroup"],
        )  # fmt: skip
        outcome, reason, state = None, None, "FAILED"
        configuration = self._workgroups.find(execution["WorkGroup"])["Configuration"]
        reading = Reading(configuration.get("BytesScannedCutoffPerQuery"))
        try:
            outcome = self._statements().run(
                statement, reading, lambda found: self._running.update({execution_id: found})
            )
        except QueryFailed as error:
            reason, state = str(error), "CANCELLED" if isinstance(error, QueryCancelled) else "FAILED"
        except Exception as error:  # whatever it is, the execution ends
            reason = f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
        with self._lock:
            self._running.pop(execution_id, None)
            if self.find(execution_id)["Status"]["State"] == "CANCELLED":
                return
            execution["Statistics"] = _statistics(begun, queued, reading)
            self._finish(execution, outcome, reason, state)

    def _finish(self, execution: Execution, outcome: Outcome | None, reason: str | None, state: str) -> None:
        if outcome is None:
            self._end(execution, state, reason)
            return
        execution["StatementType"], execution["SubstatementType"] = outcome.kind, outcome.sub_type
        execution["ResultConfiguration"]["OutputLocation"] = outcome.output
        if outcome.manifest is not None:
            execution["Statistics"]["DataManifestLocation"] = outcome.manifest
        columns = json.dumps([column.on_wire() for column in outcome.columns])
        with self._state.writing() as connection:
            row = (columns, int(outcome.has_header), execution["QueryExecutionId"])
            connection.execute("UPDATE athena_executions SET columns = ?, has_header = ? WHERE id = ?", row)
            self._end(execution, "SUCCEEDED", None)

    def _end(self, execution: Execution, state: str, reason: str | None) -> None:
        status = {**execution["Status"], "State": state, "CompletionDateTime": _now()}
        if reason is not None:
            status["StateChangeReason"] = reason
        if state == "FAILED":
            status["AthenaError"] = {"ErrorCategory": 2, "ErrorType": 1, "Retryable": False, "ErrorMessage": reason}
        execution["Status"] = status
        self._write(execution)

    def _write(self, execution: Execution) -> None:
        with self._state.writing() as connection:
            row = (json.dumps(execution), execution["QueryExecutionId"])
            connection.execute("UPDATE athena_executions SET execution = ? WHERE id = ?", row)

    def close(self) -> None:
        """Stop what runs."""
        for connection in list(self._running.values()):
            connection.interrupt()
        self._pool.shutdown(cancel_futures=True)


def _statistics(begun: float, queued: float, reading: Reading) -> dict[str, Any]:
    """Return how long an execution took, in milliseconds, and how much it read."""
    spent, waited = round((time.time() - begun) * 1000), max(round(queued * 1000), 0)
    return {
        "EngineExecutionTimeInMillis": spent, "TotalExecutionTimeInMillis": spent + waited,
        "QueryQueueTimeInMillis": waited, "ServiceProcessingTimeInMillis": 0,
        "DataScannedInBytes": reading.scanned_bytes,
    }  # fmt: skip


def _name(database: str | None) -> str:
    """Return a context's database; clients may put its name into backticks, as DDL has it."""
    return (database or "default").strip("`").lower()


def _now() -> float | None:
    return wire_time(EventTime(time.time_ns()))
