"""Accidents in any order, with virtual time: the final tables are those of one clean run over the same log."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.core.harness import differences
from tests.core.world import CHANGELOG, ROWS_DONE, TORN, World
from tests.support.laws import tries

SETTINGS = settings(
    max_examples=tries(40),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
COUNTS = st.integers(1, 30)


class Accidents(RuleBasedStateMachine):
    """Deliver, redeliver, crash, rebalance, torn flush, zombie write, compact."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(seed=st.integers(0, 1_000), count=st.integers(1, 25), customers=st.integers(1, 3))
    def deliver(self, seed: int, count: int, customers: int) -> None:
        self.world.append(seed, count, customers)

    @rule(place=st.integers(0, 500))
    def deliver_again(self, place: int) -> None:
        self.world.append_again(place)

    @rule()
    def deliver_junk(self) -> None:
        self.world.append_junk()

    @rule(days=st.sampled_from([0.02, 0.5, 1.5, 8]))
    def wait(self, days: float) -> None:
        self.world.wait(days)

    @rule(count=COUNTS)
    def flush(self, count: int) -> None:
        self.world.flush(count)

    @rule(count=COUNTS, step=st.integers(TORN, ROWS_DONE), again=st.integers(0, 2))
    def crash(self, count: int, step: int, again: int) -> None:
        """The owner is lost; so are the next ones, while they take over."""
        self.world.lose_owner(count, step, frozen=False)
        for _ in range(again):
            self.world.take_over(crash=True)
        self.world.take_over()

    @rule(count=COUNTS, step=st.integers(CHANGELOG, ROWS_DONE))
    def freeze(self, count: int, step: int) -> None:
        """The owner stands still in the middle of its rows, and another one takes over."""
        self.world.lose_owner(count, step, frozen=True)
        self.world.take_over()

    @rule(place=st.integers(0, 5))
    def zombie_writes(self, place: int) -> None:
        self.world.zombie_writes(place)

    @rule()
    def rebalance(self) -> None:
        self.world.take_over()

    @rule(keep=st.sampled_from([0, 5, 40]))
    def compact(self, keep: int) -> None:
        self.world.compact(keep)

    @invariant()
    def nothing_is_confirmed_that_the_state_does_not_hold(self) -> None:
        assert self.world.committed - 1 <= self.world.owner.marker.offset

    def teardown(self) -> None:
        """Everything comes to rest: zombies first, they must not matter; then the rest of the log."""
        self.world.take_over()
        self.world.finish()
        while self.world.zombies:
            self.world.zombie_writes(0)
        found = differences(self.world.clean_run().tables, self.world.sink.tables)
        assert found == [], found[:5]


TestAccidents = Accidents.TestCase
TestAccidents.settings = SETTINGS


class ForgetfulWorld(World):
    """Whoever takes over trusts that the rows are there."""

    def take_over(self, *, crash: bool = False) -> None:
        if not crash:
            self.owner = self._restored()
            self.committed = self.owner.marker.offset + 1


class RowsFirstWorld(World):
    """Rows before the changelog: a crash in between leaves rows that a replay in other batches never retracts."""

    def lose_owner(self, count: int, step: int, *, frozen: bool) -> None:
        flush = self.process(count)
        if flush is not None and step > TORN:
            self.sink.write(flush.rows)


class FreshZombieWorld(World):
    """A zombie whose rows look newer than they are."""

    def zombie_writes(self, place: int) -> None:
        for rows in self.zombies:
            for columns in rows.values():
                columns["version"][:] += 1_000_000
        super().zombie_writes(place)


@pytest.mark.parametrize("wrong", [ForgetfulWorld, RowsFirstWorld, FreshZombieWorld])
def test_a_job_that_breaks_a_rule_is_caught(wrong: type[World]) -> None:
    class Wrong(Accidents):
        def __init__(self) -> None:
            super().__init__()
            self.world = wrong()

    few = settings(SETTINGS, max_examples=60, print_blob=False, report_multiple_bugs=False, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Wrong, settings=few)
