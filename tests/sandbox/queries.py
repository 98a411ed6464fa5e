"""Athena's executions, run to their end: what the tests of statements share."""

from __future__ import annotations

import time


def run(athena, query, out, **request):
    """The finished execution."""
    request = {"QueryString": query, "ResultConfiguration": {"OutputLocation": out}, **request}
    return ended(athena, athena.start_query_execution(**request)["QueryExecutionId"])


def ended(athena, execution_id):
    """The execution, once it has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        execution = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return execution
        time.sleep(0.02)
    raise AssertionError(execution)


def rows(athena, query, out, **request):
    """Column names, then each line of values."""
    execution = run(athena, query, out, **request)
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"])
    return [[one.get("VarCharValue") for one in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]


def failed(athena, query, out, **request):
    execution = run(athena, query, out, **request)
    assert execution["Status"]["State"] == "FAILED"
    return execution["Status"]["StateChangeReason"]
