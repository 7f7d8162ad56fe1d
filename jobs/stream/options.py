"""Faust's settings, made of ours."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from mode.supervisors import CrashingSupervisor

from jobs.settings import Settings
from jobs.stream.connection import FETCH_BYTES, credentials
from jobs.stream.process import Worker
from jobs.stream.recovery import TableManager

POLL_RECORDS: Final = 5_000
METADATA_AGE_MS: Final = 20_000
"""Partitions added to the topic are noticed within so long: keys have moved away from their state by then."""


def faust_settings(settings: Settings) -> dict[str, Any]:
    """Faust's settings from ours."""
    kafka, worker = settings.kafka, settings.worker
    return {
        "id": kafka.application_id,
        "broker": [f"kafka://{address.strip()}" for address in kafka.bootstrap_servers.split(",")],
        "broker_credentials": credentials(kafka.security),
        "broker_request_timeout": kafka.request_timeout_s,
        "broker_session_timeout": min(kafka.session_timeout_s, kafka.request_timeout_s),
        "consumer_group_instance_id": kafka.instance_id,
        "broker_rebalance_timeout": max(worker.shutdown_deadline_s * 2, 60.0),
        "broker_heartbeat_interval": 2.0,
        "broker_commit_interval": 1.0,
        "broker_max_poll_records": POLL_RECORDS,
        "consumer_max_fetch_size": FETCH_BYTES,
        "consumer_metadata_max_age_ms": METADATA_AGE_MS,
        "consumer_auto_offset_reset": "earliest",
        "producer_request_timeout": kafka.request_timeout_s,
        "producer_compression_type": "lz4",
        "producer_acks": -1,
        "topic_partitions": kafka.partitions,
        "topic_replication_factor": kafka.replication_factor,
        "topic_allow_declare": kafka.topic_allow_declare,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,
        "store": "memory://",
        "datadir": Path(tempfile.gettempdir()) / "perception-unused",
        "agent_supervisor": CrashingSupervisor,
        "stream_wait_empty": True,
        "stream_recovery_delay": 0.0,
        "TableManager": TableManager,
        "Worker": Worker,
        "worker_redirect_stdouts": False,
        "autodiscover": False,
        "web_enabled": worker.web,
        "web_bind": "127.0.0.1",
        "web_port": worker.web_port,
        "web_tables_enabled": False,
    }
