"""`perception dlq`: what was rejected can be found, read byte for byte, and sent again."""

from __future__ import annotations

import base64

import pytest

from jobs.deadletters import REQUEUED, DeadLetter, requeue
from jobs.settings import KafkaSettings
from tests.cli.records import Letter, records, reject
from tests.cli.run import run, run_json

LETTERS: list[Letter] = [
    ("not_json", None, b"\xff\x00 not json"),
    ("null_value", b"c1", None),
    ("too_large", b"c2", b"{}"),
    ("not_json", b"c3", b"nope"),
]


@pytest.fixture
def rejected(broker: KafkaSettings) -> KafkaSettings:
    run("topics", "apply")
    reject(broker, LETTERS)
    return broker


def test_list_counts_all_and_filters(rejected: KafkaSettings) -> None:
    everything = run_json("dlq", "list")
    assert everything["reasons"] == {"not_json": 2, "null_value": 1, "too_large": 1}
    assert [one["id"] for one in everything["records"]] == ["1:0", "1:1", "1:2", "1:3"]
    some = run_json("dlq", "list", "--reason", "not_json", "--limit", "1")
    assert (some["total"], [one["id"] for one in some["records"]]) == (2, ["1:0"])
    text = run("dlq", "list", "--reason", "too_large").output
    assert f"too_large  {rejected.topic}/2@2  why too_large" in text


def test_show_gives_the_bytes_and_where_they_come_from(rejected: KafkaSettings) -> None:
    shown = run_json("dlq", "show", "1:0")
    assert base64.b64decode(shown["value_base64"]) == LETTERS[0][2]
    assert (shown["reason"], shown["topic"], shown["partition"], shown["offset"]) == (
        "not_json",
        rejected.topic,
        "2",
        "0",
    )
    assert shown["headers"] == {"ce_type": "call"}
    assert run("dlq", "show", "1:0", "--raw").stdout_bytes == LETTERS[0][2]
    assert r"\xff" in run("dlq", "show", "1:0").output
    assert run_json("dlq", "show", "1:1")["value"] is None


@pytest.mark.parametrize("name", ["1:9", "0:0", "7:0", "x", "1:", "1:4"])
def test_show_names_what_is_not_there(rejected: KafkaSettings, name: str) -> None:
    """Offset 4 is the control record that ends the transaction."""
    assert f"there is no rejected record {name}" in run("dlq", "show", name, code=2).stderr


def test_requeue_sends_bytes_key_and_headers_as_they_were(rejected: KafkaSettings) -> None:
    assert run_json("dlq", "requeue", "1:0", "1:3", "1:1")["sent"] == 3
    got = {(record.key, record.value): dict(record.headers) for record in records(rejected, rejected.topic)}
    assert got == {
        (None, LETTERS[0][2]): {"ce_type": b"call", "x-requeued": b"1:0"},
        (b"c3", b"nope"): {"ce_type": b"call", "x-requeued": b"1:3"},
        (b"c1", None): {"ce_type": b"call", "x-requeued": b"1:1"},
    }


def test_requeue_by_reason_and_dry_run(rejected: KafkaSettings) -> None:
    assert "4 would be sent" in run("dlq", "requeue", "--all", "--dry-run").output
    assert records(rejected, rejected.topic) == []
    assert run_json("dlq", "requeue", "--reason", "not_json", "--reason", "too_large")["ids"] == ["1:0", "1:2", "1:3"]
    assert len(records(rejected, rejected.topic)) == 3


@pytest.mark.parametrize("arguments", [(), ("--all", "1:0"), ("--all", "--reason", "x"), ("1:0", "--reason", "x")])
def test_requeue_wants_one_way_of_choosing(arguments: tuple[str, ...]) -> None:
    assert "Give IDs, or --reason, or --all." in run("dlq", "requeue", *arguments, code=2).stderr


def test_a_missing_topic_is_named(broker: KafkaSettings) -> None:
    result = run("dlq", "list", code=2)
    assert f"topic {broker.rejected_topic} does not exist" in result.stderr


def test_a_producers_own_headers_survive_and_do_not_mislead() -> None:
    own = [("reason", b"mine"), ("offset", b"x"), ("ce_id", b"1")]
    added = [("reason", b"not_json"), ("message", b"m"), ("topic", b"t"), ("partition", b"0"), ("offset", b"7")]
    letter = DeadLetter(0, 1, 0, None, b"", [*own, *added])
    assert (letter.reason, letter.header("offset"), letter.whole) == ("not_json", "7", True)
    assert letter.original_headers == own
    again = DeadLetter(0, 2, 0, None, b"", [*own, (REQUEUED, b"0:1"), *added])
    assert again.original_headers == own
    assert again.as_dict()["requeued_from"] == "0:1"


def test_what_was_cut_is_not_sent_again(rejected: KafkaSettings) -> None:
    cut = DeadLetter(1, 9, 0, b"c", b"half", [("reason", b"too_large"), ("truncated", b"2000000")])
    assert requeue([cut, DeadLetter(1, 10, 0, b"c", b"whole", [])], rejected) == 1
    assert [record.value for record in records(rejected, rejected.topic)] == [b"whole"]
