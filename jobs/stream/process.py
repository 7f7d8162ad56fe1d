"""The worker process: a stop by signal ends within the deadline, whatever hangs."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from typing import Final

import faust
from aiokafka.errors import KafkaConnectionError

from jobs.reach import unreachable
from jobs.stream.heap import keep_freed_memory

log = logging.getLogger(__name__)

EXIT_DEADLINE = 1
COLLECT_AFTER: Final = 100_000
"""Objects made before the cycle collector looks at them: a batch makes tens of thousands, none of them in cycles,
and with Python's 700 the collector takes a tenth of the worker's time."""


class Worker(faust.Worker):
    """Faust's worker; the first SIGTERM or SIGINT also starts a clock.

    Leaving late is safe for the data (it is the same as a crash: the next owner writes unconfirmed rows again), but
    an orchestrator would kill the process anyway, without a word in the log.
    """

    async def on_first_start(self) -> None:
        """As Faust's; what is loaded by then stays, so the cycle collector need not look at it again."""
        keep_freed_memory()
        await super().on_first_start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)

    def _flag_as_shutdown_by_signal(self) -> None:
        super()._flag_as_shutdown_by_signal()
        deadline_s = self.app.settings.worker.shutdown_deadline_s
        clock = threading.Timer(deadline_s, self._leave, args=(deadline_s,))
        clock.daemon = True
        clock.start()

    def on_worker_shutdown(self) -> None:
        """Say why, if the worker stops because something failed, or could not even start."""
        super().on_worker_shutdown()
        reason = self.crash_reason or sys.exc_info()[1]
        if isinstance(reason, KafkaConnectionError):
            reason = unreachable(self.app.settings.kafka)
        if isinstance(reason, Exception):
            self.app.announce(reason)

    @staticmethod
    def _leave(deadline_s: float) -> None:
        log.critical("Not stopped within %.0f s: leaving, the next owner completes the work.", deadline_s)
        logging.shutdown()
        os._exit(EXIT_DEADLINE)
