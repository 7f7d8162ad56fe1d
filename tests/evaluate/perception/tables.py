"""Figures over several worlds, as lines for people and as numbers for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.evaluate.perception.baselines import HINDSIGHT, HINDSIGHTS, Rule, baselines, learnt_rule
from tests.evaluate.perception.estimate import estimate, evidence, fifths
from tests.evaluate.perception.scene import HORIZONS, Floats, Scene, Told

ORACLE: Final = "exact Gaussian process (oracle)"
OURS: Final = "decayed sums (this project)"
DEVIATIONS: Final = 1.645


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of one estimate at all queries and dimensions, and whether its interval held the truth."""

    error: Floats
    covered: NDArray[np.bool_]
    fifth: NDArray[np.int64]

    @property
    def rmse(self) -> float:
        """Points."""
        return float(np.sqrt((self.error**2).mean()))

    @staticmethod
    def joined(parts: Sequence[Errors]) -> Errors:
        """Those of several worlds."""
        error, covered, fifth = ([getattr(part, name) for part in parts] for name in ("error", "covered", "fifth"))
        return Errors(np.concatenate(error), np.concatenate(covered), np.concatenate(fifth))

    def figures(self, oracle: float) -> dict[str, Any]:
        """What a line of the table says."""
        shares = [float(self.covered[self.fifth == number].mean()) for number in range(5)]
        return {
            "rmse": self.rmse,
            "ratio": self.rmse / oracle,
            "bias": float(self.error.mean()),
            "cov90": float(self.covered.mean()),
            "cov90_by_fifth": shares,
        }


def errors(scene: Scene, rule: Rule | None = None) -> dict[str, dict[str, Errors]]:
    """By horizon and estimate; without a training world's ``rule`` the baselines learn from this world's answers."""
    sums = evidence(scene)
    told = {ORACLE: scene.oracle, OURS: estimate(scene, sums), **baselines(scene, rule or learnt_rule(scene))}
    chosen = list(scene.dimensions)
    place = {name: fifths(sums[name].weight[:, chosen]) for name in HORIZONS}
    return {name: {who: _errors(one, scene, name, place[name]) for who, one in told.items()} for name in HORIZONS}


def _errors(told: Told, scene: Scene, horizon: str, fifth: NDArray[np.int64]) -> Errors:
    error = told.mean[horizon] - scene.queries.truth[horizon]
    covered = np.abs(error) <= DEVIATIONS * np.sqrt(told.variance[horizon])
    return Errors(error.ravel(), covered.ravel(), fifth.ravel())


def summary(worlds: Sequence[Mapping[str, Mapping[str, Errors]]]) -> dict[str, Any]:
    """Figures by horizon and estimate over all worlds, and the goals' figures of each single world."""
    found: dict[str, Any] = {}
    for horizon in HORIZONS:
        whole = {who: Errors.joined([world[horizon][who] for world in worlds]) for who in worlds[0][horizon]}
        real = (who for who in whole if who not in {ORACLE, OURS, *HINDSIGHTS})
        best = min(real, key=lambda who: whole[who].rmse)
        found[horizon] = {
            "estimates": {who: one.figures(whole[ORACLE].rmse) for who, one in whole.items()},
            "best_baseline": best,
            "below_best_baseline": 1 - whole[OURS].rmse / whole[best].rmse,
            "below_hindsight": 1 - whole[OURS].rmse / whole[HINDSIGHT].rmse,
            "ratio_by_seed": [world[horizon][OURS].rmse / world[horizon][ORACLE].rmse for world in worlds],
        }
    return found


def show(title: str, result: Mapping[str, Any], coverage: tuple[float, float]) -> None:
    """Print one table; ``coverage`` is the goal for every fifth."""
    print(f"\n{title}")
    for horizon in HORIZONS:
        print(f"{horizon:34}{'RMSE':>7}{'x oracle':>9}{'bias':>7}{'cov90':>7}   by fifth of evidence, fewest to most")
        for who, one in result[horizon]["estimates"].items():
            shares = " ".join(f"{share:.3f}" for share in one["cov90_by_fifth"])
            print(f"{who:34}{one['rmse']:>7.2f}{one['ratio']:>9.3f}{one['bias']:>7.2f}{one['cov90']:>7.3f}   {shares}")
        _goals(result[horizon], coverage)


def _goals(found: Mapping[str, Any], coverage: tuple[float, float]) -> None:
    ours, below = found["estimates"][OURS], found["below_best_baseline"]
    low, high = min(ours["cov90_by_fifth"]), max(ours["cov90_by_fifth"])
    oracle = found["estimates"][ORACLE]["rmse"]
    possible, strict = (1 - oracle / found["estimates"][who]["rmse"] for who in (found["best_baseline"], HINDSIGHT))
    seeds = found["ratio_by_seed"]
    print(f"  {_verdict(ours['ratio'] <= 1.05)} {ours['ratio']:.3f} x oracle (goal 1.05; {_range(seeds)} by seed)")
    best = f"{found['best_baseline']}, the best baseline that one could really have"
    print(f"  {_verdict(below >= 0.08)} {below:.1%} below {best} (goal 8 %; the oracle: {possible:.1%})")
    print(f"          {found['below_hindsight']:.1%} below {HINDSIGHT} (no goal; the oracle: {strict:.1%})")
    inside = coverage[0] <= low and high <= coverage[1]
    print(f"  {_verdict(inside)} cov90 {low:.3f}-{high:.3f} over the fifths (goal {coverage[0]:.2f}-{coverage[1]:.2f})")


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.3f}-{max(values):.3f}"


def _verdict(met: bool) -> str:
    return "met    " if met else "NOT MET"
