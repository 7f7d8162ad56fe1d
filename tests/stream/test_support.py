"""The handles of the integration tests themselves."""

from __future__ import annotations

from pathlib import Path

from tests.stream.support import Bench


def test_a_row_that_is_being_written_is_not_read_yet(tmp_path: Path) -> None:
    bench = Bench("127.0.0.1:1", "one", tmp_path)
    row = '{"table": "raw", "offset": 1}'
    bench.rows_file.write_text(f"{row}\n{row[:20]}")
    assert bench.rows("raw") == [{"table": "raw", "offset": 1}]
