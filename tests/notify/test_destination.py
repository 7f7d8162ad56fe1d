"""Where nothing may be sent: hosts that nobody named, addresses inside, names that change their mind."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from jobs.notify.destination import Destination, checked_address, destination, permitted
from jobs.notify.errors import DeliveryFailedError, RefusedError, UnusableDestinationError
from jobs.notify.posting import Poster
from tests.notify.http import Heard, receiver

INSIDE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1",
    "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "198.18.0.1",
)  # fmt: skip
NEVER = ("224.0.0.1", "ff02::1", "0.0.0.0", "::")


@pytest.fixture
def heard() -> Iterator[Heard]:
    with receiver() as one:
        yield one


def test_a_host_must_be_named() -> None:
    found = destination("https://Hooks.Example.com/a?b=1", ["hooks.example.com"], [])
    assert found == Destination("hooks.example.com", 443, "/a?b=1", tls=True, inside=False)
    for url in ("https://hooks.example.com.evil.org/", "https://evil.org/hooks.example.com", "https://example.com"):
        with pytest.raises(UnusableDestinationError, match="not an allowed host"):
            destination(url, ["hooks.example.com"], [])


def test_plain_http_is_for_hosts_inside_only() -> None:
    assert destination("http://alertmanager:9093", [], ["alertmanager"]).inside
    with pytest.raises(UnusableDestinationError, match="plain http"):
        destination("http://hooks.example.com/secret", ["hooks.example.com"], [])


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "https:///x", "https://user:secret@a/", "https://a:99999/", "https://a/\r\nX: 1", "https://a b/", "a"],
)
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(UnusableDestinationError) as error:
        destination(url, ["a"], ["a"])
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    target = Destination("a", 443, "/", tls=True, inside=False)
    with pytest.raises(RefusedError, match="private, loopback or link-local"):
        checked_address(target, lambda *_: ["93.184.215.14", address])
    assert permitted(ipaddress.ip_address(address), inside=True) is (address not in NEVER)


@pytest.mark.parametrize("address", NEVER)
def test_nobody_is_at_some_addresses(address: str) -> None:
    assert not permitted(ipaddress.ip_address(address), inside=True)


def test_public_addresses_are_taken_in_their_order() -> None:
    target = Destination("a", 443, "/", tls=True, inside=False)
    assert checked_address(target, lambda *_: ["2606:2800::1", "93.184.215.14"]) == "2606:2800::1"
    with pytest.raises(DeliveryFailedError, match="no address"):
        checked_address(target, lambda *_: [])


def test_a_host_that_is_allowed_outside_does_not_lead_inside(heard: Heard) -> None:
    target = Destination("hooks.example.com", heard.port, "/", tls=False, inside=False)
    with pytest.raises(RefusedError):
        Poster(5.0, resolve=lambda *_: ["127.0.0.1"]).post(target, "/", b"{}", {})
    assert heard.requests == []


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(heard: Heard) -> None:
    """A name server that answers well for the check and badly for the connection has no second question to answer."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    target = Destination("alertmanager", heard.port, "/", tls=False, inside=True)
    assert Poster(5.0, resolve=rebinding).post(target, "/in", b"{}", {}) == 200
    assert asked == ["alertmanager"]
    assert heard.requests[0].headers["Host"] == f"alertmanager:{heard.port}"
    outside = Destination("hooks.example.com", heard.port, "/", tls=False, inside=False)
    with pytest.raises(RefusedError):
        Poster(5.0, resolve=rebinding).post(outside, "/", b"{}", {})
