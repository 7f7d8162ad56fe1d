"""``python -m tests.bench.perceive``: events per CPU second of the vectorised perceive stage, on one core.

The interactions are those that the pipeline makes of simulated events. Measured is what perceive does with them:
signals and answers to observations, the evidence of every interaction and what cells take of it, decayed sums of both
horizons for every customer, and the scores with their intervals.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from typing import Final

import numpy as np

from jobs.simulate import Scenario, simulate
from pipeline import scores
from pipeline.model import DEFAULT_MODEL
from pipeline.perceive import gather, interaction_score, observe, segment_prior
from pipeline.view import undecayed
from tests.support.perceived import Perceived, perceived

FLOOR: Final = 1_000_000.0
"""Events per CPU second that the stage must reach at least."""


def load(customers: int, days: int, seed: int) -> Perceived:
    """One simulated operator, without broken, late or doubled records."""
    scenario = Scenario(customers, days, seed, bad_share=0.0, duplicate_share=0.0, very_late_share=0.0)
    return perceived(list(simulate(scenario)), DEFAULT_MODEL)


def perceive(given: Perceived) -> scores.Score:
    """The whole stage; the relationship scores of all customers."""
    strings, _, model = given.context
    facts, customers = given.view.rows, len(given.customers)
    seen = observe(facts, given.view.closed, given.view.notes, strings, model)
    prior = segment_prior(facts["segment"], strings, model)
    interaction_score(undecayed(seen, len(facts)), prior, model)
    owner = facts["customer"].astype(np.int64)[seen.fact]
    as_of = np.full(customers, facts["end_ms"].max())
    lasting = gather(seen, owner, customers, as_of, model.relationship.half_life_ms)
    recent = gather(seen, owner, customers, as_of, model.journey.half_life_ms)
    mean = scores.relationship_mean(lasting.weight, lasting.sum, model.prior_mean, model)
    spread = scores.relationship_variance(lasting.weight, model)
    mean_now = scores.journey_mean(recent.weight, recent.sum, mean, model)
    scores.shown(mean_now, scores.journey_variance(recent.weight, spread, model), model)
    return scores.shown(mean, spread, model)


def rates(given: Perceived, rounds: int) -> list[float]:
    """Events per CPU second of every round, after one to warm up."""
    perceive(given)
    found = []
    for _ in range(rounds):
        began = time.process_time()
        perceive(given)
        found.append(given.events / (time.process_time() - began))
    return found


def main() -> int:
    """Measure and report; exit code 1 if ``--floor`` is given and missed."""
    arguments = _arguments()
    given = load(arguments.customers, arguments.days, arguments.seed)
    found = rates(given, arguments.rounds)
    median = statistics.median(found)
    result = {
        "machine": {"python": platform.python_version(), "numpy": np.__version__, "system": platform.system()},
        "settings": vars(arguments),
        "events": given.events,
        "interactions": len(given.view.rows),
        "observations": len(given.view.observations),
        "events_per_cpu_second": median,
        "interactions_per_cpu_second": median * len(given.view.rows) / given.events,
        "rounds": found,
        "floor": FLOOR,
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        verdict = "at least" if median >= FLOOR else "NOT"
        print(
            f"perceive: {median:,.0f} events ({result['interactions_per_cpu_second']:,.0f} interactions) per CPU "
            f"second, {verdict} the floor of {FLOOR:,.0f}; median of {arguments.rounds} rounds over {given.events:,} "
            f"events, {result['interactions']:,} interactions, {result['observations']:,} observations"
        )
    return 1 if arguments.floor and median < FLOOR else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.perceive", description=__doc__)
    parser.add_argument("--customers", type=int, default=3_000, help="simulated customers (default %(default)s)")
    parser.add_argument("--days", type=int, default=30, help="simulated days (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="measured rounds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the simulation (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--floor", action="store_true", help="fail below the floor")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
