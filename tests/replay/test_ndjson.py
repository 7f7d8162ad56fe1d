"""NDJSON sources: lines as they are, compressed or not; a wrong file is refused with the next step."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.errors import InputError
from jobs.sources.keys import key_of
from tests.replay.files import values, write

LINES = b'{"a":1}\n\n  {"b":2}\r\nnot json\xff\n{"last":true}'
VALUES = [b'{"a":1}', b'{"b":2}', b"not json\xff", b'{"last":true}']


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_lines_are_values_whatever_the_compression(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert values([write(tmp_path / "events.ndjson", pack(LINES))]) == VALUES


def test_files_follow_each_other(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.ndjson", b"1\n"), write(tmp_path / "b.ndjson.gz", gzip.compress(b"2\n"))
    assert values([second, first]) == [b"2", b"1"]


def test_an_empty_file_has_no_values(tmp_path: Path) -> None:
    assert values([write(tmp_path / "empty.ndjson", b"")]) == []


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(LINES)))))
    assert values([Path("-")]) == VALUES


def test_more_than_a_chunk(tmp_path: Path) -> None:
    lines = [b'{"number":%d}' % number for number in range(200_000)]
    assert values([write(tmp_path / "many.ndjson", b"\n".join(lines))]) == lines


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz", "orders.parquet", "orders.tsv"])
def test_a_table_needs_a_mapping(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="NDJSON") as caught:
        values([write(tmp_path / name, b"x")])
    assert "--select" in caught.value.action


def test_a_missing_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.ndjson is not a file"):
        values([write(tmp_path / "a.ndjson", b"1"), tmp_path / "gone.ndjson"])


def test_a_cut_off_file_is_an_input_error(tmp_path: Path) -> None:
    cut = gzip.compress(b"1\n" * 100_000)[:-20]
    with pytest.raises(InputError, match=r"cut\.ndjson\.gz"):
        values([write(tmp_path / "cut.ndjson.gz", cut)])


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b'{"customer_id":"c\xc3\xa9","x":[1,{"customer_id":"no"}]}', "cé".encode()),
        (b'{"specversion":"1.0","data":{"customer_id":"c2"}}', b"c2"),
        (b'{"customer_id":7}', None),
        (b'{"customer_id":""}', None),
        (b"[1]", None),
        (b"", None),
        (b"\xff", None),
        (b'{"customer_id":"M\xfcller"}', None),
    ],
)
def test_the_key_is_the_customer(value: bytes, key: bytes | None) -> None:
    assert key_of(value) == key


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.ndjson.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as stream:
        for _ in range(40):
            stream.write(bytes(1 << 20))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(InputError, match="more than 16,777,216 bytes"):
        values([bomb])


def test_lines_are_the_same_however_they_fall_into_chunks(tmp_path: Path) -> None:
    lines = [b"x" * (number * 7_919 % 300_000) + b"." for number in range(60)]
    plain = tmp_path / "lines.ndjson"
    plain.write_bytes(b"\r\n\n".join(lines))
    assert values([plain]) == lines
