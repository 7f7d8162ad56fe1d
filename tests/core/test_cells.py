"""Cells equal what a plain loop over the interaction rows adds up."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from pipeline.aggregate import GRAINS, SCOPES
from tests.core.harness import Sink, random_events, run

DIMENSIONS = ("meets_needs", "easy", "enjoyable")


def _expected(sink: Sink) -> dict[tuple[Any, ...], dict[str, Any]]:
    cells: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(float))
    who: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in sink.tables["interaction_rows"].values():
        for grain, width in GRAINS:
            for scope, labels in SCOPES:
                named = tuple(row[name] if name in labels else "" for name in ("channel", "segment", "touchpoint"))
                key = (grain, scope, *named, row["started_at"] // width * width, 0)
                who[key].add(row["customer_id"])
                cells[key]["interactions"] += 1
                for name in DIMENSIONS:
                    if row[f"interaction_{name}_weight"] > 0:
                        cells[key][f"{name}_n"] += 1
                        cells[key][f"{name}_sum"] += row[f"{name}_score"]
                        cells[key][f"{name}_sumsq"] += row[f"{name}_score"] ** 2
    for key, customers in who.items():
        cells[key]["customers"] = len(customers)
    return cells


@pytest.mark.parametrize("seed", [31, 32])
def test_cells_add_up(seed: int) -> None:
    # Explicit ids are left out: their evidence after the cell window counts for the customer only.
    events = [{k: v for k, v in one.items() if k != "interaction_id"} for one in random_events(600, seed=seed)]
    sink = run(events, 45)
    expected = _expected(sink)
    cells = sink.tables["cell_rows"]
    assert cells.keys() == expected.keys()
    for key, totals in expected.items():
        for name, value in totals.items():
            assert cells[key][name] == pytest.approx(value, rel=1e-9, abs=1e-9), (key, name)


def test_answers_are_counted_apart() -> None:
    events = random_events(400, seed=33)
    sink = run(events, 45)
    answers = sum(one["type"] == "answer" for one in events)
    whole = [row for key, row in sink.tables["cell_rows"].items() if key[:2] == ("day", "all")]
    explicit = sum(one["type"] == "answer" and "interaction_id" in one for one in events)
    assert answers - explicit <= sum(row["easy_answers"] for row in whole) <= answers
