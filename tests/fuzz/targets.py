"""Every target of the fuzzer, and how a number of inputs is put through one."""

from __future__ import annotations

import random
import resource
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from tests.fuzz.native import Native
from tests.fuzz.records import Records
from tests.fuzz.state import State
from tests.fuzz.texts import texts


class Target(Protocol):
    """Something that reads hostile input."""

    name: str
    about: str
    per_input: int
    """Inputs in one run."""

    def run(self, draw: random.Random) -> Counter[str]:
        """Put inputs that ``draw`` makes through it; how they ended. Whatever it raises is a finding."""


def targets() -> Mapping[str, Callable[[], Target]]:
    """Makers of targets, by name."""
    makers: dict[str, Callable[[], Target]] = {"records": Records, "state": State, "native": Native}
    return {**makers, **{one.name: lambda one=one: one for one in texts()}}  # type: ignore[misc]


SPREAD: Final = 1_000_003
"""Between the generators of two runs: any of them can be repeated alone."""


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a target did with its inputs."""

    ended: Counter[str]
    seconds: float
    slowest_ms: float
    """Of one run."""
    grown_mb: float
    """Peak of resident memory above that of the beginning."""
    findings: Mapping[int, str]
    """Number of the run -> what it raised."""


def fuzz(target: Target, inputs: int, seed: int) -> Fuzzed:
    """Run a target over at least so many inputs; a function of the seed."""
    ended: Counter[str] = Counter()
    findings: dict[int, str] = {}
    began, before, slowest, number = time.monotonic(), _peak_mb(), 0.0, 0
    while ended.total() + len(findings) * target.per_input < inputs:
        start = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                ended += target.run(random.Random(seed * SPREAD + number))
        except Exception as error:  # noqa: BLE001  (any of them is what is looked for)
            findings[number] = f"{type(error).__name__}: {str(error)[:200]}"
        slowest, number = max(slowest, time.monotonic() - start), number + 1
    return Fuzzed(ended, time.monotonic() - began, slowest * 1_000, _peak_mb() - before, findings)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
