"""Why the worker stops. Each of these ends the process; state, rows and offsets stay consistent, a restart goes on.

::

    StreamError
    ├── ChangelogError            the state cannot be written
    │   └── FencedError           another worker took the partition over
    ├── RecoveryError             the state cannot be restored
    │   ├── UnreadableStateError  a changelog record that this version cannot read
    │   ├── BrokenChainError      markers are missing from the changelog, or follow a foreign one
    │   ├── StateBehindError      offsets are committed beyond the state
    │   ├── LogBehindError        the input log ends before the state
    │   └── NoRoomError           the state does not fit into memory
    ├── PartitionsError           topics that must have the same number of partitions do not
    ├── ProcessingError           the pipeline fails on records that it should take or refuse
    ├── RejectedShareError        most records are refused: something upstream is wrong
    └── DeliveryError             Faust lost or repeated a batch between fetch and agent
"""

from __future__ import annotations

from jobs.errors import PerceptionError


class StreamError(PerceptionError):
    """The worker cannot go on."""


class ChangelogError(StreamError):
    """A flush could not be written to the changelog; nothing of it took effect."""


class FencedError(ChangelogError):
    """Another worker owns the partition now; nothing of this flush took effect."""


class RecoveryError(StreamError):
    """The state of a partition cannot be restored."""


class UnreadableStateError(RecoveryError):
    """A changelog record cannot be decoded."""


class BrokenChainError(RecoveryError):
    """The markers of the changelog do not follow each other."""


class StateBehindError(RecoveryError):
    """The consumer group has committed an offset that the state does not include."""


class LogBehindError(RecoveryError):
    """The state includes offsets that the input log does not have."""


class NoRoomError(RecoveryError):
    """The state of the assigned partitions does not fit into the memory that the worker may use."""


class PartitionsError(StreamError):
    """The input topic and the changelog are not co-partitioned."""


class ProcessingError(StreamError):
    """The pipeline failed on records: a defect. The message names offsets and lines of code, no data."""


class RejectedShareError(StreamError):
    """More records are rejected than the limit allows."""


class DeliveryError(StreamError):
    """A batch did not follow the one before: a defect of the job or an incompatible Faust."""
