"""What one receiver is owed: which alerts to tell, hold back or merge, and when to try again.

Time is an argument (seconds), nothing is sent here. The rules:

- An alert without a parent is told when it fires; who was told is told of amendments, the end and a withdrawal.
- A silence holds back what was not told yet; it is told when the silence ends, if it still goes on.
- At most ``cap`` notifications per interval. New alerts above it are merged into one summary, which is sent at most
  once per interval and lists every one of them until it ends; news of alerts that were told waits for its turn.
- After a failure nothing is tried for a pause that doubles, with jitter; what fails for too long is given up, loudly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.alert import AlertTransition

Silenced = Callable[[AlertTransition], bool]
SETTLED: Final = -1
OPEN: Final = frozenset({"firing", "recovering"})


def is_open(alert: AlertTransition) -> bool:
    """Whether somebody who was told should still look."""
    return alert.state in OPEN


class Told(StrEnum):
    """What a receiver knows of an alert."""

    NO = "no"
    YES = "yes"
    MERGED = "merged"
    """As a line of the summary."""
    SILENCED = "silenced"


class Form(StrEnum):
    """What kind of message a notice is."""

    SINGLE = "single"
    SUMMARY = "summary"
    REPEAT = "repeat"
    """All that go on, once more (Alertmanager forgets what is not repeated)."""


@dataclass(slots=True)
class Entry:
    """One alert at one receiver."""

    last: AlertTransition
    partition: int
    told: Told = Told.NO
    news: bool = True
    """Whether the receiver should hear of ``last``."""
    offset: int = SETTLED
    """Offset of the first transition that it should have heard of and has not."""
    since_s: float = 0.0
    """When that was."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that is due."""

    form: Form
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long to try, seconds."""

    cap: int = 20
    interval_s: float = 600.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 300.0
    give_up_s: float = 86_400.0
    repeat_s: float = 0.0
    """Between repeats of all that go on; 0 = never."""
    remember_s: float = 7 * 86_400.0
    """How long one that ended is remembered: late data may still withdraw it."""


class Desk:
    """State of one receiver; ``detectors`` it wants to hear of."""

    def __init__(self, pace: Pace, detectors: Iterable[str], jitter: Callable[[], float]) -> None:
        self.pace = pace
        self.detectors = frozenset(detectors)
        self.entries: dict[str, Entry] = {}
        self.changed: dict[str, int] = {}
        """Alerts whose record in the ledger is out of date, with their partition."""
        self._jitter = jitter
        self._sent: deque[float] = deque()
        self._summary_at = self._repeat_at = float("-inf")
        self._pause_s = 0.0
        self._resume_at = float("-inf")

    def take(self, alert: AlertTransition, partition: int, offset: int, now_s: float) -> None:
        """Take a transition of the topic; one that is known already changes nothing."""
        known = self.entries.get(alert.alert_id)
        if known is None:
            if alert.detector in self.detectors and is_open(alert) and not alert.parent:
                self.entries[alert.alert_id] = Entry(alert, partition, offset=offset, since_s=now_s)
        elif alert.sequence > known.last.sequence:
            self._renew(known, alert, offset, now_s)

    def _renew(self, known: Entry, alert: AlertTransition, offset: int, now_s: float) -> None:
        differs = alert.amended or alert.state == "withdrawn" or is_open(alert) != is_open(known.last)
        known.last = alert
        if known.told is Told.SILENCED:
            self.changed[alert.alert_id] = known.partition
            if not is_open(alert):
                self._forget(known)
        elif known.told is Told.NO and alert.parent:
            self._forget(known)
        elif differs and not known.news:
            known.news, known.offset, known.since_s = True, offset, now_s

    def due(self, now_s: float, silenced: Silenced) -> Notice | None:
        """The next message to send, if any; :meth:`done` or :meth:`failed` must follow it."""
        self._forget_old(now_s)
        self._hold_back(now_s, silenced)
        if now_s < self._resume_at:
            return None
        waiting = [entry for entry in self.entries.values() if self._waits(entry, silenced)]
        while self._sent and self._sent[0] <= now_s - self.pace.interval_s:
            self._sent.popleft()
        if waiting and len(self._sent) < self.pace.cap:
            return Notice(Form.SINGLE, (waiting[0],))
        return self._summary(waiting, now_s) or self._repeat(now_s)

    @staticmethod
    def _waits(entry: Entry, silenced: Silenced) -> bool:
        held_back = is_open(entry.last) and silenced(entry.last)
        return entry.news and entry.told is not Told.MERGED and not held_back

    def _forget_old(self, now_s: float) -> None:
        before = now_s - self.pace.remember_s
        known = [entry for entry in self.entries.values() if not entry.news and not is_open(entry.last)]
        for entry in known:
            if entry.since_s < before:
                self._forget(entry)

    def _hold_back(self, now_s: float, silenced: Silenced) -> None:
        for entry in self.entries.values():
            if entry.told is Told.NO and is_open(entry.last) and silenced(entry.last):
                entry.told, entry.news, entry.offset = Told.SILENCED, False, SETTLED
                self.changed[entry.last.alert_id] = entry.partition
            elif entry.told is Told.SILENCED and not silenced(entry.last):
                entry.told, entry.news, entry.since_s = Told.NO, True, now_s

    def _summary(self, waiting: list[Entry], now_s: float) -> Notice | None:
        told = [entry for entry in self.entries.values() if entry.told is Told.MERGED]
        merged = [entry for entry in told if entry.news or is_open(entry.last)]
        surplus = [entry for entry in waiting if entry.told is Told.NO]
        dirty = bool(surplus) or any(entry.news for entry in merged)
        if not dirty or now_s < self._summary_at + self.pace.interval_s:
            return None
        return Notice(Form.SUMMARY, (*merged, *surplus))

    def _repeat(self, now_s: float) -> Notice | None:
        if not self.pace.repeat_s or now_s < self._repeat_at + self.pace.repeat_s:
            return None
        known = {Told.YES, Told.MERGED}
        going = tuple(entry for entry in self.entries.values() if entry.told in known and is_open(entry.last))
        return Notice(Form.REPEAT, going) if going else None

    def done(self, notice: Notice, now_s: float) -> None:
        """The message arrived."""
        self._pause_s, self._resume_at = 0.0, float("-inf")
        if notice.form is Form.REPEAT:
            self._repeat_at = now_s
            return
        if notice.form is Form.SINGLE:
            self._sent.append(now_s)
        else:
            self._summary_at = now_s
        for entry in notice.entries:
            entry.told = Told.YES if notice.form is Form.SINGLE else Told.MERGED
            entry.news, entry.offset = False, SETTLED
            self.changed[entry.last.alert_id] = entry.partition
            entry.since_s = now_s

    def failed(self, now_s: float, *, notice: Notice) -> list[Entry]:
        """The message did not arrive; returns what is given up after trying for too long."""
        self._pause_s = min(max(self._pause_s * 2, self.pace.first_pause_s), self.pace.longest_pause_s)
        self._resume_at = now_s + self._pause_s * (0.5 + self._jitter() / 2)
        if notice.form is Form.REPEAT:
            return []
        if notice.form is Form.SINGLE:
            self._last_in_line(notice.entries[0])
        given_up = [entry for entry in notice.entries if entry.news and now_s - entry.since_s > self.pace.give_up_s]
        for entry in given_up:
            self._forget(entry)
        return given_up

    def _last_in_line(self, entry: Entry) -> None:
        """What a receiver does not take must not keep the rest waiting."""
        self.entries[entry.last.alert_id] = self.entries.pop(entry.last.alert_id)

    def _forget(self, entry: Entry) -> None:
        self.entries.pop(entry.last.alert_id, None)
        self.changed[entry.last.alert_id] = entry.partition

    def skip_ended(self, partition: int) -> int:
        """Forget alerts that came and went before anybody asked to be told; returns how many."""
        mine = (entry for entry in self.entries.values() if entry.partition == partition)
        over = [entry for entry in mine if entry.told is Told.NO and not is_open(entry.last)]
        for entry in over:
            self._forget(entry)
        return len(over)

    def unsettled(self, partition: int) -> int | None:
        """First offset of a partition that somebody still has to hear of; None if there is none."""
        offsets = [
            entry.offset for entry in self.entries.values() if entry.partition == partition and entry.offset >= 0
        ]
        return min(offsets, default=None)

    def drop(self, partition: int) -> None:
        """Forget a partition that another notifier has now."""
        for name in [name for name, entry in self.entries.items() if entry.partition == partition]:
            del self.entries[name]
        self.changed = {name: place for name, place in self.changed.items() if place != partition}
