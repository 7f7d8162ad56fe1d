"""The alert transition: its examples, its schema, its identity, its row."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError
from referencing import Registry

from schemas import generate
from schemas.alert import STATES, AlertTransition, alert_columns, alert_id_of, fingerprint_of
from schemas.examples import ALERTS, alert_transitions
from schemas.tables import BY_NAME

EXAMPLES = alert_transitions()
VALIDATOR = jsonschema.Draft202012Validator(generate.alert_schema(), registry=Registry())


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(generate.alert_schema())


def test_every_state_and_detector_of_cells_has_an_example() -> None:
    assert {one["state"] for one in EXAMPLES} == set(STATES)
    assert {one["detector"] for one in EXAMPLES} >= {"drop", "surge", "no_data"}
    assert any(one["amended"] for one in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['alert_id'][:6]}-{one['sequence']}")
def test_an_example_is_valid_and_comes_back_byte_for_byte(example: dict[str, Any]) -> None:
    transition = AlertTransition.model_validate(example)
    assert list(VALIDATOR.iter_errors(example)) == []
    assert transition.value() in ALERTS.read_bytes().splitlines()
    assert transition.key().decode() == example["alert_id"]


@pytest.mark.parametrize(
    "change",
    [{"state": "broken"}, {"sequence": 0}, {"alert_id": "x"}, {"parent": "x"}, {"more": 1}, {"scope": {"channel": 1}}],
    ids=str,
)
def test_what_breaks_the_contract_is_refused_by_model_and_schema(change: dict[str, Any]) -> None:
    broken = EXAMPLES[0] | change
    assert list(VALIDATOR.iter_errors(json.loads(json.dumps(broken)))) != []
    with pytest.raises(ValidationError):
        AlertTransition.model_validate(broken)


def test_ids_tell_alerts_apart_and_fingerprints_scopes() -> None:
    phone, web = {"channel": "phone"}, {"channel": "web"}
    first, later = (alert_id_of("drop", "scores", phone, "hour", at) for at in (1, 2))
    assert first != later
    assert len({first, later, alert_id_of("drop", "scores", web, "hour", 1)}) == 3
    assert len({fingerprint_of(d, "scores", s, "hour") for d in ("drop", "surge") for s in (phone, web)}) == 4
    assert fingerprint_of("drop", "scores", {"segment": "", **phone}, "hour") == fingerprint_of(
        "drop", "scores", phone, "hour"
    )


def test_columns_are_those_of_the_table() -> None:
    columns = alert_columns(map(AlertTransition.model_validate, EXAMPLES))
    assert set(columns) == set(BY_NAME["alert_rows"].column_names)
    assert {len(values) for values in columns.values()} == {len(EXAMPLES)}


def test_every_field_is_described() -> None:
    schema = generate.alert_schema()
    parts = [schema, *schema["$defs"].values()]
    assert [name for part in parts for name, field in part["properties"].items() if "description" not in field] == []
