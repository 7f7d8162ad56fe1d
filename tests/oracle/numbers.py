"""Numbers of the policy and the model as tables, so that the oracle's SQL holds the rules and no copied number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from jobs.warehouse.sql import Plain, literal
from pipeline.answers import level_scores
from pipeline.model import Model, Scale
from pipeline.policy import Policy
from pipeline.priors import middle
from pipeline.signals import Effect, Outcome, Slope, discover
from schemas.event import EVENT_TYPES, SCALES

LANDMARK_MS: Final = 1_600_000_000_000
"""L of PERCEPTION.md, "Check in SQL": any moment will do, as long as it is fixed."""
_LABELS: Final = (
    "completing_outcomes",
    "bill_reasons",
    "wrong_bill_reasons",
    "price_reasons",
    "pricing_skills",
    "missed_outcomes",
    "kept_outcomes",
)
NO_OUTCOME: Final = (0.0, 0.0)
NO_SLOPE: Final = (0.0, 0.0, 0.0)


def tables(policy: Policy, model: Model) -> dict[str, str]:
    """Table -> the SELECT that makes it."""
    return {
        "oracle_policy": _policy(policy),
        "oracle_model": _model(model),
        "oracle_effects": _values(
            "signal String, explained Float64, shares Array(Float64), is_outcome Bool, "
            "present Float64, absent Float64, per_unit Float64, mean Float64, most Float64, "
            "always Bool, about Array(String)",
            (_effect(name, effect) for name, effect in model.effects.items()),
        ),
        "oracle_scales": _values(
            "scale String, weights Array(Float64), worst Nullable(Float64), best Nullable(Float64)",
            ((name, list(scale.weights), *(SCALES[name] or (None, None))) for name, scale in model.scales.items()),
        ),
        "oracle_answer_points": _values(
            "scale String, levels Int64, category Int64, points Float64",
            (row for name, scale in model.scales.items() for row in _points(name, scale, model)),
        ),
    }


def ticks(moments: Mapping[int, int]) -> str:
    """SELECT of the control records: partition -> the latest moment that one of them named, epoch milliseconds."""
    return _values("source_partition Int32, moment_ms Int64", moments.items())


def _policy(policy: Policy) -> str:
    return (
        f"SELECT {policy.interaction_gap_ms} AS interaction_gap_ms, {_map(policy.channel_gaps_ms, 'Int64')} "
        f"AS channel_gaps_ms, {policy.journey_gap_ms} AS journey_gap_ms, {_map(policy.goal_gaps_ms, 'Int64')} "
        f"AS goal_gaps_ms, {policy.naming_window_ms} AS naming_window_ms, {policy.cell_window_ms} AS cell_window_ms, "
        f"{policy.repeat_window_ms} AS repeat_window_ms, {policy.other_channel_window_ms} AS other_channel_window_ms, "
        f"{policy.proactive_window_ms} AS proactive_window_ms, {policy.failure_retention_ms} AS failure_retention_ms, "
        + ", ".join(f"CAST({literal(sorted(getattr(policy, name)))}, 'Array(String)') AS {name}" for name in _LABELS)
    )


def _model(model: Model) -> str:
    numbers: dict[str, float] = {
        "prior_mean": middle(model.prior_mean),
        "journey_half_life_ms": model.journey.half_life_ms,
        "relationship_half_life_ms": model.relationship.half_life_ms,
        "interaction_prior_weight": model.interaction.prior_weight,
        "interaction_prior_variance": model.interaction.prior_variance,
        "answer_variance": model.answer_variance,
        "perception_variance": model.perception_variance,
        "implicit_cap": model.implicit_cap,
        "returned": model.recovery.returned,
        "recovery_half_life_ms": model.recovery.half_life_ms,
        "again": model.recovery.again,
        "bonus_points": model.recovery.bonus_points,
        "bonus_weight": model.recovery.bonus_weight,
        "severe_from": model.recovery.severe_from,
    }
    segments = {name: middle(prior) for name, prior in model.segments.items()}
    listed = ", ".join(f"toFloat64({literal(value)}) AS {name}" for name, value in numbers.items())
    return (
        f"SELECT {listed}, {_map(segments, 'Float64')} AS segments, toInt64({LANDMARK_MS}) AS landmark_ms, "
        f"toInt64({model.answers.rating_exact_levels}) AS rating_exact_levels, "
        f"toInt64({model.answers.rating_wide_levels}) AS rating_wide_levels"
    )


def _effect(name: str, effect: Effect) -> tuple[Plain, ...]:
    outcome = (effect.present, effect.absent) if isinstance(effect, Outcome) else NO_OUTCOME
    slope = (effect.per_unit, effect.mean, effect.limit) if isinstance(effect, Slope) else NO_SLOPE
    return (name, effect.explained, list(effect.shares), isinstance(effect, Outcome), *outcome, *slope, *_end(name))


def _end(name: str) -> tuple[Plain, ...]:
    """Whether both outcomes are something that happened, and the types of the events that it is about."""
    signal = discover()[name]
    return signal.always, [kind for code, kind in enumerate(EVENT_TYPES) if int(signal.about) >> code & 1]


def _points(name: str, scale: Scale, model: Model) -> Iterable[tuple[Plain, ...]]:
    rule = model.answers
    for levels in range(2, max(rule.rating_exact_levels, rule.rating_wide_levels) + 1):
        own = scale.known(levels)
        for category, points in enumerate(level_scores(levels, rule, *own).tolist(), start=1):
            yield name, levels, category, points


def _values(structure: str, rows: Iterable[Sequence[Plain]]) -> str:
    listed = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    return f"SELECT * FROM values({literal(structure)}, {listed})" if listed else f"SELECT * FROM null('{structure}')"


def _map(values: Mapping[str, float], kind: str) -> str:
    return f"CAST(({literal(list(values))}, {literal(list(values.values()))}), 'Map(String, {kind})')"
