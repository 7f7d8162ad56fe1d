"""One receiver: where it is, what it is told and how."""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jobs.notify import bodies, signing
from jobs.notify.desk import Desk, Notice, Pace, Silenced
from jobs.notify.destination import Destination, Resolve, destination, look_up
from jobs.notify.errors import DeliveryFailedError, UnusableDestinationError
from jobs.notify.posting import Poster
from jobs.notify.settings import NotifySettings

log = logging.getLogger(__name__)

WEBHOOK: Final = "webhook"
ALERTMANAGER: Final = "alertmanager"
LIFETIME: Final = 5
"""Repeat intervals after which Alertmanager takes an alert for resolved that nobody repeats."""
Message = Callable[[Notice, float], tuple[str, bytes, dict[str, str]]]
"""Path, body and headers of a notice at a time (seconds since 1970)."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Sends what its desk says is due."""

    name: str
    desk: Desk
    target: Destination
    message: Message
    poster: Poster

    def work(self, now_s: float, silenced: Silenced) -> bool:
        """Send at most one message; whether there was one. A failure is left to the desk, to try again later."""
        notice = self.desk.due(now_s, silenced)
        if notice is None:
            return False
        try:
            self.poster.post(self.target, *self.message(notice, now_s))
        except DeliveryFailedError as error:
            self._failed(error, notice, now_s)
        else:
            self.desk.done(notice, now_s)
        return True

    def _failed(self, error: DeliveryFailedError, notice: Notice, now_s: float) -> None:
        given_up = self.desk.failed(now_s, notice=notice)
        log.log(logging.ERROR if error.permanent else logging.WARNING, "%s: %s. %s", self.name, error, error.action)
        for entry in given_up:
            log.error("%s: alert %s was never told: tried for too long", self.name, entry.last.alert_id)


def receivers(settings: NotifySettings, resolve: Resolve = look_up) -> list[Receiver]:
    """The receivers of the settings. Raises :class:`UnusableDestinationError` for an address that is not allowed."""
    context = ssl.create_default_context(cafile=settings.cafile) if settings.cafile else None
    poster = Poster(settings.timeout_s, context, resolve)
    found = []
    if settings.secret("webhook_url"):
        found.append(_webhook(settings, poster))
    if settings.secret("alertmanager_url"):
        found.append(_alertmanager(settings, poster))
    if not found:
        raise UnusableDestinationError(
            "no receiver is set", action="Set PERCEPTION_NOTIFY__WEBHOOK_URL or PERCEPTION_NOTIFY__ALERTMANAGER_URL."
        )
    return found


def _desk(settings: NotifySettings, repeat_s: float = 0.0) -> Desk:
    pace = Pace(
        cap=settings.cap,
        interval_s=settings.cap_interval_s,
        first_pause_s=settings.first_pause_s,
        longest_pause_s=settings.longest_pause_s,
        give_up_s=settings.give_up_s,
        repeat_s=repeat_s,
    )
    return Desk(pace, settings.words(settings.detectors), random.random)


def _destination(url: str, settings: NotifySettings) -> Destination:
    return destination(url, settings.words(settings.allowed_hosts), settings.words(settings.allowed_private_hosts))


def _webhook(settings: NotifySettings, poster: Poster) -> Receiver:
    target = _destination(settings.secret("webhook_url"), settings)
    style = bodies.Style(WEBHOOK, settings.external_url, settings.customer_ids)
    key = settings.secret("webhook_key").encode() or None
    if key is None:
        log.warning("Webhooks are not signed: set PERCEPTION_NOTIFY__WEBHOOK_KEY_FILE")

    def message(notice: Notice, now_s: float) -> tuple[str, bytes, dict[str, str]]:
        body = bodies.webhook(notice, style)
        return target.path, body, signing.headers(key, now_s, body, bodies.delivery_id(notice, style))

    return Receiver(WEBHOOK, _desk(settings), target, message, poster)


def _alertmanager(settings: NotifySettings, poster: Poster) -> Receiver:
    target = _destination(settings.secret("alertmanager_url"), settings)
    style = bodies.Style(ALERTMANAGER, settings.external_url, settings.customer_ids)
    token = settings.secret("alertmanager_token")
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    repeat_s = settings.repeat_interval_s

    def message(notice: Notice, now_s: float) -> tuple[str, bytes, dict[str, str]]:
        expires_ms = round((now_s + LIFETIME * repeat_s) * 1_000)
        path = target.path.rstrip("/") + bodies.API_PATH
        return path, bodies.alertmanager(notice, style, expires_ms), authorization

    return Receiver(ALERTMANAGER, _desk(settings, repeat_s), target, message, poster)
