"""The Kafka key of an event: its customer, so that one customer's events stay in one partition, in order."""

from __future__ import annotations

from typing import Final

import msgspec


class _Event(msgspec.Struct):
    customer_id: str = ""


class _CloudEvent(msgspec.Struct):
    data: _Event
    specversion: str


_event: Final = msgspec.json.Decoder(_Event).decode
_cloud_event: Final = msgspec.json.Decoder(_CloudEvent).decode


def key_of(value: bytes) -> bytes | None:
    """UTF-8 bytes of the customer of an event (plain JSON or structured CloudEvents), None if it names none.

    >>> key_of(b'{"customer_id":"c1","type":"call"}'), key_of(b'{"specversion":"1.0","data":{"customer_id":"c2"}}')
    (b'c1', b'c2')
    >>> key_of(b"not JSON") is key_of(b"{}") is None
    True
    """
    try:
        customer = _event(value).customer_id or _cloud_event(value).data.customer_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return customer.encode() or None
