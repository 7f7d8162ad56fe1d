"""Why a broker cannot be reached, in words: the client libraries only say that it cannot."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from jobs.errors import BrokerError
from jobs.settings import KafkaSettings
from jobs.tls import broker_context

TIMEOUT_S: Final = 3.0
_PORT: Final = 9092
_SET: Final = "PERCEPTION_KAFKA__"


def unreachable(kafka: KafkaSettings) -> BrokerError:
    """The error for a broker that does not answer as it should; tries the first address once more to find out why."""
    host, port = _address(kafka.bootstrap_servers)
    shown = f"no broker answers at {kafka.bootstrap_servers}"
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as peer:
            return _listening(kafka, peer, host)
    except OSError as error:
        return BrokerError(
            f"{shown}: {error.strerror or error}",
            action=f"Start the broker, or set {_SET}BOOTSTRAP_SERVERS (and …__SECURITY__…) to where it is.",
        )


def _address(servers: str) -> tuple[str, int]:
    host, _, port = servers.partition(",")[0].strip().rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (port, _PORT)


def _listening(kafka: KafkaSettings, peer: socket.socket, host: str) -> BrokerError:
    """Somebody listens there: what is wrong with the conversation?"""
    security, shown = kafka.security, f"Kafka at {kafka.bootstrap_servers}"
    context = broker_context(security)
    if context is not None and (why := _refused(context, peer, host)):
        return BrokerError(
            f"{shown}: no TLS: {why}",
            action=f"Correct {_SET}SECURITY__CAFILE (or __CERTFILE, __KEYFILE), or the host name that the "
            "broker's certificate is for.",
        )
    if security.protocol.startswith("SASL"):
        return BrokerError(
            f"{shown}: the login of {security.username} by {security.sasl_mechanism} fails",
            action=f"Correct {_SET}SECURITY__USERNAME, __PASSWORD (or __PASSWORD_FILE) and __SASL_MECHANISM.",
        )
    return BrokerError(
        f"{shown}: somebody listens, but does not speak {security.protocol}",
        action=f"Set {_SET}SECURITY__PROTOCOL to what the broker speaks at this address; "
        "if it is right, look at the broker's log.",
    )


def _refused(context: ssl.SSLContext, peer: socket.socket, host: str) -> str:
    """What TLS says against this connection; empty if nothing."""
    try:
        with context.wrap_socket(peer, server_hostname=host) as tls:
            tls.settimeout(TIMEOUT_S / 3)
            tls.recv(1)  # TLS 1.3: only now the broker says that it misses a client certificate
    except TimeoutError:
        return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        reason = getattr(error, "reason", None)
        return reason.removeprefix("SSLV3_").replace("_", " ").lower() if reason else str(error)
    return ""
