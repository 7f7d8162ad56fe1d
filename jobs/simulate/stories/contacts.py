"""Getting in touch: by phone, chat, store or e-mail, with waiting, transfers, skills and a result."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from jobs.simulate.people import Person
from jobs.simulate.stage import Meeting, Stage
from jobs.simulate.world import CAUSES, Cause

PROMISED_S = {"phone": 120.0, "chat": 60.0, "store": 300.0, "email": 86_400.0}
_MEDIAN_WAIT_S = {"phone": 95.0, "chat": 40.0, "store": 260.0, "email": 30_000.0}
_PLACES = {"phone": "hotline", "chat": "chat", "email": "mailbox"}


@dataclass(frozen=True, slots=True)
class Service:
    """How one contact went."""

    wait_s: float
    promised_s: float
    transfers: int
    skill: str
    resolved: bool
    duration_s: float

    def fields(self, cause: Cause) -> dict[str, Any]:
        """Event fields of the end of the contact."""
        return {
            "duration_s": self.duration_s,
            "transfers": self.transfers,
            "resolved": self.resolved,
            "team": f"{cause.desk}_team",
            "skill": self.skill,
            "skill_needed": cause.skill,
            "outcome": "resolved" if self.resolved else "unresolved",
        }


def channel_of(stage: Stage, person: Person) -> str:
    """The channel that the customer turns to."""
    rng = stage.rng
    if rng.random() < person.digital:
        return "chat" if rng.random() < 0.72 else "email"
    return "phone" if rng.random() < 0.8 else "store"


def place(channel: str, cause: Cause, person: Person) -> str:
    """Touchpoint of a contact."""
    return f"store_{person.region}" if channel == "store" else f"{cause.desk}_{_PLACES[channel]}"


def contact(
    stage: Stage, person: Person, reason: str, goal: str, *, journey_id: str = "", channel: str = "", ends: bool = False
) -> Generator[int, None, bool]:
    """One contact about ``reason``; returns whether it solved the matter. ``ends``: solving it reaches the goal."""
    cause, channel = CAUSES[reason], channel or channel_of(stage, person)
    common = {"interaction_id": stage.new_id("i"), "goal": goal, "reason": reason}
    if journey_id:
        common["journey_id"] = journey_id
    meeting = Meeting(stage, person, channel, place(channel, cause, person), **common)
    service = _serve(stage, cause, channel)
    closing = service.fields(cause)
    if ends and service.resolved:
        closing["outcome"] = "completed"
    yield from _CHANNELS[channel](meeting, service, closing)
    _feel(meeting, service, cause)
    scale = stage.rng.choice(("csat", "csat", "ces", "rating"))
    meeting.end(scale, invited=0.75)
    return service.resolved


def _serve(stage: Stage, cause: Cause, channel: str) -> Service:
    rng = stage.rng
    load = stage.load(cause.desk) if channel in ("phone", "chat") else 1.0
    skilled = rng.random() < cause.match
    transfers = sum(rng.random() < chance for chance in ((0.12, 0.3) if skilled else (0.5, 0.35)))
    chance = cause.solvable * (1.0 if skilled else 0.55) * 0.93**transfers * (0.55 if load > 1.0 else 1.0)
    return Service(
        wait_s=round(_MEDIAN_WAIT_S[channel] * load * rng.lognormvariate(0.0, 0.7), 1),
        promised_s=PROMISED_S[channel],
        transfers=transfers,
        skill=cause.skill if skilled else "general",
        resolved=rng.random() < chance,
        duration_s=round(rng.lognormvariate(math.log(280.0), 0.6), 1),
    )


def _feel(meeting: Meeting, service: Service, cause: Cause) -> None:
    meeting.effect("resolved" if service.resolved else "unresolved")
    meeting.effect("transfer", service.transfers)
    if service.skill != cause.skill:
        meeting.effect("wrong_skill")
    # Interaction of signals: who gets a solution forgives the wait, who does not counts it double.
    patience = 0.5 if service.resolved else 2.0
    meeting.wait(math.log2(service.wait_s / service.promised_s) + 0.4, patience)


def _phone(meeting: Meeting, service: Service, closing: dict[str, Any]) -> Generator[int, None, None]:
    meeting.event("call", wait_s=service.wait_s, promised_s=service.promised_s)
    meeting.event("call", service.wait_s + service.duration_s, **closing)
    yield from ()


def _chat(meeting: Meeting, service: Service, closing: dict[str, Any]) -> Generator[int, None, None]:
    meeting.event("chat", wait_s=service.wait_s, promised_s=service.promised_s)
    turns = meeting.stage.rng.randrange(1, 4)
    for turn in range(turns):
        meeting.event("chat", service.wait_s + service.duration_s * (turn + 1) / (turns + 1))
    meeting.event("chat", service.wait_s + service.duration_s, **closing)
    yield from ()


def _store(meeting: Meeting, service: Service, closing: dict[str, Any]) -> Generator[int, None, None]:
    meeting.event("store_visit", wait_s=service.wait_s, promised_s=service.promised_s)
    meeting.event("conversation", service.wait_s + service.duration_s, **closing)
    yield from ()


def _email(meeting: Meeting, service: Service, closing: dict[str, Any]) -> Generator[int, None, None]:
    meeting.event("message", attributes={"direction": "in"})
    yield int(service.wait_s * 1000)
    reply = {**closing, "wait_s": service.wait_s, "promised_s": service.promised_s, "attributes": {"direction": "out"}}
    del reply["duration_s"]
    meeting.event("message", **reply)


_CHANNELS = {"phone": _phone, "chat": _chat, "store": _store, "email": _email}
