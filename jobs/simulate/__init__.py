"""A telecom operator's customers in accelerated event time, with the truth that no real company has.

Deterministic: the same :class:`~jobs.simulate.scenario.Scenario` gives the same bytes. Customers live through
*stories* (a fault, a wrong bill, a move) told as generators; a latent perception per customer and dimension drifts,
is hit by what happens and recovers, and survey answers are noisy readings of it. The records come out in order of
arrival, with the late, doubled and broken ones that every real feed has.

>>> from jobs.simulate import Scenario, simulate
>>> sum(1 for _ in simulate(Scenario(customers=20, days=3)))  # doctest: +SKIP
231
"""

from jobs.simulate.engine import simulate
from jobs.simulate.post import Record
from jobs.simulate.scenario import Incident, Scenario

__all__ = ["Incident", "Record", "Scenario", "simulate"]
