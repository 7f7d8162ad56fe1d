"""Meaning of the columns that views calculate; an engine keeps comments for the columns of tables only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CALCULATED: Final[Mapping[str, str]] = {
    "affected": "Parts of the scope that are affected themselves, worst first, JSON objects",
    "answer_mean": "Mean of the answers, points; NULL without answers",
    "answer_stddev": "Standard deviation of the answers, points; NULL below two",
    "at": "Moment that the row is about",
    "cap": "Highest score that the needs allow (the pyramid), points",
    "channels": "Channels in the order of first use",
    "confidence": "Share of the score that is own evidence, the rest is the prior, 0 .. 1",
    "dimensions": "Dimensions that fell, the worst first",
    "dimension": "meets_needs, easy or enjoyable",
    "fired_at": "When the alert first fired; NULL while it is only pending",
    "high": "Upper end of the 90 % interval, points",
    "horizon": "journey or relationship",
    "inferred_share": "Part of the evidence that is not from answers, 0 .. 1",
    "interval_deviations": "Half width of the interval, standard deviations",
    "journey_half_life_ms": "Age at which evidence on the journey counts half, milliseconds",
    "journey_prior_variance": "Variance of the truth around the prior of the journey, square points",
    "journey_prior_weight": "Weight of the prior of the journey, answers",
    "journey_residual_variance": "Variance that evidence on the journey cannot remove, square points",
    "low": "Lower end of the 90 % interval, points",
    "mean": "Score before the pyramid and before it is clipped to 0 .. 100, points",
    "mix_shift": "Points of the fall because shares moved to worse parts",
    "model_version": "Version of the perception model in use",
    "n": "Number of what the row is the mean of",
    "needs": "Score of meets_needs at the same horizon, points",
    "one_way": "1 for ads, recommendations and promises",
    "prior_mean": "Prior mean of a segment that has none of its own, points",
    "prior_of_segment": "Prior mean, points",
    "prior_segment": "Segment",
    "pyramid_knee": "Score of meets_needs up to which it caps the others at itself, points",
    "pyramid_slope": "Points that the cap rises per point of needs above the knee",
    "real_fall": "Points of the fall inside the parts",
    "recovered": "Whether it was fixed",
    "recovery_s": "Time from failure to fix, seconds",
    "relationship_half_life_ms": "Age at which evidence on the relationship counts half, milliseconds",
    "relationship_prior_variance": "Variance of the truth around the prior of the relationship, square points",
    "relationship_prior_weight": "Weight of the prior of the relationship, answers",
    "relationship_residual_variance": "Variance that evidence on the relationship cannot remove, square points",
    "score": "Score, points",
    "stated": "Part of W from answers",
    "stddev": "Standard deviation of the scores, points; NULL below two",
    "sum": "Evidence S = sum of weight times points",
    "touchpoints": "Touchpoints in the order of first use",
    "transitions": "Transitions of the alert so far",
    "variance": "Variance of the mean, square points",
    "verdict": "mix shift, real fall or not split further; empty where nothing fell",
    "weight": "Evidence W, answers",
}
"""Column -> meaning, the same in every view that calculates it."""

_OF_ALERTS: Final[Mapping[str, str]] = {
    "observed": "Mean or contacts as they came",
    "expected": "Usual mean in points, or usual contacts",
    "threshold": "Evidence at which it fires",
    "evidence": "Log likelihood ratio",
    "size": "Points below the baseline; of a surge, times the usual contacts",
    "since_at": "When it began",
    "kind": "scores, answers or contacts; for a rule its name",
    "detector": "drop, surge, no_data, customer_drop or rule",
    "at": "Event time at which it was decided: the end of a bucket",
    "customers": "Distinct customers behind it",
    "reason": "Why it was withdrawn, amended or resolved",
    "scope": "Labels of what it is about, JSON",
    "sequence": "Number of the transition within the alert",
    "state": "pending, firing, recovering, resolved or withdrawn",
}
IN_VIEW: Final[Mapping[tuple[str, str], str]] = {
    **{
        (view, name): text
        for view in ("alerts", "alert_transitions", "customer_alerts")
        for name, text in _OF_ALERTS.items()
    },
    ("cells", "customers"): "Distinct customers",
    ("cells", "scope"): "Which labels the cell is split by",
    ("events", "sequence"): "Order within one moment",
    ("journeys", "state"): "open, completed or silent",
    ("cells", "answers"): "Answers about the dimension",
    ("cells", "mean"): "Mean score of the n interactions, points; NULL without any",
    ("cells", "n"): "Interactions with evidence on the dimension",
    ("customer_alerts", "at"): "End of the interaction, as far as it was watched",
    ("customer_alerts", "reason"): "Why the customer got in touch",
    ("events", "reason"): "Why the customer got in touch",
    ("events", "value"): "Value of the answer",
    ("interactions", "reason"): "Why the customer got in touch",
    ("rejected", "key"): "Original key",
    ("rejected", "payload"): "Original value",
    ("rejected", "reason"): "Reason code",
    ("journeys", "goal"): "What the customer wants to achieve; with an id, what its interactions name first",
    ("late", "payload"): "Original value",
    ("service_recovery", "reason"): "Why the customer got in touch",
    ("touchpoints", "customers"): "Distinct customers among them",
    ("touchpoints", "high"): "Upper end of the 90 % interval of the mean, points; NULL for one interaction",
    ("touchpoints", "low"): "Lower end of the 90 % interval of the mean, points; NULL for one interaction",
    ("touchpoints", "spread"): "Standard error of the score, points; NULL for one interaction",
}
"""(View, column) -> meaning, where it differs from that of the same name elsewhere."""
