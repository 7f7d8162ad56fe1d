"""``docs/topics.md``."""

from __future__ import annotations

from jobs.reference.markdown import code, page, table
from jobs.settings import KafkaSettings
from jobs.stream.rejected import LARGEST_BYTES
from jobs.topics import Topic, declared
from schemas.generate import asyncapi

_INTRODUCTION = """`perception topics apply` creates these and sets their configuration; it can be repeated. The values
are those of the default settings: names, partitions, replicas and retention come from [settings](settings.md#kafka).

Those with more than one partition have the same number of them: a partition's state lies in the changelog partition of
the same number, and what was told of an alert in that of the alert. So the number is never changed later: keys would
move and the state would not. `perception topics apply` and the worker refuse it. Detection compares a cell with its
parents and its siblings, so all cells of an organisation are in one partition."""

_KEYS = (
    "`customer_id`, UTF-8",
    "as the refused record had it",
    "a key of the partition's state",
    "`alert_id`",
    "application id and input partition",
    "a key of the state of detection",
    "receiver and `alert_id`",
    "id of the silence",
)
_ABOUT = (
    "Events and ticks. Producers write, workers read.",
    "Refused records: original key, value and headers, and why. Workers write, `perception dlq` reads.",
    "State of the workers. Only they read and write it, in transactions; never edit or truncate it.",
    "Transitions of alerts, the last of each. Workers write, `perception alerts notify` and your own consumers read.",
    "Cumulative totals of the cells that each flush changed, as blocks of columns. Workers write, detection reads.",
    "State of detection: totals by bucket, and what was told. As the state of the workers.",
    "Who was told of which alert. Only `perception alerts notify` reads and writes it.",
    "Silences. `perception alerts silence` writes, `perception alerts notify` reads.",
)


def render() -> str:
    """The page."""
    topics = declared(KafkaSettings())
    rows = [_row(*item) for item in zip(topics, _KEYS, _ABOUT, strict=True)]
    overview = table(["Topic", "Partitions", "Key", "Clean-up", "About"], rows)
    return page("Topics", _INTRODUCTION, overview, _configurations(topics), _headers())


def _row(topic: Topic, key: str, about: str) -> tuple[str, ...]:
    return code(topic.name), str(topic.partitions), key, code(topic.configs["cleanup.policy"]), about


def _configurations(topics: tuple[Topic, ...]) -> str:
    rows = [(code(one.name), code(name), code(value)) for one in topics for name, value in one.configs.items()]
    return f"## Configuration\n\n{table(['Topic', 'Name', 'Value'], rows)}"


def _headers() -> str:
    headers = asyncapi()["components"]["messages"]["rejected"]["headers"]["properties"]
    rows = [(code(name), schema["description"]) for name, schema in headers.items()]
    cut = f"A value longer than {LARGEST_BYTES:,} bytes is cut to that: the source topic has it whole."
    return f"## Headers of a rejected record\n\n{table(['Header', 'Meaning'], rows)}\n\n{cut}"
