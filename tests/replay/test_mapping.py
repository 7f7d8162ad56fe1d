"""Mappings: SQL over `input` in the embedded engine. Text is text, types are kept, order is the SELECT's."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import psutil
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from jobs import sources
from jobs.errors import InputError
from jobs.sources.mapping import shipped
from jobs.sources.relation import format_of
from tests.replay.files import ORDERS, ORDERS_SQL, mapped, write

EXPECTED = [
    {
        "event_id": "008",
        "customer_id": "c008",
        "type": "purchase",
        "occurred_at": "2016-03-01T09:00:00Z",
        "resolved": False,
    },
    {
        "event_id": "007",
        "customer_id": "c007",
        "type": "purchase",
        "occurred_at": "2016-02-29T01:16:00Z",
        "amount": 12.5,
        "resolved": True,
    },
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.csv", ORDERS.encode()),
        ("orders.csv.gz", gzip.compress(ORDERS.encode(), mtime=0)),
        ("crlf.csv", ORDERS.replace("\n", "\r\n").encode()),
        ("marked.csv", b"\xef\xbb\xbf" + ORDERS.encode()),
        ("quoted.csv", '"id","when","amount","ok"\n"007","29/2/2016 01:16","12.5","yes"\n008,1/3/2016 09:00,?,no'),
        ("orders.tsv", ORDERS.replace(",", "\t")),
        ("crlf.tsv", ORDERS.replace(",", "\t").replace("\n", "\r\n")),
    ],
)
def test_text_is_read_as_strings_and_ordered_by_the_select(tmp_path: Path, name: str, content: str | bytes) -> None:
    """Leading zeros, `?` among numbers, days first: what type inference would break."""
    assert mapped(tmp_path, ORDERS_SQL, write(tmp_path / name, content)) == EXPECTED


def test_a_header_line_alone_has_no_events(tmp_path: Path) -> None:
    assert mapped(tmp_path, ORDERS_SQL, write(tmp_path / "none.csv", "id,when,amount,ok\n")) == []


def test_all_columns_are_strings_even_where_the_name_needs_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.csv", "it's,a `b`,c\\d\n1,2.0,true\n")
    types = "SELECT arrayMap(x -> toTypeName(x), [*]) AS types, `it's` AS a, `a \\`b\\`` AS b, `c\\\\d` AS c FROM input"
    assert mapped(tmp_path, types, path) == [{"types": ["String"] * 3, "a": "1", "b": "2.0", "c": "true"}]


def test_files_are_one_input_ordered_together(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.csv", "x,y\n3,a\n1,b\n"), write(tmp_path / "b.csv", "y,x\nc,2\n")
    events = mapped(tmp_path, "SELECT x AS event_id, y AS team FROM input ORDER BY x", first, second)
    assert events == [{"event_id": "1", "team": "b"}, {"event_id": "2", "team": "c"}, {"event_id": "3", "team": "a"}]


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.csv", "x,y\n1,2\n"), write(tmp_path / "b.csv", "x,z\n1,2\n")
    with pytest.raises(InputError, match=r"b\.csv has other columns"):
        mapped(tmp_path, "SELECT x AS event_id FROM input", first, second)


def test_typed_formats_keep_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int64()),
            "at": pa.array([1_700_000_000_123, 1_700_000_000_000], pa.timestamp("ms", "UTC")),
            "ok": pa.array([True, None]),
            "tags": pa.array([[("a", "b")], []], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    columns = "toString(id) AS event_id, at AS occurred_at, ok AS resolved, tags AS attributes, id * 2 AS amount"
    sql = f"SELECT {columns} FROM input ORDER BY at"
    assert mapped(tmp_path, sql, tmp_path / "rows.parquet") == [
        {"event_id": "2", "occurred_at": "2023-11-14T22:13:20.000Z", "amount": 4},
        {
            "event_id": "1",
            "occurred_at": "2023-11-14T22:13:20.123Z",
            "resolved": True,
            "attributes": {"a": "b"},
            "amount": 2,
        },
    ]


def test_json_rows_are_events_and_their_texts_stay_texts(tmp_path: Path) -> None:
    rows = [{"id": "1", "at": "2016-02-01 10:00:00", "n": 1}, {"id": "2", "at": "soon", "n": 2.5}]
    path = write(tmp_path / "rows.jsonl", "\n".join(json.dumps(row) for row in rows))
    events = mapped(tmp_path, "SELECT id AS event_id, at AS reason, n AS amount FROM input ORDER BY id", path)
    assert events == [
        {"event_id": "1", "reason": "2016-02-01 10:00:00", "amount": 1},
        {"event_id": "2", "reason": "soon", "amount": 2.5},
    ]


def test_a_word_among_numbers_late_in_a_json_file(tmp_path: Path) -> None:
    lines = [json.dumps({"n": number}) for number in range(30_000)] + [json.dumps({"n": "?"})]
    events = mapped(tmp_path, "SELECT n AS reason FROM input", write(tmp_path / "late.jsonl", "\n".join(lines)))
    assert len(events) == 30_001
    assert {"reason": "?"} in events


def test_not_a_number_is_not_given_and_large_numbers_stay_numbers(tmp_path: Path) -> None:
    columns = "nan AS a, 1 / 0 AS b, toUInt64(18446744073709551615) AS c, toDecimal64(1.25, 2) AS d, map() AS e"
    sql = f"SELECT {columns} FROM input"
    path = write(tmp_path / "one.csv", "x\n1\n")
    assert mapped(tmp_path, sql, path) == [{"c": 18446744073709551615, "d": 1.25}]


def test_bytes_that_are_no_text_reach_the_contract_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "latin.csv", "x\nM\xfcller\n".encode("latin-1"))
    mapping = write(tmp_path / "m.sql", "SELECT x AS customer_id FROM input;\n")
    assert [value for chunk in sources.read([path], str(mapping)) for value in chunk] == [
        b'{"customer_id":"M\xfcller"}'
    ]


def test_the_format_and_its_settings_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "semicolons.data", "1;2\n")
    sql = "-- no header\nSET format_csv_delimiter = ';'; SELECT c1 AS event_id, c2 AS team FROM input"
    assert mapped(tmp_path, sql, path, file_format="CSV") == [{"event_id": "1", "team": "2"}]


@pytest.mark.parametrize(
    "sql", ["SELECT nothing AS event_id FROM input", "SELEC", "", "SELECT throwIf(x = '2') FROM input"]
)
def test_a_mapping_that_cannot_run_is_an_input_error(tmp_path: Path, sql: str) -> None:
    with pytest.raises(InputError, match=r"the mapping cannot be run: .{5,}") as caught:
        mapped(tmp_path, sql, write(tmp_path / "x.csv", "x\n1\n2\n"))
    assert "input" in caught.value.action


def test_an_unknown_mapping_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no mapping nope") as caught:
        sources.read([write(tmp_path / "x.csv", "x\n")], "nope")
    assert all(name in caught.value.action for name in shipped())


def test_a_reader_that_stops_early_leaves_no_process(tmp_path: Path) -> None:
    path = write(tmp_path / "many.csv", "x\n" + "\n".join(str(number) for number in range(500_000)))
    stream = sources.read([path], str(write(tmp_path / "m.sql", "SELECT x AS event_id FROM input")))
    assert len(next(stream)) > 1
    assert psutil.Process().children()
    del stream
    assert not [child for child in psutil.Process().children() if "jobs.sources.mapper" in child.cmdline()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "CSVWithNames"),
        ("a.b.TSV.gz", "TSVWithNames"),
        ("a.parquet", "Parquet"),
        ("a.ndjson.zst", "JSONEachRow"),
        ("a", "auto"),
        ("a.gz", "auto"),
    ],
)
def test_the_name_says_the_format(name: str, expected: str) -> None:
    assert format_of(Path(name)) == expected
