"""One POST against a real receiver: redirects, hangs, long answers, certificates."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.notify.destination import Destination
from jobs.notify.errors import DeliveryFailedError
from jobs.notify.posting import ANSWER_BYTES, Poster
from tests.notify.http import Heard, receiver


@pytest.fixture
def heard() -> Iterator[Heard]:
    with receiver() as one:
        yield one


def target(port: int, *, tls: bool = False) -> Destination:
    return Destination("localhost", port, "/secret-path", tls=tls, inside=True)


def post(port: int, deadline_s: float = 5.0) -> int:
    return Poster(deadline_s, resolve=lambda *_: ["127.0.0.1"]).post(target(port), "/secret-path", b"{}", {})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(heard: Heard, status: int) -> None:
    with receiver() as elsewhere:
        heard.answers = [(status, {"Location": f"{elsewhere.url}/inside"}, b"")]
        with pytest.raises(DeliveryFailedError, match="redirect") as error:
            post(heard.port)
        assert error.value.permanent
        assert elsewhere.requests == []


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (404, True), (408, False), (429, False), (500, False)])
def test_refusals_that_pass_are_told_from_those_that_do_not(heard: Heard, status: int, permanent: bool) -> None:
    heard.answers = [(status, {}, b"")]
    with pytest.raises(DeliveryFailedError) as error:
        post(heard.port)
    assert error.value.permanent is permanent
    assert "secret" not in str(error.value)


def test_a_long_answer_is_not_read_to_its_end(heard: Heard) -> None:
    heard.answers = [(200, {}, b"x" * (ANSWER_BYTES * 4))]
    assert post(heard.port) == 200


def test_a_receiver_that_hangs_is_left_after_the_deadline(heard: Heard) -> None:
    heard.hang.clear()
    with pytest.raises(DeliveryFailedError):
        post(heard.port, deadline_s=0.2)


def test_an_answer_that_trickles_does_not_outlast_the_deadline() -> None:
    """Every byte comes well within a socket's time-out: only a deadline over the whole exchange ends it."""
    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            one, _ = server.accept()
            with one, contextlib.suppress(OSError):
                for number in range(1_000):
                    one.sendall(b"H")
                    sent.append(number)
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(DeliveryFailedError):
            post(server.getsockname()[1], deadline_s=0.4)
        thread.join()
    assert 1 < len(sent) < 1_000


def test_a_certificate_must_be_the_hosts(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with _tls_server(context) as port:
        outcomes = {
            "trusted": _outcome(Poster(5.0, trusting, lambda *_: ["127.0.0.1"]), target(port, tls=True)),
            "unknown authority": _outcome(Poster(5.0, None, lambda *_: ["127.0.0.1"]), target(port, tls=True)),
            "other host": _outcome(
                Poster(5.0, trusting, lambda *_: ["127.0.0.1"]), Destination("other", port, "/", tls=True, inside=True)
            ),
        }
    assert outcomes == {"trusted": "200", "unknown authority": "refused", "other host": "refused"}


def _outcome(poster: Poster, to: Destination) -> str:
    try:
        return str(poster.post(to, "/", b"{}", {}))
    except DeliveryFailedError as error:
        return "refused" if "CertVerification" in str(error) else str(error)


class _tls_server:  # noqa: N801 - reads as a function
    """Answers three connections, whatever they are."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        for _ in range(3):
            plain, _ = self._server.accept()
            try:
                with self._context.wrap_socket(plain, server_side=True) as one:
                    while not one.recv(65_536).endswith(b"{}"):
                        continue
                    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                plain.close()
