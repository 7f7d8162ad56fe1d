"""The published contracts are what the model says, and mean the same."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from referencing import Registry

from pipeline.wire import read_fields
from schemas import generate
from schemas.event import Event
from schemas.examples import Example, examples, plain_events
from schemas.judgement import judge
from schemas.limits import DEFAULT_LIMITS
from schemas.rejections import REASONS, Reason, RefusedError

VALIDATOR = jsonschema.Draft202012Validator(generate.event_schema(), registry=Registry())

BEYOND_JSON_SCHEMA = {Reason.NOT_FINITE, Reason.KEY_MISMATCH, Reason.FAR_FUTURE, Reason.BAD_TIME, Reason.NOT_JSON}
"""What JSON Schema cannot say (formats of times are annotations only)."""
BEYOND_ITS_ARITHMETIC = {"rejected/bad_answer/limit_scale_span", "rejected/bad_answer/upside_down"}

Case = tuple[Example, dict[str, object], Reason | None]


def judged() -> list[Case]:
    """Examples that JSON Schema can judge, with the model's verdict."""
    cases: list[Case] = []
    for example in examples():
        try:
            fields = read_fields(example.value or b"null", example.headers, DEFAULT_LIMITS)
        except RefusedError:
            continue
        if fields.get("type") == "tick" or len(example.value or b"") > DEFAULT_LIMITS.max_bytes:
            continue
        try:
            judge(fields, DEFAULT_LIMITS)
            cases.append((example, fields, None))
        except RefusedError as error:
            if not (error.reason in BEYOND_JSON_SCHEMA or example.name in BEYOND_ITS_ARITHMETIC):
                cases.append((example, fields, error.reason))
    return cases


def test_generated_files_do_not_drift() -> None:
    assert generate.drifted() == []
    assert generate.main(["--check"]) == 0


def test_drift_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main([]) == 0
    assert generate.drifted() == []
    (tmp_path / generate.EVENT_FILE).write_text("{}")
    assert generate.main(["--check"]) == 1
    assert "run python -m schemas.generate" in capsys.readouterr().err


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(generate.event_schema())
    jsonschema.Draft202012Validator.check_schema(generate.tick_schema())


@pytest.mark.parametrize(("example", "fields", "reason"), judged(), ids=lambda case: getattr(case, "name", ""))
def test_json_schema_agrees_with_the_model(example: Example, fields: dict[str, object], reason: Reason | None) -> None:
    assert VALIDATOR.is_valid(fields) is (reason is None)


def test_plain_events_satisfy_the_schema() -> None:
    assert [list(VALIDATOR.iter_errors(fields)) for fields in plain_events()] == [[] for _ in plain_events()]


def test_every_field_is_described() -> None:
    assert [name for name, info in Event.model_fields.items() if not info.description] == []


def test_asyncapi_names_the_topics_and_all_reasons() -> None:
    document = generate.asyncapi()
    assert {channel["address"] for channel in document["channels"].values()} == {
        "interactions-v1",
        "interactions-rejected-v1",
        "alerts-v1",
    }
    assert set(document["x-reject-reasons"]) == set(REASONS)
