"""Run a broker in the foreground until Ctrl-C and print its address: for manual use without Docker."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.services.kafka.broker import Cluster


def main() -> None:
    """Start the nodes, say where they are and wait for SIGINT or SIGTERM; the data goes with them."""
    parser = argparse.ArgumentParser(prog="python -m tests.services.kafka", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1, help="brokers of the cluster (1 or 3)")
    nodes = parser.parse_args().nodes
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Cluster(nodes) as cluster:
        print(f"Kafka is ready at {cluster.bootstrap}")
        print(f"  export PERCEPTION_TEST_KAFKA={cluster.bootstrap}")
        print(f"  export PERCEPTION_KAFKA__BOOTSTRAP_SERVERS={cluster.bootstrap}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
