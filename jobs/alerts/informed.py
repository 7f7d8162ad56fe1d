"""Detection that asks the warehouse what the cells do not know: the signals that moved, and example customers.

Best effort: what the warehouse does not answer is left out, and an alert never waits for it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from jobs.alerts.loading import where
from jobs.warehouse import Warehouse
from jobs.warehouse.errors import WarehouseError
from pipeline.batch import Columns, Flush, Marker, RawBatch, Rejected
from pipeline.detect.series import Scope
from pipeline.detection import DetectionPipeline
from pipeline.policy import DAY_MS
from schemas.alert import AlertTransition, SignalShift, alert_columns
from schemas.tables import DIMENSIONS

log = logging.getLogger(__name__)

_BEFORE_MS: Final = 28 * DAY_MS
_LEAST_DEVIATIONS: Final = 3.0
_MOST: Final = 5
_SPAN: Final = """started_at >= fromUnixTimestamp64Milli({{first:Int64}})
    AND started_at < fromUnixTimestamp64Milli({{end:Int64}}){scope}"""
_SHIFTS: Final = """SELECT started_at >= fromUnixTimestamp64Milli({{since:Int64}}) AS during,
    countIf(isNotNull(resolved)), countIf(resolved), count(), countIf(transfers >= 2), count(), countIf(complaint),
    count(), countIf(failure), count(), countIf(failed_payment),
    countIf(isNotNull(wait_s) AND isNotNull(promised_s)), countIf(wait_s > promised_s)
FROM interactions WHERE {span} GROUP BY during"""
_SIGNALS: Final = ("resolved", "transfers", "complaint", "failure", "failed_payment", "wait")
_EXAMPLES: Final = """SELECT customer_id, avg(ifNull({score}, 100)) AS points FROM interactions
WHERE {span} AND segment != 'restricted' GROUP BY customer_id ORDER BY points, customer_id LIMIT {most}"""


class Informed:
    """A detection pipeline whose drops come with signals and examples; a :class:`jobs.stream.protocols.Pipeline`."""

    def __init__(self, detection: DetectionPipeline, warehouse: Callable[[], Warehouse]) -> None:
        self._detection = detection
        self._warehouse = warehouse
        self._told = False

    @property
    def marker(self) -> Marker:
        """Where the last flush ended."""
        return self._detection.marker

    def process(self, batches: Sequence[RawBatch]) -> Flush:
        """As the detection, with what the warehouse knows."""
        return self.inform(self._detection.process(batches))

    def rewrite(self, committed: int) -> Mapping[str, Columns]:
        """As the detection."""
        told = self._detection.unconfirmed(committed)
        return {"alert_rows": alert_columns(map(self._informed, told))} if told else {}

    def reread(self, batches: Sequence[RawBatch]) -> tuple[Mapping[str, Columns], Sequence[Rejected]]:
        """As the detection."""
        return self._detection.reread(batches)

    def inform(self, flush: Flush) -> Flush:
        """The same flush, its drops completed."""
        made = flush.messages.get("alerts", ())
        if not made:
            return flush
        told = [self._informed(AlertTransition.model_validate_json(value)) for _, value in made]
        messages = {**flush.messages, "alerts": [(one.key(), one.value()) for one in told]}
        return replace(flush, messages=messages, rows={**flush.rows, "alert_rows": alert_columns(told)})

    def _informed(self, one: AlertTransition) -> AlertTransition:
        if one.detector != "drop" or one.state != "firing":
            return one
        try:
            cause = one.cause.model_copy(update={"signals": self._signals(one), "examples": self._examples(one)})
        except WarehouseError as error:
            if not self._told:
                log.warning("Alerts come without signals and examples: %s", error)
            self._told = True
            return one
        return one.model_copy(update={"cause": cause})

    def _signals(self, one: AlertTransition) -> tuple[SignalShift, ...]:
        condition, labels = where(Scope(**one.scope))
        span = {"first": one.since_ms - _BEFORE_MS, "since": one.since_ms, "end": one.at_ms}
        sql = _SHIFTS.format(span=_SPAN.format(scope=condition))
        counts = {bool(row[0]): row[1:] for row in self._warehouse().query(sql, {**span, **labels})}
        return shifts(counts.get(False, ()), counts.get(True, ()))

    def _examples(self, one: AlertTransition) -> tuple[str, ...]:
        condition, labels = where(Scope(**one.scope))
        span = {"first": one.since_ms, "end": one.at_ms}
        score = f"{one.dimensions[0] if one.dimensions else DIMENSIONS[0]}_score"
        sql = _EXAMPLES.format(score=score, span=_SPAN.format(scope=condition), most=_MOST)
        return tuple(str(row[0]) for row in self._warehouse().query(sql, {**span, **labels}))


def shifts(before: Sequence[Any], during: Sequence[Any]) -> tuple[SignalShift, ...]:
    """Signals whose rate moved by more than chance, the most surprising first.

    ``before`` and ``during``: for each of the signals the interactions that could show it, and those that did.
    """
    found = []
    for place, signal in enumerate(_SIGNALS if before and during else ()):
        (n0, k0), (n1, k1) = (map(float, counts[2 * place : 2 * place + 2]) for counts in (before, during))
        if min(n0, n1) > 0:
            pooled = (k0 + k1 + 1) / (n0 + n1 + 2)
            deviation = math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
            found.append(((k1 / n1 - k0 / n0) / deviation, k1 / n1 - k0 / n0, signal))
    surprising = sorted((one for one in found if abs(one[0]) >= _LEAST_DEVIATIONS), key=lambda one: -abs(one[0]))
    return tuple(SignalShift(signal=signal, shift=round(shift, 4)) for _, shift, signal in surprising[:_MOST])
