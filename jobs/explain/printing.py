"""An explanation for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.explain.explained import Explained, Interaction, Person
from schemas.tables import DIMENSIONS

_HORIZONS: Final = ("relationship", "journey", "interaction")


def as_json(person: Person, events: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Everything, with the interactions once and their events."""
    seen = {part.interaction.key: part.interaction for part in person.scores[0].parts}
    return {
        "customer_id": person.customer_id,
        "segment": person.segment,
        "at": person.at.isoformat(),
        "model": person.model_version,
        "scores": [_score(explained) for explained in person.scores],
        "interactions": {
            key: {**_dated(asdict(one)), "events": [_dated(event) for event in events.get(key, ())]}
            for key, one in seen.items()
        },
    }


def _score(explained: Explained) -> dict[str, Any]:
    values = {name: getattr(explained, name) for name in Explained.__dataclass_fields__ if name != "parts"}
    parts = [
        {"interaction": part.interaction.key, "points": part.points, "weight": part.weight} for part in explained.parts
    ]
    return {**values, "contributions": parts}


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}


def show(person: Person, out: Console, most: int) -> None:
    """All horizons (the interaction is the latest): the ``most`` contributions each, the others in one line."""
    segment = f" ({escape(person.segment)})" if person.segment else ""
    out.print(
        f"[bold]{escape(person.customer_id)}[/bold]{segment} at {person.at:%Y-%m-%d %H:%M} UTC, points",
        highlight=False,
    )
    for horizon in _HORIZONS:
        _show(horizon, [person.score(horizon, name) for name in DIMENSIONS], out, most)


def _show(horizon: str, columns: Sequence[Explained], out: Console, most: int) -> None:
    table = Table(
        "", "", *(name.replace("_", " ") for name in DIMENSIONS), title=horizon, title_justify="left", box=None
    )
    for column in table.columns[2:]:
        column.justify = "right"
    table.add_row("", f"start: the {_START[horizon]}", *(f"{one.prior:.1f}" for one in columns))
    points = {part.interaction.key: [0.0] * len(columns) for part in columns[0].parts}
    for place, one in enumerate(columns):
        for part in one.parts:
            points[part.interaction.key][place] = part.points
    seen = {part.interaction.key: part.interaction for part in columns[0].parts}
    order = sorted(points, key=lambda key: -max(map(abs, points[key])))
    for key in sorted(order[:most], key=lambda key: seen[key].started_at):
        table.add_row(f"{seen[key].started_at:%d %b}", _told(seen[key]), *_signed(points[key]))
    if rest := [points[key] for key in order[most:]]:
        table.add_row(
            "", f"{len(rest):,} other interactions", *_signed([sum(values) for values in zip(*rest, strict=True)])
        )
    _add_rules(table, columns)
    out.print(table)


_START: Final = {"relationship": "segment's prior", "journey": "relationship", "interaction": "journey"}


def _told(seen: Interaction) -> str:
    return escape(f"{seen.touchpoint or seen.type}: {seen.what or 'nothing out of the ordinary'}")


def _signed(values: Sequence[float]) -> list[str]:
    return [f"{value:+.1f}" for value in values]


def _add_rules(table: Table, columns: Sequence[Explained]) -> None:
    for label, values in (
        ("clipped to 0 .. 100", [one.clipped for one in columns]),
        ("pyramid: no more than the needs allow", [one.pyramid for one in columns]),
    ):
        if any(values):
            table.add_row("", label, *_signed(values))
    table.add_row("", "[bold]score[/bold], the sum of these", *(f"[bold]{one.score:.1f}[/bold]" for one in columns))
    table.add_row("", "90 % interval", *(f"{one.low:.0f}-{one.high:.0f}" for one in columns))
    table.add_row("", "own evidence in it", *(f"{one.confidence:.0%}" for one in columns))
