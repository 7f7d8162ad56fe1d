"""Events as pieces: what one event says about the interaction it belongs to."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.policy import Policy
from pipeline.records import (
    EXPLICIT,
    FLAG_BILL,
    FLAG_COMPLETED,
    FLAG_FAILED_PAYMENT,
    FLAG_MISSED,
    FLAG_ON_TIME,
    FLAG_PRICE,
    FLAG_PRICING_SKILL,
    FLAG_PROACTIVE_UNSEEN,
    FLAG_PROACTIVE_VISIBLE,
    FLAG_REFUND,
    FLAG_REOPENED,
    FLAG_WRONG_BILL,
    IMPLICIT,
    MARK,
    MARK_FAILURE,
    MARK_RECOVERY,
    NOTE,
    NOTE_COMPLETION,
    ONE_WAY,
    PIECE,
    UNSETTLED,
    pick,
    tail,
)
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES, ONE_WAY_TYPES

_CODE: Final = {name: code for code, name in enumerate(EVENT_TYPES)}
_ONE_WAY: Final = np.array([name in ONE_WAY_TYPES for name in EVENT_TYPES])
_CLOSED: Final = CASE_STATUSES.index("closed")
_REOPENED: Final = CASE_STATUSES.index("reopened")
_FAILED_OUTCOMES: Final = ("failed", "declined")
_REFUND_OUTCOMES: Final = ("refund", "refunded")


def from_events(
    pieces: NDArray[Any], events: NDArray[Any], customer: NDArray[np.int32], strings: Strings, policy: Policy
) -> None:
    """Make ``pieces`` (zeros of dtype PIECE) of ``events``, index for index; ``customer`` is their row in the set."""
    tail(pieces)[:] = tail(events)
    for name in ("sequence", "event_hash", "content_hash", "offset", "type"):
        pieces[name] = events[name]
    pieces["customer"] = customer
    pieces["start_ms"] = pieces["end_ms"] = events["occurred_ms"]
    pieces["events"] = 1
    pieces["last_type"] = events["type"]
    pieces["types"] = np.left_shift(np.uint32(1), events["type"].astype(np.uint32))
    pieces["flags"] = _flags(events, strings, policy)
    pieces["journey_start"] = UNSETTLED
    explicit = np.where(events["interaction"] != 0, EXPLICIT, IMPLICIT)
    pieces["grouping"] = np.where(_ONE_WAY[events["type"]], ONE_WAY, explicit)


def _flags(events: NDArray[Any], strings: Strings, policy: Policy) -> NDArray[np.uint32]:
    kind, outcome, status, visible, reason, skill = (
        events[name].copy() for name in ("type", "outcome", "status", "visible", "reason", "skill")
    )

    def has(texts: Collection[str], codes: NDArray[np.int32] = outcome) -> NDArray[np.bool_]:
        known = np.zeros(strings.size, bool)
        known[[strings[text] for text in texts if text in strings]] = True
        known[0] = False
        found: NDArray[np.bool_] = known[codes]
        return found

    proactive = kind == _CODE["proactive_service"]
    case = kind == _CODE["case"]
    flags = np.zeros(len(events), np.uint32)
    flags[(kind == _CODE["payment"]) & has(_FAILED_OUTCOMES)] |= FLAG_FAILED_PAYMENT
    flags[has(_REFUND_OUTCOMES)] |= FLAG_REFUND
    flags[has(policy.completing_outcomes) | (case & (status == _CLOSED))] |= FLAG_COMPLETED
    flags[case & (status == _REOPENED)] |= FLAG_REOPENED
    flags[proactive & (visible == 1)] |= FLAG_PROACTIVE_VISIBLE
    flags[proactive & (visible == 0)] |= FLAG_PROACTIVE_UNSEEN
    flags[has(policy.bill_reasons, reason)] |= FLAG_BILL
    flags[has(policy.wrong_bill_reasons, reason)] |= FLAG_WRONG_BILL
    flags[has(policy.price_reasons, reason)] |= FLAG_PRICE
    flags[has(policy.pricing_skills, skill)] |= FLAG_PRICING_SKILL
    brought = (kind == _CODE["installation"]) | (kind == _CODE["delivery"])
    flags[brought & has(policy.missed_outcomes)] |= FLAG_MISSED
    flags[brought & has(policy.kept_outcomes)] |= FLAG_ON_TIME
    return flags


def completions(pieces: NDArray[Any]) -> NDArray[Any]:
    """A completion note for each event piece that completes its journey; ``owner`` indexes ``pieces``."""
    owner = np.flatnonzero((pieces["flags"] & FLAG_COMPLETED).astype(bool) & (pieces["grouping"] != ONE_WAY))
    notes = np.zeros(len(owner), NOTE)
    notes["owner"], notes["kind"] = owner, NOTE_COMPLETION
    notes["at_ms"] = pieces["start_ms"][owner]
    for name in ("sequence", "event_hash"):
        notes[name] = pieces[name][owner]
    return notes


def marks(pieces: NDArray[Any]) -> NDArray[Any]:
    """Failures and recoveries among event pieces, for service recovery."""
    failure, recovery = pieces["type"] == _CODE["failure"], pieces["type"] == _CODE["recovery"]
    chosen = pick(pieces, failure | recovery)
    found = np.zeros(len(chosen), MARK)
    for name in set(MARK.names or ()) & set(PIECE.names or ()):
        found[name] = chosen[name]
    found["at_ms"] = chosen["start_ms"]
    found["kind"] = np.where(chosen["type"] == _CODE["failure"], MARK_FAILURE, MARK_RECOVERY)
    return found
