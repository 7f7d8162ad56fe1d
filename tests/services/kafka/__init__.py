"""A real Kafka broker without Docker: ``python -m tests.services.kafka`` runs one in the foreground."""

from tests.services.kafka.broker import Broker, Cluster

__all__ = ["Broker", "Cluster"]
