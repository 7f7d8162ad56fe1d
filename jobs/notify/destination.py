"""Where notifications may go: an address from the settings, and the network addresses behind its name.

A name is looked up once per connection, every answer is checked, and the checked address is the one connected to:
a name server that answers differently the second time has no second time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from jobs.notify.errors import DeliveryFailedError, RefusedError, UnusableDestinationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Collection[str]]
"""Network addresses of a host and port."""

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
ALLOW: Final = "PERCEPTION_NOTIFY__ALLOWED_HOSTS"
ALLOW_INSIDE: Final = "PERCEPTION_NOTIFY__ALLOWED_PRIVATE_HOSTS"


@dataclass(frozen=True, slots=True)
class Destination:
    """A host that may be connected to; ``inside``: also where its address is private, loopback or link-local."""

    host: str
    port: int
    path: str
    tls: bool
    inside: bool


def destination(url: str, allowed: Collection[str], inside: Collection[str]) -> Destination:
    """The destination of an address in the settings.

    Raises :class:`UnusableDestinationError` if its host is not in either list, or if it is plain HTTP to a host
    outside. Messages name the host only: the rest of such an address is often a secret.
    """
    parts = _parsed(url)
    host = (parts.hostname or "").lower()
    if host not in {*map(str.lower, allowed), *map(str.lower, inside)}:
        raise UnusableDestinationError(f"{host} is not an allowed host", action=f"Name it in {ALLOW}.")
    within = host in map(str.lower, inside)
    tls = parts.scheme == "https"
    if not (tls or within):
        raise UnusableDestinationError(
            f"{host}: plain http may only go to hosts inside", action=f"Use https, or name it in {ALLOW_INSIDE}."
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(host, parts.port or _PORTS[parts.scheme], path, tls, within)


def _parsed(url: str) -> SplitResult:
    action = "Write https://host/path, without a user and without blanks."
    try:
        parts = urlsplit(url)
        sound = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise UnusableDestinationError("the address of a receiver cannot be read", action=action) from None
    if (
        not sound
        or parts.username is not None
        or not url.isascii()
        or any(char <= " " or char == "\x7f" for char in url)
    ):
        raise UnusableDestinationError("the address of a receiver cannot be used", action=action)
    return parts


def look_up(host: str, port: int) -> list[str]:
    """Addresses as the system resolves them, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_address(target: Destination, resolve: Resolve) -> str:
    """The one address to connect to. Raises :class:`RefusedError` if any answer is one that is not allowed.

    One bad answer among good ones is enough: whoever can add it can have it chosen.
    """
    try:
        answers = list(resolve(target.host, target.port))
        addresses = [ipaddress.ip_address(answer.partition("%")[0]) for answer in answers]
    except (OSError, ValueError) as error:
        raise DeliveryFailedError(f"{target.host} cannot be looked up: {type(error).__name__}") from error
    if not addresses:
        raise DeliveryFailedError(f"{target.host} has no address")
    if any(not permitted(address, inside=target.inside) for address in addresses):
        raise RefusedError(
            f"{target.host} leads to a private, loopback or link-local address",
            action=f"If that is meant, name the host in {ALLOW_INSIDE}.",
        )
    return answers[0]


def permitted(address: Address, *, inside: bool) -> bool:
    """Whether to connect: public addresses, and with ``inside`` all but multicast and unspecified ones."""
    real = _embedded(address)
    if real.is_multicast or real.is_unspecified:
        return False
    return inside or real.is_global


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
