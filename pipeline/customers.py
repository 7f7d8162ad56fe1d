"""What a customer carries for life: decayed sums per horizon, expectation, counts; and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.model import Model
from pipeline.perceive import Evidence, Observations, gather, move
from pipeline.records import NEVER, NOTE_ANSWER, ONE_WAY, UNSETTLED, pick
from schemas.event import EVENT_TYPES

Records = NDArray[Any]
Index = NDArray[np.int64]

ONE_WAY_ORDER: Final = tuple(EVENT_TYPES.index(name) for name in ("ad", "recommendation", "promise"))


@dataclass(frozen=True, slots=True)
class Sums:
    """Decayed sums of customers at ``as_of_ms`` (each the time of its latest observation)."""

    as_of_ms: Index
    journey: Evidence
    relationship: Evidence


def sums(header: Records, observations: Observations, owner: Index, model: Model) -> Sums:
    """Sums of what is left in ``header`` and of ``observations``; ``owner`` is the customer of each observation."""
    count = len(header)
    as_of = header["base_ms"].copy()
    untouched = ~header["base"].any(axis=(1, 2, 3))
    as_of[untouched] = UNSETTLED
    np.maximum.at(as_of, owner, observations.at_ms)
    as_of = np.where(as_of == UNSETTLED, header["last_ms"], as_of)
    base_ms = np.where(untouched, as_of, header["base_ms"])
    both = []
    for place, horizon in enumerate((model.journey, model.relationship)):
        left = header["base"][:, place]
        base = Evidence(left[:, 0], left[:, 1], left[:, 2])
        fresh = gather(observations, owner, count, as_of, horizon.half_life_ms, model.moved(horizon))
        both.append(move(base, base_ms, as_of, horizon.half_life_ms) + fresh)
    return Sums(as_of, both[0], both[1])


def absorb(header: Records, observations: Observations, owner: Index, model: Model) -> None:
    """Fold ``observations`` of interactions that leave the state into ``header``, in place."""
    total = sums(header, observations, owner, model)
    header["base_ms"] = total.as_of_ms
    for place, evidence in enumerate((total.journey, total.relationship)):
        for part, values in enumerate((evidence.weight, evidence.sum, evidence.stated)):
            header["base"][:, place, part] = values


def absorb_counts(header: Records, facts: Records, notes: Records) -> None:
    """Count interactions that leave the state, and keep the latest segment, in place."""
    customer = facts["customer"]
    header["interactions"] += np.bincount(customer, minlength=len(header))
    answers = notes[notes["kind"] == NOTE_ANSWER]
    header["answers"] += np.bincount(customer[answers["owner"]], minlength=len(header))
    header["segment"], header["segment_ms"], header["segment_tie"] = latest_segment(header, facts)


class Segments(NamedTuple):
    """Segment of each customer, and the start and hash of the interaction that named it last."""

    code: NDArray[np.int32]
    since_ms: Index
    tie: NDArray[np.uint64]


def latest_segment(header: Records, facts: Records) -> Segments:
    """Segment of each customer by its latest interaction that names one; equal starts: the greater event hash."""
    since, tie = header["segment_ms"].copy(), header["segment_tie"].copy()
    code = header["segment"].copy()
    named = np.flatnonzero(facts["segment"])
    who, start, event_hash = (facts[name][named] for name in ("customer", "start_ms", "event_hash"))
    np.maximum.at(since, who, start)
    tie[since != header["segment_ms"]] = 0
    latest = start == since[who]
    np.maximum.at(tie, who[latest], event_hash[latest])
    newer = (start > header["segment_ms"][who]) | (event_hash > header["segment_tie"][who])
    chosen = latest & newer & (event_hash == tie[who])
    code[who[chosen]] = facts["segment"][named[chosen]]
    return Segments(code, since, tie)


def seen(header: Records, pieces: Records) -> None:
    """Count new event pieces and widen the time seen, in place."""
    customer = pieces["customer"]
    header["events"] += np.bincount(customer, minlength=len(header))
    np.minimum.at(header["first_ms"], customer, pieces["start_ms"])
    np.maximum.at(header["last_ms"], customer, pieces["start_ms"])


@dataclass(frozen=True, slots=True)
class Expectation:
    """Exposure to one-way events (ad, recommendation, promise) at ``as_of_ms``: counts and decayed counts."""

    as_of_ms: Index
    counts: Index
    exposure: NDArray[np.float64]


def expectation(header: Records, pieces: Records, model: Model) -> Expectation:
    """Expectation of what is left in ``header`` and of the one-way ``pieces``."""
    one_way = pick(pieces, pieces["grouping"] == ONE_WAY)
    customer = one_way["customer"]
    as_of = np.where(header["one_way"].any(axis=1), header["expected_ms"], UNSETTLED)
    np.maximum.at(as_of, customer, one_way["start_ms"])
    as_of = np.where(as_of == UNSETTLED, header["expected_ms"], as_of)
    half_life = model.journey.half_life_ms
    counts = header["one_way"].copy()
    exposure = header["exposure"] * np.exp2((header["expected_ms"] - as_of) / half_life)[:, None]
    for place, code in enumerate(ONE_WAY_ORDER):
        chosen = one_way["type"] == code
        who = customer[chosen]
        decay = np.exp2((one_way["start_ms"][chosen] - as_of[who]) / half_life)
        counts[:, place] += np.bincount(who, minlength=len(header))
        exposure[:, place] += np.bincount(who, decay, len(header))
    return Expectation(as_of, counts, exposure)


def absorb_expectation(header: Records, leaving: Records, model: Model) -> None:
    """Fold one-way pieces that leave the state into ``header``, in place."""
    total = expectation(header, leaving, model)
    header["expected_ms"], header["one_way"], header["exposure"] = total.as_of_ms, total.counts, total.exposure


def deadlines(count: int, due: list[tuple[NDArray[np.int32], Index]]) -> Index:
    """The earliest of all (customer, due time) pairs per customer; NEVER where there is none."""
    earliest = np.full(count, NEVER, np.int64)
    for customer, time in due:
        np.minimum.at(earliest, customer, time)
    return earliest
