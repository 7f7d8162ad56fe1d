"""Wanting something new: an upgrade, or service in a new home, over several channels and days."""

from __future__ import annotations

from typing import Any

from jobs.simulate.people import Person
from jobs.simulate.stage import Meeting, Stage, Story
from jobs.simulate.stories.contacts import contact
from pipeline.policy import DAY_MS


def upgrade(stage: Stage, person: Person) -> Story:
    """Look at plans on the site, talk to somebody or not, buy somewhere, get it delivered."""
    rng = stage.rng
    goal = {"goal": "upgrade"}
    yield from _look(stage, person, goal)
    if rng.random() < 0.35:
        yield from contact(stage, person, "upgrade", "upgrade")
        yield stage.hours(1, 40)
    if rng.random() < 0.25:
        return
    in_store = rng.random() < 0.4
    place = ("store", f"store_{person.region}") if in_store else (person.site, f"{person.site}_basket")
    shop = Meeting(stage, person, *place, interaction_id=stage.new_id("i"), **goal)
    if in_store:
        shop.event("store_visit", wait_s=round(rng.lognormvariate(5.4, 0.7), 0), promised_s=300.0)
    shop.event("purchase", 600.0, amount=round(person.monthly * rng.uniform(2, 14), 2), outcome="bought")
    shop.effect("bought")
    shop.end("ces", invited=0.5)
    yield from _fulfil(stage, person, "delivery", "parcel", goal, promised_d=3.0)


def move(stage: Stage, person: Person) -> Story:
    """A call, a case, an installation with a promised date, and a closing word."""
    journey = stage.new_id("move")
    common = {"goal": "move_house", "journey_id": journey, "reason": "move_house"}
    yield from _look(stage, person, common)
    yield from contact(stage, person, "move_house", "move_house", journey_id=journey)
    case = {**common, "interaction_id": stage.new_id("case")}
    meeting = Meeting(stage, person, "case", "order_desk", **case)
    meeting.event("case", status="opened", team="order_team")
    yield from _fulfil(stage, person, "installation", "technician_visit", common, promised_d=8.0)
    yield stage.hours(2, 24)
    meeting.event("case", status="resolved", resolved=True, team="order_team")
    meeting.event("case", status="closed", outcome="completed", sequence=1)
    meeting.effect("resolved", 0.5)
    meeting.end("ces", invited=0.7)


def _look(stage: Stage, person: Person, common: dict[str, Any]) -> Story:
    meeting = Meeting(stage, person, person.site, f"{person.site}_plans", **common)
    for number in range(3 + int(stage.rng.random() * 4)):
        meeting.event("browse", 50.0 * number, attributes={"page": "plans"})
    meeting.effect("smooth")
    meeting.end()
    yield stage.hours(0.5, 60)


def _fulfil(
    stage: Stage, person: Person, kind: str, touchpoint: str, common: dict[str, Any], *, promised_d: float
) -> Story:
    """A promise with a date, then the delivery or installation, mostly in time."""
    rng = stage.rng
    promised_s = promised_d * DAY_MS / 1000
    stage.say(person, "promise", stage.now, {**common, "channel": "message", "promised_s": promised_s})
    ordered, late = stage.now, rng.random() < 0.18
    yield stage.daytime(promised_d * (1.1 if late else 0.4), promised_d * (1.9 if late else 0.95))
    wait_s = (stage.now - ordered) / 1000
    channel = "field_service" if kind == "installation" else kind
    meeting = Meeting(stage, person, channel, touchpoint, interaction_id=stage.new_id("i"), **common)
    meeting.event(kind, wait_s=wait_s, promised_s=promised_s, resolved=True, outcome="completed", team="field_team")
    meeting.effect("promise_broken" if wait_s > promised_s else "promise_kept")
    meeting.end("csat", invited=0.5)
    if late and rng.random() < 0.5:
        yield stage.hours(1, 20)
        reason = "late_delivery" if kind == "delivery" else "missed_appointment"
        yield from contact(stage, person, reason, common["goal"], journey_id=common.get("journey_id", ""))
