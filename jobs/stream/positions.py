"""Does the log still hold what the state says comes next?"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from jobs.stream.errors import LogBehindError

log = logging.getLogger(__name__)


def check_positions(
    topic: str, positions: Mapping[int, int], firsts: Mapping[int, int | None], ends: Mapping[int, int | None]
) -> None:
    """Compare the next offsets to read with the bounds of the log, all by partition.

    Records that retention has deleted unread are reported as an error and skipped: nobody can bring them back. A log
    that ends before the state raises :class:`LogBehindError`: its offsets mean other records now.
    """
    for partition, position in positions.items():
        first, end = firsts.get(partition) or 0, ends.get(partition) or 0
        if position > end:
            raise LogBehindError(
                f"{topic}[{partition}] ends at offset {end}, but the state includes everything before {position}: "
                "the topic was recreated or truncated",
                action="Restore the old topic, or give the recreated one a new PERCEPTION_KAFKA__APPLICATION_ID and an "
                "empty database (PERCEPTION_WAREHOUSE__URL): rows carry offsets as versions, which begin anew with "
                "the topic, and the old rows would win.",
            )
        if 0 < position < first:
            log.error(
                "%s[%d]: offsets %d to %d were deleted by retention before they were read; going on behind them",
                topic,
                partition,
                position,
                first - 1,
            )
