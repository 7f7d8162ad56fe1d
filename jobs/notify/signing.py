"""The signature of a webhook: HMAC-SHA256 over the time and the body, so that neither can be changed or sent again.

A receiver computes ``HMAC-SHA256(key, timestamp + "." + body)``, compares it with the header in constant time, and
refuses timestamps that are minutes old.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

TIMESTAMP: Final = "X-Perception-Timestamp"
"""Header: seconds since 1970, decimal."""
SIGNATURE: Final = "X-Perception-Signature"
"""Header: ``sha256=`` and the HMAC in hex."""
DELIVERY: Final = "X-Perception-Delivery"
"""Header: the same for every try of one notification."""


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """The signature header's value.

    >>> signature(b"key", "1700000000", b"{}")[:23]
    'sha256=9d713ed406bb7076'
    """
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def headers(key: bytes | None, now_s: float, body: bytes, delivery: str) -> dict[str, str]:
    """Headers of one notification; unsigned without a key."""
    timestamp = str(int(now_s))
    signed = {} if key is None else {SIGNATURE: signature(key, timestamp, body)}
    return {TIMESTAMP: timestamp, DELIVERY: delivery, **signed}
