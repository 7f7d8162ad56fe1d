"""The views of facts: one row for what they say a row is, right on unmerged parts."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from jobs.warehouse import Warehouse
from schemas.tables import BY_NAME, DIMENSIONS
from tests.warehouse.rows import insert

START_MS = 1_700_000_000_000


def test_cells_are_summed_over_source_partitions(warehouse: Warehouse) -> None:
    cell: dict[str, Any] = {"grain": "hour", "scope": "channel", "channel": "web", "bucket_at": START_MS, "version": 1}
    easy: dict[str, Any] = {"easy_n": 2.0, "easy_sum": 120.0, "easy_sumsq": 50.0**2 + 70.0**2}
    insert(warehouse, "cell_rows", source_partition=0, interactions=9, customers=9, **cell)
    insert(warehouse, "cell_rows", source_partition=0, interactions=2, customers=2, **{**cell, "version": 2}, **easy)
    more: dict[str, Any] = {
        "easy_n": 1.0,
        "easy_sum": 90.0,
        "easy_sumsq": 8100.0,
        "easy_answers": 1.0,
        "easy_answer_sum": 84.0,
    }
    insert(warehouse, "cell_rows", source_partition=1, interactions=1, customers=1, answer_customers=1, **cell, **more)
    found = warehouse.query(
        "SELECT * EXCEPT (grain, scope, channel, segment, touchpoint, bucket_at) FROM cells"
    ).dicts()
    lines = {line.pop("dimension"): line for line in found}
    assert list(lines) == list(DIMENSIONS)
    assert lines["easy"] == {
        "interactions": 3, "customers": 3, "answer_customers": 1, "n": 3.0, "mean": 70.0,
        "stddev": pytest.approx(20.0), "low": pytest.approx(70.0 - 1.645 * 20.0 / 3**0.5, abs=1e-2),
        "high": pytest.approx(70.0 + 1.645 * 20.0 / 3**0.5, abs=1e-2),
        "answers": 1.0, "answer_mean": 84.0, "answer_stddev": None,
    }  # fmt: skip
    assert (lines["meets_needs"]["n"], lines["meets_needs"]["mean"]) == (0.0, None)


def test_cells_say_what_their_interactions_rest_on(warehouse: Warehouse) -> None:
    hour = 3_600_000
    interactions = [  # channel, segment, start, weight on easy, part from answers, confidence, model
        ("web", "gold", 0, 0.4, 0.0, 0.1, "a"), ("web", "basic", hour - 1, 0.8, 0.6, 0.3, "b"),
        ("web", "gold", hour, 1.0, 1.0, 0.5, "a"), ("phone", "gold", 1, 2.0, 0.5, 0.7, "a"),
        ("web", "gold", 2, 0.0, 0.0, 0.0, "a"),
    ]  # fmt: skip
    begin = START_MS // (24 * hour) * 24 * hour
    for place, (channel, segment, start, weight, stated, sure, made_by) in enumerate(interactions):
        insert(
            warehouse, "interaction_rows", version=1, customer_id="a", interaction_key=str(place), channel=channel,
            segment=segment, started_at=begin + start, interaction_easy_weight=weight, interaction_easy_stated=stated,
            easy_confidence=sure, model=made_by,
        )  # fmt: skip
    insert(
        warehouse, "interaction_rows", version=2, customer_id="a", interaction_key="9", channel="web", is_deleted=1,
        started_at=begin, interaction_easy_weight=9.0,
    )  # fmt: skip
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("hour", "channel", {"channel": "web"}),
        ("day", "channel_segment", {"channel": "web", "segment": "gold"}),
        ("day", "all", {}),
    ]
    for grain, scope, labels in made:
        insert(
            warehouse, "cell_rows", grain=grain, scope=scope, bucket_at=begin, version=1, interactions=2, customers=2,
            easy_n=2.0, easy_sum=140.0, easy_sumsq=9800.0, **labels,
        )  # fmt: skip
    found = warehouse.query(
        """SELECT scope, confidence, inferred_share, model_version FROM cells INNER JOIN cell_evidence
        USING (grain, scope, channel, segment, touchpoint, bucket_at, dimension)
        WHERE dimension = 'easy' ORDER BY scope"""
    ).rows
    assert [(row[0], row[3]) for row in found] == [("all", "a, b"), ("channel", "a, b"), ("channel_segment", "a")]
    told = [(1.6 / 4, 1 - 2.1 / 4.2), (0.4 / 2, 1 - 0.6 / 1.2), (0.6 / 2, 1 - 1.0 / 1.4)]
    assert [row[1:3] for row in found] == [pytest.approx(one) for one in told]


def test_every_event_has_its_interaction_and_journey(warehouse: Warehouse) -> None:
    minute = 60_000
    interactions = [  # key, session, from, to in minutes
        ("web-1", 7, 0, 10), ("web-2", 7, 100, 120), ("call-x", 9, 5, 500), ("other", 7, 0, 1000),
    ]  # fmt: skip
    for key, session, start, end in interactions:
        insert(
            warehouse, "interaction_rows", version=1, customer_id="b" if key == "other" else "a",
            interaction_key=key, journey_key=f"j-{key}", session_key=session,
            started_at=START_MS + start * minute, ended_at=START_MS + end * minute,
        )  # fmt: skip
    insert(
        warehouse, "interaction_rows", version=2, customer_id="a", interaction_key="web-0", journey_key="j",
        session_key=7, started_at=START_MS + 50 * minute, ended_at=START_MS + 130 * minute, is_deleted=1,
    )  # fmt: skip
    events = [  # id, customer, session, minute, type, interaction
        ("e1", "a", 7, 0, "browse", "web-1"),
        ("e2", "a", 7, 10, "browse", "web-1"),
        ("e3", "a", 7, 100, "browse", "web-2"),
        ("e4", "a", 9, 110, "call", "call-x"),
        ("e5", "a", 7, 5, "ad", ""),
        ("e6", "b", 7, 101, "browse", "other"),
        ("e7", "a", 7, 60, "browse", ""),
        ("e8", "c", 7, 60, "browse", ""),
    ]
    for name, customer, session, at, kind, _ in events:
        for version in (1, 2):
            insert(
                warehouse, "event_rows", version=version, customer_id=customer, event_id=name,
                session_key=session, occurred_at=START_MS + at * minute, type=kind,
            )  # fmt: skip
    found = warehouse.query("SELECT event_id, interaction_key, journey_key FROM event_journeys ORDER BY event_id")
    assert list(found) == [(e[0], e[5], f"j-{e[5]}" if e[5] else "") for e in events]


def test_journeys_list_their_channels_in_order(warehouse: Warehouse) -> None:
    insert(warehouse, "journey_rows", 2, customer_id="a", journey_key=["j1", "j2"], version=1, state="open")
    for place, (channel, touchpoint) in enumerate([("web", "shop"), ("store", ""), ("web", "cart"), ("web", "shop")]):
        insert(
            warehouse, "interaction_rows", version=1, customer_id="a", journey_key="j1", channel=channel,
            touchpoint=touchpoint, interaction_key=f"k{9 - place}", started_at=START_MS + place,
        )  # fmt: skip
    found = warehouse.query("SELECT journey_key, channels, touchpoints FROM journeys ORDER BY journey_key")
    assert list(found) == [("j1", ["web", "store"], ["shop", "cart"]), ("j2", [], [])]


def test_a_journey_with_an_id_shows_the_goal_that_its_interactions_name_first(warehouse: Warehouse) -> None:
    keys = ["given", "named", "nothing", "lonely"]
    insert(warehouse, "journey_rows", 4, customer_id="a", journey_key=keys, version=1, goal=["move", "", "", ""])
    interactions = [  # journey, minute, goal
        ("given", 0, "other"), ("named", 0, ""), ("named", 2, "later"), ("named", 1, "fix"), ("nothing", 0, ""),
    ]  # fmt: skip
    for place, (journey, minute, goal) in enumerate(interactions):
        insert(
            warehouse, "interaction_rows", version=1, customer_id="a", journey_key=journey, goal=goal,
            interaction_key=f"k{place}", started_at=START_MS + minute * 60_000,
        )  # fmt: skip
    retracted: dict[str, Any] = {
        "interaction_key": "k3",
        "started_at": START_MS + 60_000,
        "journey_key": "named",
        "goal": "fix",
    }
    query = "SELECT journey_key, goal FROM journeys ORDER BY journey_key"
    assert list(warehouse.query(query)) == [("given", "move"), ("lonely", ""), ("named", "fix"), ("nothing", "")]
    insert(warehouse, "interaction_rows", version=2, customer_id="a", is_deleted=1, **retracted)
    assert list(warehouse.query(query)) == [("given", "move"), ("lonely", ""), ("named", "later"), ("nothing", "")]


def test_touchpoints_come_worst_first(warehouse: Warehouse) -> None:
    for touchpoint, points in (("billing", [20.0, 30.0, 40.0]), ("shop", [80.0, 90.0, 70.0]), ("", [1.0, 1.0, 1.0])):
        insert(
            warehouse, "interaction_rows", 3, version=1, customer_id=["a", "b", "b"], touchpoint=touchpoint,
            interaction_key=[f"{touchpoint}{place}" for place in range(3)], easy_score=points,
            interaction_easy_weight=[1.0, 0.5, 1.0], interaction_easy_stated=[0.0, 0.5, 0.5], meets_needs_score=70.0,
            model=["m-1", "m-1", "m-2"], easy_confidence=[0.1, 0.2, 0.3],
        )  # fmt: skip
    sure = warehouse.query("SELECT round(confidence, 9), inferred_share, model_version FROM touchpoints").rows
    assert list(sure) == [(0.2, 0.6, "m-1, m-2")] * 2
    found = warehouse.query("SELECT touchpoint, dimension, score, low, high, n, customers FROM touchpoints").rows
    half = 1.645 * 10 / np.sqrt(2)
    assert list(found) == [
        ("billing", "easy", 30.0, pytest.approx(30 - half), pytest.approx(30 + half), 3, 2),
        ("shop", "easy", 80.0, pytest.approx(80 - half), pytest.approx(80 + half), 3, 2),
    ]


def test_one_interaction_is_no_interval(warehouse: Warehouse) -> None:
    insert(
        warehouse, "interaction_rows", version=1, customer_id="a", interaction_key="k", touchpoint="billing",
        easy_score=60.0, interaction_easy_weight=1.0,
    )  # fmt: skip
    found = warehouse.query("SELECT dimension, score, low, high, spread, n, customers FROM touchpoints")
    assert list(found) == [("easy", 60.0, None, None, None, 1, 1)]


def test_service_recovery_tells_how_long_it_took(warehouse: Warehouse) -> None:
    insert(warehouse, "recovery_rows", customer_id="a", failure_key="f", failed_at=START_MS, version=1)
    insert(
        warehouse, "recovery_rows", customer_id="a", failure_key="f", failed_at=START_MS,
        recovered_at=START_MS + 90_500, version=2,
    )  # fmt: skip
    insert(warehouse, "recovery_rows", customer_id="a", failure_key="g", failed_at=START_MS, version=1)
    found = warehouse.query("SELECT failure_key, recovered, recovery_s FROM service_recovery ORDER BY failure_key")
    assert list(found) == [("f", 1, 90.5), ("g", 0, None)]


def test_rejected_and_late_show_the_original_bytes(warehouse: Warehouse) -> None:
    payload = b'{"broken": \xff\x00'
    encoded = base64.b64encode(payload).decode()
    for version in (1, 2):
        insert(
            warehouse,
            "rejected_rows",
            source_offset=4,
            key=base64.b64encode(b"k").decode(),
            payload=encoded,
            version=version,
        )
        insert(warehouse, "late_rows", source_offset=4, payload=encoded, version=version)
    assert list(warehouse.query("SELECT key, hex(payload) FROM rejected")) == [("k", payload.hex().upper())]
    assert list(warehouse.query("SELECT hex(payload) FROM late")) == [(payload.hex().upper(),)]


@pytest.mark.parametrize(
    ("view", "table", "identity"),
    [
        ("events", "event_rows", {"event_id": "e"}),
        ("interactions", "interaction_rows", {"interaction_key": "k"}),
        ("customers", "customer_rows", {"customer_id": "c"}),
        ("expectations", "expectation_rows", {"customer_id": "c"}),
    ],
)
def test_views_hide_what_was_replaced_or_retracted(
    warehouse: Warehouse, view: str, table: str, identity: dict[str, Any]
) -> None:
    insert(warehouse, table, version=1, **identity)
    insert(warehouse, table, version=2, **identity)
    assert warehouse.query(f"SELECT count() FROM {view}").value() == 1
    if BY_NAME[table].deletable:
        insert(warehouse, table, version=3, is_deleted=1, **identity)
        assert warehouse.query(f"SELECT count() FROM {view}").value() == 0
