"""A real HTTP receiver in a thread: remembers what came, answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Heard:
    """What a receiver got; ``answers`` are given in turn (status, headers, body), then 200."""

    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    hang: threading.Event = field(default_factory=threading.Event)
    """Set = answer; a receiver that hangs has it cleared."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def receiver() -> Iterator[Heard]:
    heard = Heard()
    heard.hang.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.requests.append(Request(self.path, dict(self.headers), body))
            heard.hang.wait(20)
            status, headers, content = heard.answers.pop(0) if heard.answers else (200, {}, b"")
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    heard.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield heard
    finally:
        heard.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()
