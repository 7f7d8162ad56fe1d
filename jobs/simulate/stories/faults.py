"""Something breaks: failure, contact, repair, and now and then it breaks again."""

from __future__ import annotations

from typing import Any

from jobs.simulate.people import Person
from jobs.simulate.scenario import Incident
from jobs.simulate.stage import Meeting, Stage, Story
from jobs.simulate.stories.contacts import contact
from jobs.simulate.world import FAULTS, PRODUCTS
from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS


def fault(stage: Stage, person: Person) -> Story:
    """A fault of the customer's own line or device, until it is fixed."""
    rng = stage.rng
    reason, severity = FAULTS[int(rng.random() * 4)], rng.choice((1, 2, 2, 3, 3, 4))
    common = {"goal": "fix_fault", "reason": reason, "journey_id": stage.new_id("fault")}
    yield from _fails(stage, person, severity, common, "failure")
    if rng.random() < 0.09:
        yield stage.daytime(2, 12)
        yield from _fails(stage, person, severity, common, "failed_again")


def _fails(stage: Stage, person: Person, severity: int, common: dict[str, Any], effect: str) -> Story:
    rng, failed = stage.rng, stage.now
    meeting = Meeting(stage, person, "product", PRODUCTS[common["reason"]], **common)
    meeting.event("failure", severity=severity)
    meeting.effect("failure", severity)
    if effect != "failure":
        meeting.effect(effect)
    meeting.end()
    yield stage.hours(0.3, 12)
    if rng.random() < 0.45:
        yield from _look_for_help(stage, person, common)
    solved = False
    for _ in range(3):
        solved = yield from contact(stage, person, common["reason"], "fix_fault", journey_id=common["journey_id"])
        if solved:
            break
        yield stage.daytime(0.6, 3)
    if not solved or rng.random() < 0.3:
        yield from _second_line(stage, person, common)
    recovered(stage, person, PRODUCTS[common["reason"]], failed, common)


def _look_for_help(stage: Stage, person: Person, common: dict[str, Any]) -> Story:
    meeting = Meeting(stage, person, person.site, f"{person.site}_help", **common)
    for number in range(3):
        meeting.event("browse", 40.0 * number, attributes={"page": "help"})
    meeting.end()
    yield stage.hours(0.1, 3)


def _second_line(stage: Stage, person: Person, common: dict[str, Any]) -> Story:
    """A case with the second line, which keeps its promise or not."""
    rng = stage.rng
    promised_s = 2.0 * DAY_MS / 1000
    case = {**common, "interaction_id": stage.new_id("case")}
    opened = stage.now
    meeting = Meeting(stage, person, "case", "second_line", **case)
    meeting.event("case", status="opened", promised_s=promised_s, team="network_team")
    yield stage.hours(3, 20)
    meeting.event("case", status="updated", team="network_team")
    yield stage.hours(4, 60)
    wait_s = (stage.now - opened) / 1000
    meeting.event("case", status="resolved", resolved=True, wait_s=wait_s, team="network_team", skill="network")
    meeting.event("case", status="closed", sequence=1)
    meeting.effect("promise_kept" if wait_s <= promised_s else "promise_broken", 0.7)
    if rng.random() < 0.05:
        yield stage.hours(2, 30)
        meeting.event("case", status="reopened")
        yield stage.hours(5, 30)
        meeting.event("case", status="closed", resolved=True)
    meeting.end("csat", invited=0.6)


def recovered(stage: Stage, person: Person, touchpoint: str, failed_ms: int, common: dict[str, Any]) -> None:
    """It works again, and the customer is told."""
    meeting = Meeting(stage, person, "message", touchpoint, **common)
    meeting.event(
        "recovery", outcome="completed", measures={"hours_to_fix": round((stage.now - failed_ms) / HOUR_MS, 2)}
    )
    meeting.effect("recovered_fast" if stage.now - failed_ms <= DAY_MS else "recovered_slowly")
    meeting.end()


def outage(stage: Stage, person: Person, incident: Incident) -> Story:
    """One customer in an incident: cut off (or charged twice), on the phone with everybody else, then mended."""
    rng, failed = stage.rng, stage.now
    common = {"goal": "fix_fault" if incident.kind == "outage" else "dispute_bill", "reason": incident.reason}
    place = PRODUCTS[incident.reason]
    meeting = Meeting(stage, person, "product" if incident.kind == "outage" else person.site, place, **common)
    meeting.event("failure", severity=3)
    meeting.effect("failure", 3)
    meeting.end()
    if rng.random() < 0.4:
        stage.begin(_notice(stage, person, common), stage.now + stage.hours(0.5, 3))
    for _ in range(2):
        if rng.random() < 0.62:
            yield stage.hours(0.2, 16)
            channel = "phone" if rng.random() < 0.75 else "chat"
            yield from contact(stage, person, incident.reason, common["goal"], channel=channel)
    mended = incident.end_ms + int(rng.random() * 90 * MINUTE_MS)
    yield max(MINUTE_MS, mended - stage.now)
    recovered(stage, person, place, failed, common)


def _notice(stage: Stage, person: Person, common: dict[str, Any]) -> Story:
    meeting = Meeting(stage, person, "message", "outage_notice", reason=common["reason"])
    meeting.event("proactive_service", visible=True)
    meeting.effect("care_seen")
    meeting.end()
    yield from ()
