"""How to reach the broker: the same answer for Faust and for the job's own aiokafka clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from jobs.sections import SecuritySettings
from jobs.settings import KafkaSettings
from jobs.tls import broker_context

BATCH_BYTES = 512 * 1024
"""Size of a record batch on the wire, before compression; below the broker's 1 MiB."""
FETCH_BYTES = 4 * 1024 * 1024


def credentials(security: SecuritySettings) -> SASLCredentials | SSLCredentials | None:
    """Faust's credentials for these settings; None for PLAINTEXT."""
    context = broker_context(security)
    if security.protocol.startswith("SASL"):
        password = security.password.get_secret_value() if security.password else None
        return SASLCredentials(
            username=security.username, password=password, ssl_context=context, mechanism=security.sasl_mechanism
        )
    return SSLCredentials(context) if context is not None else None


@dataclass(frozen=True, slots=True)
class Connection:
    """Makes clients of one broker."""

    kafka: KafkaSettings

    def _common(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.kafka.bootstrap_servers.split(","),
            "request_timeout_ms": int(self.kafka.request_timeout_s * 1_000),
            **credentials_to_aiokafka_auth(credentials(self.kafka.security)),
        }

    def transactional_producer(self, transactional_id: str) -> AIOKafkaProducer:
        """A producer whose start fences every older one with the same id. Not started."""
        return AIOKafkaProducer(
            transactional_id=transactional_id,
            compression_type="snappy",  # aiokafka compresses lz4 at level 9: six times the CPU for a fifth less
            max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES,
            **self._common(),
        )

    def reader(self) -> AIOKafkaConsumer:
        """A consumer without a group that sees committed records only. Not started, nothing assigned."""
        return AIOKafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            **self._common(),
        )
