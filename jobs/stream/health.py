"""``/healthz`` and ``/readyz``, answered by a thread outside the event loop, so that a hung loop can still be told.

========= ======================================================= ===========================================
path      200 means                                               503 asks for
========= ======================================================= ===========================================
/healthz  the event loop runs and the flush under way gives signs a restart; all stacks are in the log, once
/readyz   partitions are restored, progress is made, rows go out  patience, or a look at what it names
========= ======================================================= ===========================================
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

from jobs.stream.signs import Glimpse, Name, Signs
from jobs.stream.stacks import stacks

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
REQUEST_TIMEOUT_S: Final = 2.0

Look = Callable[[], tuple[Mapping[Name, Glimpse], bool]]
"""Partitions at this moment, and whether all assigned ones are restored."""


class Watchdog:
    """A thread that judges the signs once a second and answers requests in between."""

    def __init__(self, signs: Signs, host: str, port: int) -> None:
        self._signs = signs
        self._address = (host, port)
        self._server: HTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._told = False

    @property
    def port(self) -> int | None:
        """Where it listens; None if it does not."""
        return int(self._server.server_address[1]) if self._server is not None else None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen and watch. A port that is taken costs the endpoint, not the worker."""
        try:
            self._server = HTTPServer(self._address, _handler(self._signs))
            self._server.timeout = BEAT_S
            log.info("Health at http://%s:%d/healthz and /readyz", self._address[0], self.port)
        except OSError as error:
            log.warning("No health endpoint at %s:%d: %s", *self._address, error)
        self._thread = threading.Thread(target=self._run, args=(loop,), name="perception-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and free the port."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(BEAT_S + 2 * REQUEST_TIMEOUT_S)
        if self._server is not None:
            self._server.server_close()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._over.is_set():
            if self._server is not None:
                self._server.handle_request()
            else:
                self._over.wait(BEAT_S)
            self._watch(loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        reasons = self._signs.hung(time.monotonic())
        if reasons and not self._told:
            log.critical("The worker hangs: %s\n%s", "; ".join(reasons), stacks(loop))
        elif self._told and not reasons:
            log.warning("The worker goes on")
        self._told = bool(reasons)


def _handler(signs: Signs) -> type[BaseHTTPRequestHandler]:
    judges = {"/healthz": signs.hung, "/readyz": signs.unready}

    class Handler(BaseHTTPRequestHandler):
        """Answers two paths, as JSON."""

        timeout = REQUEST_TIMEOUT_S

        def do_GET(self) -> None:
            """200, or 503 with the reasons."""
            judge = judges.get(self.path)
            if judge is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            reasons = judge(time.monotonic())
            body = json.dumps({"ok": not reasons, "reasons": reasons}).encode()
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a probe every few seconds is no news."""

    return Handler


async def pulse(signs: Signs, look: Look) -> None:
    """Beat for ever; ends by cancellation."""
    while True:
        try:
            glimpses, restored = look()
        except Exception:
            # A worker must not die of being looked at; it is not ready, then.
            log.exception("The partitions cannot be looked at")
            glimpses, restored = {}, False
        signs.beat(time.monotonic(), glimpses, restored=restored)
        await asyncio.sleep(BEAT_S)
