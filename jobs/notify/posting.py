"""One POST: no redirect is followed, TLS is verified, time and answer are bounded."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jobs.notify.destination import Destination, Resolve, checked_address, look_up
from jobs.notify.errors import DeliveryFailedError

ANSWER_BYTES: Final = 64 * 1024
_AGAIN: Final = frozenset({408, 425, 429})
"""Refusals that pass, beside all server errors."""


@dataclass(frozen=True, slots=True)
class Poster:
    """How to connect; ``deadline_s`` bounds a whole exchange, however slowly its bytes come."""

    deadline_s: float
    tls: ssl.SSLContext | None = None
    """None = the system's certificate authorities."""
    resolve: Resolve = look_up

    def post(self, target: Destination, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send ``body``; returns the status, which is a success.

        Raises :class:`DeliveryFailedError`; its message holds the host, never the path, a header or the body.
        """
        connection = _Connection(target, self)
        cut = threading.Timer(self.deadline_s, connection.cut)
        cut.start()
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            answer.read(ANSWER_BYTES)
            return _judged(target, answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DeliveryFailedError(f"{target.host} did not take it: {type(error).__name__}") from error
        finally:
            cut.cancel()
            connection.close()
            cut.join()


def _judged(target: Destination, answer: http.client.HTTPResponse) -> int:
    status = answer.status
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise DeliveryFailedError(
            f"{target.host} answers with a redirect ({status}), which is not followed",
            permanent=True,
            action="Set the address that it leads to, if it is yours.",
        )
    permanent = status < 500 and status not in _AGAIN
    action = "Check the receiver's address, key and token." if permanent else ""
    raise DeliveryFailedError(f"{target.host} answers {status}", permanent=permanent, action=action)


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was checked; the host's name is used for TLS and the Host header only."""

    def __init__(self, target: Destination, poster: Poster) -> None:
        super().__init__(target.host, target.port, timeout=poster.deadline_s)
        self._target = target
        self._poster = poster
        self._open: socket.socket | None = None
        self._late = threading.Event()

    def connect(self) -> None:
        """Connect to the checked address; a certificate must be the host's."""
        address = checked_address(self._target, self._poster.resolve)
        self.sock = self._open = socket.create_connection((address, self._target.port), self._poster.deadline_s)
        if self._target.tls:
            context = self._poster.tls or ssl.create_default_context()
            self.sock = self._open = context.wrap_socket(self.sock, server_hostname=self._target.host)
        if self._late.is_set():
            raise TimeoutError

    def cut(self) -> None:
        """End the exchange from another thread."""
        self._late.set()
        if self._open is not None:
            try:
                self._open.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
