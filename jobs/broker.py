"""Kafka through kafka-python: what every client of ours is configured with, and its errors in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.errors import AuthorizationError, KafkaError, KafkaTimeoutError

from jobs.errors import BrokerError
from jobs.reach import unreachable
from jobs.settings import KafkaSettings
from jobs.tls import broker_context

BOOTSTRAP_TIMEOUT_MS: Final = 10_000


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments common to kafka-python's admin client, consumer and producer."""
    security = kafka.security
    options = {
        "bootstrap_servers": [server.strip() for server in kafka.bootstrap_servers.split(",")],
        "client_id": f"{kafka.application_id}-cli",
        "bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS,
        "security_protocol": security.protocol,
        "ssl_context": broker_context(security),
        "sasl_mechanism": security.sasl_mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password.get_secret_value() if security.password else None,
    }
    return {name: value for name, value in options.items() if value is not None}


@contextmanager
def broker_errors(kafka: KafkaSettings) -> Iterator[None]:
    """Turn errors of kafka-python into :class:`BrokerError` with the next step."""
    try:
        yield
    except KafkaTimeoutError as error:
        raise unreachable(kafka) from error
    except (KafkaError, OSError) as error:
        message = f"Kafka at {kafka.bootstrap_servers}: {type(error).__name__}: {error}"
        raise BrokerError(message, action=_action(error, kafka)) from error


def _action(error: Exception, kafka: KafkaSettings) -> str:
    if isinstance(error, AuthorizationError):
        return f"Give {kafka.security.username or 'this client'} the right to use the topic."
    return "Start the broker, or set PERCEPTION_KAFKA__BOOTSTRAP_SERVERS (and …__SECURITY__…) to where it is."
