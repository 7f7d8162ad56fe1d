"""Ordinary days: visits to the site, using the product, ads, proactive service, and surveys about it all."""

from __future__ import annotations

from jobs.simulate.people import Person
from jobs.simulate.stage import Meeting, Stage, Story
from jobs.simulate.stories.contacts import contact
from jobs.simulate.surveys import CX_INDEX, replies, tick

_PAGES = ("home", "account", "usage", "plans", "help", "offers", "invoices", "store_finder")
_PRODUCTS = ("broadband", "mobile_network", "tv")
_ADS = ("banner_ad", "newsletter", "tv_spot", "social_ad")
_CARE = ("line_optimised", "free_data", "outage_notice", "check_up_call")


def visit(stage: Stage, person: Person) -> Story:
    """A look at the site or the app; sometimes it is slow, sometimes it recommends something."""
    rng = stage.rng
    meeting = Meeting(stage, person, person.site, f"{person.site}_{_PAGES[int(rng.random() * 3)]}")
    slow, clock = rng.random() < 0.07, 0.0
    for number in range(2 + int(rng.expovariate(0.33))):
        load_s = round(rng.lognormvariate(1.7 if slow else -0.2, 0.4), 2)
        meeting.event("browse", clock, attributes={"page": rng.choice(_PAGES)}, measures={"page_load_s": load_s})
        clock += load_s + rng.expovariate(1 / 45)
        if number == 1 and rng.random() < 0.12:
            stage.say(person, "recommendation", stage.now + int(clock * 1000), {**meeting.common, "goal": "upgrade"})
    meeting.effect("friction" if slow else "smooth")
    felt = meeting.end()
    if rng.random() < 0.05 and replies(rng, felt, person.eager):
        meeting.event("answer", clock, scale="rating", value=tick(rng, "rating", felt), scale_min=1, scale_max=5)
    yield from ()


def use(stage: Stage, person: Person) -> Story:
    """A session of using the product, with what the network measured."""
    rng = stage.rng
    product = _PRODUCTS[int(rng.random() * 3)]
    drops = int(rng.expovariate(1.4))
    quality = {"throughput_mbps": round(rng.lognormvariate(4.2, 0.5), 1), "dropped": float(drops)}
    meeting = Meeting(stage, person, "product", product)
    meeting.event("use", duration_s=round(rng.lognormvariate(7.5, 0.8), 0), measures=quality)
    meeting.effect("smooth" if drops < 2 else "friction", 0.5)
    meeting.end()
    yield from ()


def advert(stage: Stage, person: Person) -> Story:
    """Advertising: one-way, raises expectations."""
    where = _ADS[int(stage.rng.random() * 4)]
    stage.say(person, "ad", stage.now, {"channel": "marketing", "touchpoint": where})
    yield from ()


def boast(stage: Stage, person: Person) -> Story:
    """A promise in a campaign."""
    fields = {"channel": "marketing", "touchpoint": "newsletter", "promised_s": 86_400.0, "reason": "delivery_time"}
    stage.say(person, "promise", stage.now, fields)
    yield from ()


def care(stage: Stage, person: Person) -> Story:
    """Proactive service: half of it nobody sees; some of what is seen raises a question."""
    rng = stage.rng
    seen = rng.random() < 0.5
    meeting = Meeting(stage, person, "message" if seen else "product", _CARE[int(rng.random() * 4)])
    meeting.event("proactive_service", visible=seen)
    if not seen:
        return
    meeting.effect("care_seen")
    meeting.end()
    if rng.random() < 0.1:
        yield stage.hours(1, 30)
        yield from contact(stage, person, "question", "question", ends=True)


def relationship_survey(stage: Stage, person: Person) -> Story:
    """Would you recommend us? Asked of anybody, at any time."""
    fields = {"channel": "survey", "touchpoint": "nps_survey"}
    stage.ask(person, ("nps",), stage.truth.now(person.index), fields)
    yield from ()


def index_survey(stage: Stage, person: Person) -> Story:
    """The three questions of the CX Index, at one moment."""
    fields = {"channel": "survey", "touchpoint": "cx_index_survey"}
    stage.ask(person, CX_INDEX, stage.truth.now(person.index), fields)
    yield from ()


def account_talk(stage: Stage, person: Person) -> Story:
    """The account manager of a business customer, or a chat with staff at an event."""
    meeting = Meeting(stage, person, "in_person", "account_manager", interaction_id=stage.new_id("i"))
    meeting.event("conversation", duration_s=round(stage.rng.lognormvariate(7.0, 0.5), 0), team="account_team")
    meeting.effect("personal")
    meeting.end("csat", invited=0.3)
    yield from ()
