"""Money: the monthly bill, the payment, the wrong bill and the argument about the price."""

from __future__ import annotations

from jobs.simulate.people import Person
from jobs.simulate.stage import Meeting, Stage, Story
from jobs.simulate.stories.contacts import channel_of, contact, place
from jobs.simulate.stories.faults import recovered
from jobs.simulate.world import CAUSES
from pipeline.policy import HOUR_MS

WRONG_SHARE = 0.035
FAILED_SHARE = 0.03


def bill(stage: Stage, person: Person) -> Story:
    """The customer opens the bill; if it is right it gets paid, else a dispute begins."""
    rng = stage.rng
    amount = round(person.monthly * rng.uniform(0.9, 1.15), 2)
    meeting = Meeting(stage, person, person.site, "bill", reason="bill")
    meeting.event("use", amount=amount, measures={"pages": 2.0})
    meeting.end()
    if rng.random() < WRONG_SHARE:
        yield from dispute(stage, person, overcharge=round(amount * rng.uniform(0.1, 0.8), 2))
    yield stage.daytime(2, 9)
    yield from pay(stage, person, amount)


def pay(stage: Stage, person: Person, amount: float) -> Story:
    """The payment, which now and then fails and is tried again."""
    meeting = Meeting(stage, person, person.site, "payment_page", goal="pay_bill")
    if stage.rng.random() >= FAILED_SHARE:
        meeting.event("payment", outcome="completed", amount=amount)
        meeting.end()
        return
    meeting.event("payment", outcome="failed", amount=amount, reason="payment_failed")
    meeting.effect("failed_payment")
    meeting.end()
    if stage.rng.random() < 0.5:
        yield stage.hours(0.2, 20)
        yield from contact(stage, person, "payment_failed", "pay_bill")
    yield stage.daytime(1, 3)
    again = Meeting(stage, person, person.site, "payment_page", goal="pay_bill")
    again.event("payment", outcome="completed", amount=amount)
    again.end()


def dispute(stage: Stage, person: Person, overcharge: float) -> Story:
    """A wrong bill is a failure: the customer asks until it is put right and the money is back."""
    rng, journey = stage.rng, stage.new_id("dispute")
    common = {"goal": "dispute_bill", "reason": "wrong_bill", "journey_id": journey}
    found = stage.now
    meeting = Meeting(stage, person, person.site, "bill", **common)
    meeting.event("failure", severity=2, amount=overcharge)
    meeting.effect("wrong_bill")
    meeting.end()
    for _ in range(4):
        yield stage.hours(1, 40)
        if (yield from contact(stage, person, "wrong_bill", "dispute_bill", journey_id=journey)):
            break
        if rng.random() < 0.3:
            yield from complain(stage, person, "wrong_bill", "dispute_bill", journey)
    yield stage.daytime(0.5, 4)
    refund = Meeting(stage, person, "payment", "refund", **common)
    refund.event("payment", outcome="refunded", amount=overcharge)
    refund.effect("refund")
    refund.end()
    recovered(stage, person, "bill", found, common)


def price(stage: Stage, person: Person) -> Story:
    """Too expensive: a complaint that needs somebody who can explain the price."""
    journey = ""
    yield from complain(stage, person, "price", "understand_price", journey)
    yield stage.hours(2, 60)
    solved = yield from contact(stage, person, "price", "understand_price", ends=True)
    if not solved and stage.rng.random() < 0.6:
        yield stage.daytime(1, 4)
        yield from contact(stage, person, "price", "understand_price", ends=True)


def complain(stage: Stage, person: Person, reason: str, goal: str, journey_id: str) -> Story:
    """A complaint in its own right."""
    cause, channel = CAUSES[reason], channel_of(stage, person)
    common = {"goal": goal, "reason": reason, "skill_needed": cause.skill}
    if journey_id:
        common["journey_id"] = journey_id
    meeting = Meeting(stage, person, channel, place(channel, cause, person), **common)
    skilled = stage.rng.random() < cause.match
    meeting.event("complaint", team=f"{cause.desk}_team", skill=cause.skill if skilled else "general")
    meeting.effect("complaint")
    meeting.end()
    yield HOUR_MS
