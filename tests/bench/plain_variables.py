"""Environment variables of the plain agent; apart, because importing the agent makes an application."""

BROKER = "BENCH_BROKER"
APPLICATION = "BENCH_APPLICATION"
TOPIC = "BENCH_TOPIC"
PARTITIONS = "BENCH_PARTITIONS"
