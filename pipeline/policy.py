"""Policy of time and identity: every gap, window and retention, as one frozen value (no constants elsewhere)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


def _asynchronous_channels() -> Mapping[str, int]:
    return dict.fromkeys(("email", "message", "mail", "social", "survey", "case", "delivery"), DAY_MS)


@dataclass(frozen=True, slots=True)
class Policy:
    """How events become interactions and journeys, and how long each part of the state is kept.

    All durations are in milliseconds of event time.
    """

    lateness_ms: int = DAY_MS
    """An event is late if it occurred more than this before the watermark of its partition."""
    far_future_ms: int = HOUR_MS
    """An event is rejected if it occurred more than this after the broker appended it."""
    interaction_gap_ms: int = 30 * MINUTE_MS
    """Silence that ends an implicit interaction, unless ``channel_gaps_ms`` names its channel."""
    channel_gaps_ms: Mapping[str, int] = field(default_factory=_asynchronous_channels)
    """Such a silence per channel, for channels where people answer later."""
    journey_gap_ms: int = 7 * DAY_MS
    """Silence that ends an implicit journey, unless ``goal_gaps_ms`` names its goal."""
    goal_gaps_ms: Mapping[str, int] = field(default_factory=dict)
    """Such a silence per goal."""
    naming_window_ms: int = DAY_MS
    """An interaction's goal, reason and journey are the first given this long after its start."""
    cell_window_ms: int = 2 * DAY_MS
    """Evidence later than this after an interaction's start counts for the customer, no longer for cells."""
    explicit_retention_ms: int = 400 * DAY_MS
    """How long state of explicit interaction and journey ids is kept after their last event."""
    failure_retention_ms: int = 90 * DAY_MS
    """How long a failure is followed."""
    repeat_window_ms: int = 7 * DAY_MS
    """A contact so soon after another one about the same reason is a repeat contact."""
    other_channel_window_ms: int = DAY_MS
    """A contact so soon after the customer tried another channel about the same reason comes second to it."""
    proactive_window_ms: int = 7 * DAY_MS
    """A contact so soon after visible proactive service, about the same reason or journey, cancels its effect."""
    completing_outcomes: frozenset[str] = frozenset({"completed", "goal_reached"})
    """Outcomes that complete an implicit journey."""
    bill_reasons: frozenset[str] = frozenset({"bill", "billing", "invoice"})
    """Reasons of interactions about a bill that may be right."""
    wrong_bill_reasons: frozenset[str] = frozenset({"wrong_bill", "incorrect_bill", "billing_error", "overcharged"})
    """Reasons of interactions about a bill that is wrong."""
    price_reasons: frozenset[str] = frozenset({"price", "pricing", "tariff", "too_expensive"})
    """Reasons of interactions about prices."""
    pricing_skills: frozenset[str] = frozenset({"price", "pricing"})
    """Skills of those who can explain prices."""
    missed_outcomes: frozenset[str] = frozenset({"missed", "late", "delayed", "no_show"})
    """Outcomes of deliveries and installations that did not come on time."""
    kept_outcomes: frozenset[str] = frozenset({"on_time"})
    """Outcomes of deliveries and installations that came on time."""

    def channel_gap_ms(self, channel: str) -> int:
        """Gap of one channel."""
        return self.channel_gaps_ms.get(channel, self.interaction_gap_ms)

    def goal_gap_ms(self, goal: str) -> int:
        """Gap of one goal."""
        return self.goal_gaps_ms.get(goal, self.journey_gap_ms)

    @property
    def longest_gap_ms(self) -> int:
        """The longest silence inside an interaction."""
        return max((self.interaction_gap_ms, *self.channel_gaps_ms.values()))

    @property
    def settling_ms(self) -> int:
        """How far behind the watermark an interaction's start, goal, reason and journey are final."""
        return self.lateness_ms + self.naming_window_ms

    @property
    def fact_retention_ms(self) -> int:
        """How long after its end an implicit interaction may still change, or move a journey or a cell."""
        reach = max(self.longest_gap_ms, self.naming_window_ms, self.cell_window_ms)
        return self.lateness_ms + reach + self.longest_gap_ms + DAY_MS

    @property
    def cell_settling_ms(self) -> int:
        """How far behind the watermark an interaction's start must be for its cells to be final."""
        return self.cell_window_ms + self.lateness_ms + self.longest_gap_ms + DAY_MS

    @property
    def look_back_settling_ms(self) -> int:
        """How far behind the watermark an interaction's start must be for its look back to be final.

        An interaction looks only at earlier ones, and at no more of them than their cells do.
        """
        return self.settling_ms + self.cell_settling_ms

    @property
    def trace_retention_ms(self) -> int:
        """How long after its start an interaction may be looked back at, or looked for."""
        longest = max(self.repeat_window_ms, self.other_channel_window_ms, self.proactive_window_ms)
        return self.look_back_settling_ms + longest + DAY_MS
