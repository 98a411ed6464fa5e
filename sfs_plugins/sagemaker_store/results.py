"""What a query gave, as Arrow batches of texts: from its CSV file, from Parquet files, or page by page."""

from __future__ import annotations

import contextlib
import csv as python_csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sfs_core import StoreUnavailable, to_text

if TYPE_CHECKING:
    import pyarrow as pa

    from sfs_plugins.sagemaker_store.calls import Calls
    from sfs_plugins.sagemaker_store.objects import HeldObjects

PAGE_ROWS: Final = 1000


class AnswerUnreadable(StoreUnavailable):
    """A file that Athena wrote its answer to is not what it wrote."""

    sentence = "{uri}, which holds an answer of Athena, cannot be read ({problem}), so it was not used: try again"


@contextlib.contextmanager
def _readable(uri: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except pa.ArrowInvalid as error:
        raise AnswerUnreadable(uri=uri, problem=str(error).partition("\n")[0]) from error


def csv(objects: HeldObjects, uri: str) -> Iterator[pa.RecordBatch]:
    """Yield a CSV result in its order; an empty cell without quotes is null, with quotes it is the empty text.

    Raises AnswerUnreadable.
    """
    import pyarrow as pa
    from pyarrow import csv

    with objects.file(uri) as file, _readable(uri):
        names = next(python_csv.reader([file.readline().decode("utf-8")]), [])
        file.seek(0)
        as_text = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        )
        lines = csv.ParseOptions(newlines_in_values=True)
        for batch in csv.open_csv(file, parse_options=lines, convert_options=as_text):
            if batch.num_rows:
                yield batch


def parquet(objects: HeldObjects, uri: str) -> Iterator[pa.RecordBatch]:
    """Yield a Parquet file's rows as texts. Raises AnswerUnreadable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with objects.file(uri) as file, _readable(uri):
        for batch in pq.ParquetFile(file).iter_batches():
            yield pa.record_batch([to_text(column) for column in batch.columns], names=batch.schema.names)


def pages(calls: Calls, client: Any, workgroup: str, query: str) -> Iterator[pa.RecordBatch]:
    """Yield a result page by page; the header is the first row of the first page, and of no other."""
    import pyarrow as pa

    request: dict[str, Any] = {"QueryExecutionId": query, "MaxResults": PAGE_ROWS}
    is_first = True
    while True:
        answer = calls(client, "GetQueryResults", workgroup, **request)
        names = [column["Name"] for column in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]
        rows, is_first = rows[1:] if is_first else rows, False
        if rows:
            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            yield pa.record_batch(columns, names=names)
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]
