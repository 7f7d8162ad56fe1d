from __future__ import annotations

import pytest

from jobs.stream.errors import RejectedShareError
from jobs.stream.rejected import LARGEST_BYTES, RejectedShare, letter
from pipeline.batch import Rejected
from schemas.generate import asyncapi


def rejected(count: int, value: bytes | None = b"x") -> list[Rejected]:
    return [Rejected("not_json", "not JSON", number, 5, b"k", value, (("ce_id", b"1"),)) for number in range(count)]


def test_a_letter_has_the_original_bytes_and_where_from() -> None:
    found = letter(rejected(1)[0], "in", 3)
    assert (found.key, found.value, found.timestamp) == (b"k", b"x", 5)
    assert found.headers == [
        ("ce_id", b"1"),
        ("reason", b"not_json"),
        ("message", b"not JSON"),
        ("topic", b"in"),
        ("partition", b"3"),
        ("offset", b"0"),
    ]


def test_a_letter_that_does_not_fit_is_cut_and_says_so() -> None:
    found = letter(rejected(1, b"y" * (LARGEST_BYTES + 1))[0], "in", 3)
    assert found.value == b"y" * LARGEST_BYTES
    assert found.headers[-1] == ("truncated", str(LARGEST_BYTES + 1).encode())


def test_the_published_contract_names_the_headers() -> None:
    headers = asyncapi()["components"]["messages"]["rejected"]["headers"]
    whole, cut = (letter(rejected(1, b"y" * size)[0], "in", 3) for size in (1, LARGEST_BYTES + 1))
    original = {"ce_id"}
    assert {name for name, _ in whole.headers} - original == set(headers["required"])
    assert {name for name, _ in cut.headers} - original == set(headers["properties"])


def test_a_tombstone_stays_one() -> None:
    assert letter(rejected(1, None)[0], "in", 3).value is None


def test_a_few_records_are_not_judged() -> None:
    share = RejectedShare(0.5, 100)
    share.judge(99, rejected(99))


def test_above_the_limit_stops_with_the_last_reason() -> None:
    share = RejectedShare(0.5, 100)
    share.judge(60, rejected(25))
    with pytest.raises(RejectedShareError, match=r"76 of the last 150 .*limit of 50%.*not_json") as error:
        share.judge(90, rejected(51))
    assert "REJECTED_SHARE_LIMIT" in error.value.action


def test_at_the_limit_goes_on() -> None:
    RejectedShare(0.5, 100).judge(100, rejected(50))


def test_old_good_records_do_not_hide_a_bad_stretch() -> None:
    share = RejectedShare(0.5, 100)
    share.judge(1_000_000, [])
    with pytest.raises(RejectedShareError):
        share.judge(100, rejected(100))


def test_old_bad_records_are_forgotten() -> None:
    share = RejectedShare(0.5, 100)
    share.judge(90, rejected(90))
    for _ in range(9):
        share.judge(100, [])
    share.judge(100, rejected(50))


def test_a_limit_of_one_allows_everything() -> None:
    RejectedShare(1.0, 100).judge(1_000, rejected(1_000))
