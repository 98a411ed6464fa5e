"""The rules over whole columns agree with the rules over one value, whatever the texts."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sfs_core import (
    BadEventTime,
    EventTime,
    FeatureDefinition,
    FeatureGroup,
    FeatureGroupName,
    MissingFeature,
    OnlineStore,
    SfsError,
    StorageType,
    UnknownFeature,
    check,
    check_record,
    instants,
    is_of_type,
    record_ids,
    records_from,
    rows_of,
    to_text,
    to_typed,
)

NASTY_NUMBERS = [
    "", " ", "0", "-0", "+0", "00", "007", "+5", "-5", "--5", "+-5", "5.", ".5", ".", "-.5", "+.", "5.0", "1_000",
    "1e5", "1E+5", "1e-5", "1e", "e5", "1e5.0", "1e400", "-1e400", "1e-400", "1e308", "1.7976931348623158e308", "2e308",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "+9223372036854775807", "000000000000000000000000000009", "9" * 30, "9" * 400, "-" + "9" * 5000, "0" * 5000,
    "0." + "0" * 400 + "1", "1" + "0" * 309, "1e99", "1e00000000000000000001", "1,5", "nan",
    "NaN", "inf", "-Infinity", "0x1p3",
    "٣", "５", "²", "1\n", "\n1", " 1", "1 ", "1\x00", "\x00", "−1", "1e٣", "true", "None",
]  # fmt: skip
NASTY_ISO = [
    "", "2025-06-01T00:00:00Z", "2025-06-01T00:00:00.1Z", "2025-06-01T00:00:00.123456789Z", "2025-06-01T00:00:00.Z",
    "2025-06-01T00:00:00.1234567890Z", "2025-06-01T00:00:00+00:00", "2025-06-01T00:00:00", "2025-06-01 00:00:00Z",
    "2025-06-01", "2025-06-01T00:00Z", "2025-06-01t00:00:00z", "2024-02-29T00:00:00Z", "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "0000-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z", "2025-06-00T00:00:00Z", "2025-06-31T00:00:00Z", "2025-06-01T24:00:00Z",
    "2025-06-01T23:60:00Z", "2016-12-31T23:59:60Z", "2025-06-01T00:00:60Z", "٢٠٢٥-06-01T00:00:00Z",
    "2025-06-01T00:00:00.٣Z", "2025-06-01T00:00:00Z\n", " 2025-06-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z",
    "1677-09-21T00:12:43Z", "2262-04-11T23:47:17Z", "1748736000",
]  # fmt: skip
NASTY_SECONDS = [
    *NASTY_NUMBERS, "1748736000", "1748736000.5", "1748736000.123456789", "1748736000.1234567899", "-1", "-1.5", "-0.5",
    "-62167219200", "-62167219201", "-62167219200.0000000001", "253402300799", "253402300799.999999999",
    "253402300799.9999999999", "253402300800", "1748736000000", "99999999999", "999999999999", "00000000001", "1e9",
    "1.5e9", "1748736000." + "1" * 60, "1748736000.123456789" + "9" * 60, "0.0000000009", "-0.0000000001",
    "-62167219200." + "9" * 40, "2025-06-01T00:00:00Z", "1" + "0" * 40 + "e-40", "0e999", "0e9999",
]  # fmt: skip

ANY_TIME = st.integers(-62_167_219_200 * 10**9, 253_402_300_800 * 10**9 - 1).map(EventTime)
NUMBERS = st.sampled_from(NASTY_NUMBERS) | st.from_regex(
    r"[+-]?[0-9]{0,22}\.?[0-9]{0,22}([eE][+-]?[0-9]{0,4})?", fullmatch=True
)
TEXTS = st.text(max_size=5) | NUMBERS
ISO = (
    st.sampled_from(NASTY_ISO)
    | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,10})?Z", fullmatch=True)
    | ANY_TIME.map(EventTime.iso)
)
SECONDS = (
    st.sampled_from(NASTY_SECONDS)
    | st.from_regex(r"[+-]?[0-9]{0,13}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | ANY_TIME.map(EventTime.unix_seconds)
)


def group_of(*features: str, seconds: bool = False) -> FeatureGroup:
    at = "at:Fractional" if seconds else "at:String"
    definitions = tuple(map(FeatureDefinition.parse, ("id:String", at, *features)))
    return FeatureGroup(
        "memory", FeatureGroupName("orders"), "id", "at", definitions, OnlineStore(StorageType.IN_MEMORY), None
    )


def batch_of(features, rows) -> pa.RecordBatch:
    """A batch of rows in which None is an absent feature."""
    return records_from(features, rows)


def told(remarks) -> list[tuple[int, str, str]]:
    return [(remark.row, remark.code, str(remark.message)) for remark in remarks]


def one_by_one(group: FeatureGroup, rows) -> list[tuple[int, str, str]]:
    found = []
    for number, row in enumerate(rows):
        try:
            check_record(group, {f.name: row[f.name] for f in group.features if row.get(f.name) is not None})
        except SfsError as error:
            found.append((number, error.code, str(error)))
    return found


def parsed(text: str, seconds: bool) -> EventTime | None:
    try:
        return EventTime.parse(text, seconds=seconds)
    except BadEventTime:
        return None


@pytest.mark.parametrize("seconds", [False, True], ids=["iso 8601", "seconds"])
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_batch_is_checked_as_its_records_are(data: st.DataObject, seconds: bool) -> None:
    group = group_of("i:Integral", "f:Fractional", "s:String", seconds=seconds)
    maybe = st.none()
    row = st.fixed_dictionaries(
        {
            "id": maybe | st.sampled_from(["", "a", "x" * 2048, "x" * 2049, "é" * 1025]),
            "at": maybe | (SECONDS if seconds else ISO),
            "i": maybe | NUMBERS,
            "f": maybe | NUMBERS,
            "s": maybe | TEXTS,
        }
    )
    rows = data.draw(st.lists(row, max_size=8))

    remarks = check(batch_of(group.features, rows), group)

    assert told(remarks) == one_by_one(group, rows)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.just("a"),
                "at": st.just("2025-06-01T00:00:00Z"),
                "l": st.none() | st.lists(TEXTS, max_size=3),
                "n": st.none() | st.lists(NUMBERS, max_size=3),
                "v": st.none() | st.lists(NUMBERS, min_size=1, max_size=3),
            }
        ),
        max_size=5,
    )
)
@settings(deadline=None)
def test_a_batch_with_collections_is_checked_as_its_records_are(rows) -> None:
    group = group_of("l:String:List", "n:Integral:Set", "v:Fractional:Vector(2)")

    remarks = check(batch_of(group.features, rows), group)

    assert told(remarks) == one_by_one(group, rows)


@pytest.mark.parametrize("size", [358_374, 358_375, 358_400])
def test_a_record_over_350_kb_is_found_by_its_size_in_bytes(size: int) -> None:
    group = group_of("s:String")
    rows = [
        {"id": "1", "at": "2025-06-01T00:00:00Z", "s": "x" * size},
        {"id": "2", "at": "2025-06-01T00:00:00Z", "s": "x"},
    ]

    remarks = check(batch_of(group.features, rows), group)

    assert told(remarks) == one_by_one(group, rows)
    assert len(remarks) == (size > 358_374)


def test_a_column_that_is_no_feature_is_refused_and_a_missing_key_too() -> None:
    group = group_of("s:String")

    with pytest.raises(UnknownFeature):
        check(pa.record_batch({"id": ["1"], "at": ["2025-06-01T00:00:00Z"], "colour": ["red"]}), group)
    with pytest.raises(MissingFeature):
        check(pa.record_batch({"id": ["1"], "s": ["x"]}), group)


def test_a_delete_marker_needs_its_record_id_and_event_time_alone() -> None:
    group = group_of("i:Integral")
    records = pa.record_batch(
        {"id": ["1", "2"], "at": ["2025-06-01T00:00:00Z", "x"], "i": ["5.0", None], "is_deleted": [True, True]}
    )

    assert [(remark.row, remark.code) for remark in check(records, group)] == [(1, "BadEventTime")]


@given(st.lists(ISO, max_size=10))
@settings(max_examples=300, deadline=None)
def test_instants_of_iso_8601_are_those_of_each_text(texts: list[str]) -> None:
    good = [text for text in texts if parsed(text, seconds=False)]

    seconds, nanos = instants(pa.array(good, pa.string()), seconds=False)

    assert pairs(seconds, nanos) == [parsed(text, seconds=False) for text in good]


@given(st.lists(SECONDS, max_size=10))
@settings(max_examples=300, deadline=None)
def test_instants_of_unix_seconds_are_those_of_each_text(texts: list[str]) -> None:
    good = [text for text in texts if parsed(text, seconds=True)]

    seconds, nanos = instants(pa.array(good, pa.string()), seconds=True)

    assert pairs(seconds, nanos) == [parsed(text, seconds=True) for text in good]


def pairs(seconds: pa.Array, nanos: pa.Array) -> list[EventTime]:
    assert (seconds.type, nanos.type) == (pa.int64(), pa.int32())
    both = list(zip(seconds.to_pylist(), nanos.to_pylist(), strict=True))
    assert all(0 <= nano < 10**9 for _, nano in both)
    return [EventTime(second * 10**9 + nano) for second, nano in both]


@pytest.mark.parametrize("text", sorted(set(NASTY_ISO)))
def test_each_nasty_iso_text_alone_has_its_instant_or_is_refused(text: str) -> None:
    group = group_of()
    records = records_from(group.features, [{"id": "1", "at": text}])
    instant = parsed(text, seconds=False)

    assert bool(check(records, group)) == (instant is None)
    if instant is not None:
        assert pairs(*instants(records.column("at"), seconds=False)) == [instant]


@pytest.mark.parametrize("text", sorted(set(NASTY_SECONDS)), ids=lambda text: repr(text[:40]))
def test_each_nasty_text_of_seconds_alone_has_its_instant_or_is_refused(text: str) -> None:
    group = group_of(seconds=True)
    records = records_from(group.features, [{"id": "1", "at": text}])
    instant = parsed(text, seconds=True) if is_of_type(text, group.feature("at").type) else None

    assert bool(check(records, group)) == (instant is None)
    if instant is not None:
        assert pairs(*instants(records.column("at"), seconds=True)) == [instant]


@given(st.integers(-(10**30), 10**30), st.integers(0, 40))
@example(17487360001234567899999999999999999999999999, 34)
@settings(deadline=None)
def test_seconds_are_cut_to_nanoseconds_towards_the_past(digits: int, decimals: int) -> None:
    text = f"{'-' if digits < 0 else ''}{abs(digits) // 10**decimals}.{abs(digits) % 10**decimals:0{decimals or 1}}"
    instant = parsed(text, seconds=True)

    exact = digits * 10**9 // 10**decimals
    in_range = -62_167_219_200 * 10**9 <= exact < 253_402_300_800 * 10**9
    assert instant == (EventTime(exact) if in_range else None)


@given(st.lists(st.none() | NUMBERS, max_size=10))
@settings(max_examples=300, deadline=None)
def test_typed_values_are_the_texts_numbers(texts: list[str | None]) -> None:
    features = tuple(map(FeatureDefinition.parse, ("i:Integral", "f:Fractional", "s:String")))
    whole, decimal, _ = features
    rows = [
        {
            "i": value if value is not None and is_of_type(value, whole.type) else None,
            "f": value if value is not None and is_of_type(value, decimal.type) else None,
            "s": value,
        }
        for value in texts
    ]

    records = to_typed(batch_of(features, rows), features)

    assert records.schema.types == [pa.int64(), pa.float64(), pa.string()]
    assert records.to_pylist() == [
        {
            "i": None if row["i"] is None else int(Decimal(row["i"])),
            "f": None if row["f"] is None else float(row["f"]),
            "s": row["s"],
        }
        for row in rows
    ]


def test_typed_collections_are_lists_of_numbers() -> None:
    features = tuple(map(FeatureDefinition.parse, ("l:String:List", "n:Integral:Set", "v:Fractional:Vector(2)")))
    rows = [{"l": ["a", ""], "n": ["+1", "-2", "0" * 5000], "v": ["1e3", ".5"]}, {"l": [], "n": []}]

    assert to_typed(batch_of(features, rows), features).to_pylist() == [
        {"l": ["a", ""], "n": [1, -2, 0], "v": [1000.0, 0.5]},
        {"l": [], "n": [], "v": None},
    ]


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=10))
@settings(max_examples=300, deadline=None)
def test_the_text_of_a_double_is_that_double_and_fits_its_feature(doubles: list[float | None]) -> None:
    fractional = FeatureDefinition.parse("f:Fractional")

    texts = to_text(pa.array(doubles, pa.float64())).to_pylist()

    assert [text is None for text in texts] == [double is None for double in doubles]
    for text, double in zip(texts, doubles, strict=True):
        if text is not None and double is not None:
            assert is_of_type(text, fractional.type)
            assert (float(text), text.startswith("-")) == (double, str(double).startswith("-"))


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=10))
@settings(deadline=None)
def test_the_text_of_a_whole_number_is_exact(numbers: list[int | None]) -> None:
    texts = to_text(pa.array(numbers, pa.int64())).to_pylist()

    assert texts == [None if number is None else str(number) for number in numbers]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([5.0, 0.1, 1e-7, None, -0.0]), ["5.0", "0.1", "1e-7", None, "-0.0"]),
        (pa.array([0.1, 16777216.0], pa.float32()), ["0.10000000149011612", "16777216.0"]),
        (pa.array([2.5, None], pa.float16()), ["2.5", None]),
        (pa.array([float("nan")]), ["nan"]),
        (pa.array([True, None, False]), ["true", None, "false"]),
        (pa.array(["a", "", None]), ["a", "", None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([Decimal("1.50")], pa.decimal128(5, 2)), ["1.50"]),
        (pa.array([[1, 2], None, [], [None]], pa.list_(pa.int64())), [["1", "2"], None, [], [None]]),
        (pa.array([[1.0, 2.5], None], pa.list_(pa.float64(), 2)), [["1.0", "2.5"], None]),
        (pa.array([["a"], None, []], pa.large_list(pa.large_string())), [["a"], None, []]),
        (
            pa.array([datetime(2025, 6, 1, 12, 30, tzinfo=UTC), None], pa.timestamp("s", "UTC")),
            ["2025-06-01T12:30:00Z", None],
        ),
        (pa.array([1], pa.timestamp("ns", "Europe/Oslo")), ["1970-01-01T00:00:00.000000001Z"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_texts_of_each_kind_of_column(column: pa.Array, texts: list[object]) -> None:
    assert to_text(column).to_pylist() == texts


def test_texts_of_part_of_a_column_of_lists_are_those_of_the_part() -> None:
    column = pa.array([[1], None, [2, 3], []], pa.list_(pa.int64())).slice(1, 2)

    assert to_text(column).to_pylist() == [None, ["2", "3"]]


def test_what_is_not_a_number_is_refused_by_the_check() -> None:
    group = group_of("f:Fractional")
    texts = to_text(pa.array([float("nan"), float("inf"), float("-inf"), 1.0]))
    records = pa.record_batch({"id": ["a", "b", "c", "d"], "at": ["2025-06-01T00:00:00Z"] * 4, "f": texts})

    assert [remark.row for remark in check(records, group)] == [0, 1, 2]


def test_rows_leave_out_what_is_absent() -> None:
    group = group_of("s:String", "l:String:List")
    rows = [{"id": "1", "at": "x", "s": ""}, {"id": "2", "at": "y", "l": []}]

    assert rows_of(batch_of(group.features, rows)) == rows


def test_record_ids_are_one_column_of_texts_in_the_order_given() -> None:
    batch = record_ids(["b", "a", "b"])

    assert str(batch.schema) == "record_id: string"
    assert batch.column(0).to_pylist() == ["b", "a", "b"]
