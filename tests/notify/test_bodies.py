"""What receivers read: Alertmanager's webhook body and API v2, the signature, and what must not be in them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.notify import bodies
from jobs.notify.desk import Form, Notice
from jobs.notify.errors import UnusableDestinationError
from jobs.notify.receiver import receivers
from jobs.notify.settings import NotifySettings
from jobs.notify.silences import decoded, encoded, silence, silenced
from jobs.notify.wording import instant
from schemas.alert import Cause
from tests.notify.alerts import HOUR_MS, SINCE, desk, due, nothing, transition
from tests.notify.http import Heard, receiver

STYLE = bodies.Style("webhook")
FULL: dict[str, Any] = {
    "customers": 84,
    "expected": 71.0,
    "observed": 62.8,
    "dimensions": ("easy",),
    "affected": ({"channel": "app", "segment": "new"},),
    "cause": Cause(
        verdict="real fall",
        mix_shift=0.4,
        real=7.8,
        contributions=({"scope": {"channel": "app", "segment": "new"}, "points": 6.1},),
        signals=({"signal": "resolved", "shift": -0.2},),
        examples=("customer-77",),
    ),
}


@pytest.fixture
def heard() -> Iterator[Heard]:
    with receiver() as one:
        yield one


def notices(*alerts: Any, **pace: Any) -> list[Notice]:
    one = desk(**pace)
    for offset, alert in enumerate(alerts):
        one.take(alert, 0, offset, 0.0)
    return due(one, 0.0)


def body(alert: Any, style: bodies.Style = STYLE) -> Any:
    (notice,) = notices(alert)
    return json.loads(bodies.webhook(notice, style))


def test_the_webhook_body_is_alertmanagers_version_4() -> None:
    found = body(transition(**FULL))
    assert {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"} < set(found)
    assert {"commonAnnotations", "externalURL", "alerts"} < set(found)
    assert (found["version"], found["status"], found["receiver"]) == ("4", "firing", "webhook")
    (alert,) = found["alerts"]
    assert set(alert) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
    assert alert["startsAt"] == "2024-06-10T06:00:00Z"
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["fingerprint"] == transition().fingerprint
    assert alert["annotations"]["summary"].startswith("Perception (scores) 8.2 points below usual in channel=app")
    assert alert["annotations"]["contributions"] == "channel=app segment=new +6.1"
    assert all(isinstance(text, str) for text in (*alert["labels"].values(), *alert["annotations"].values()))


def test_labels_hold_identity_only_and_stay_the_same_while_numbers_change() -> None:
    first, later = body(transition(**FULL)), body(transition(sequence=4, size=19.0, customers=900, amended=True))
    assert first["alerts"][0]["labels"] == later["alerts"][0]["labels"]
    assert first["groupKey"] == later["groupKey"]
    named = {"alertname": "PerceptionDrop", "detector": "drop", "kind": "scores", "grain": "hour", "channel": "app"}
    assert first["alerts"][0]["labels"] == named


def test_an_end_has_its_time_and_its_reason() -> None:
    one = desk()
    one.take(transition(), 0, 0, 0.0)
    due(one, 0.0)
    one.take(transition(sequence=2, state="withdrawn", reason="late data changed its buckets"), 0, 1, 0.0)
    found = json.loads(bodies.webhook(due(one, 0.0)[0], STYLE))
    assert (found["status"], found["alerts"][0]["status"]) == ("resolved", "resolved")
    assert found["alerts"][0]["endsAt"] == instant(SINCE + 2 * HOUR_MS)
    assert "withdrawn" in found["alerts"][0]["annotations"]["summary"]
    assert found["alerts"][0]["annotations"]["reason"] == "late data changed its buckets"


def test_customers_are_named_only_to_receivers_that_may_know_them() -> None:
    alert = transition(**FULL, customer_id="customer-1")
    assert "customer-" not in json.dumps(body(alert))
    knowing = body(alert, bodies.Style("webhook", customer_ids=True))["alerts"][0]["annotations"]
    assert (knowing["customer_id"], knowing["examples"]) == ("customer-1", "customer-77")
    assert "customer-" not in repr(alert.scope)


def test_a_summary_names_everything_that_it_stands_for() -> None:
    alerts = [transition(f"c{place}") for place in range(40)]
    *_, last = notices(*alerts, cap=1)
    found = json.loads(bodies.webhook(last, STYLE))
    assert (last.form, found["truncatedAlerts"], len(found["alerts"])) == (Form.SUMMARY, 39, 1)
    told = found["alerts"][0]["annotations"]
    assert told["summary"].startswith("39 more alerts go on, 0 ended")
    assert told["alert_ids"].split() == [alert.alert_id for alert in alerts[1:]]
    assert told["alerts"].endswith("; and 19 more")


def test_alertmanagers_api_gets_what_goes_on_until_it_would_expire() -> None:
    first, *_ = notices(transition(**FULL))
    (alert,) = json.loads(bodies.alertmanager(first, STYLE, SINCE + 5 * HOUR_MS))
    assert set(alert) == {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    assert alert["endsAt"] == "2024-06-10T11:00:00Z"


def test_every_try_of_a_message_has_the_same_delivery_id_and_another_message_another() -> None:
    (one,), (same,), (other,) = (notices(transition(sequence=number)) for number in (1, 1, 2))
    assert bodies.delivery_id(one, STYLE) == bodies.delivery_id(same, STYLE) != bodies.delivery_id(other, STYLE)


def test_a_receiver_can_check_the_signature(heard: Heard, tmp_path: Any) -> None:
    (tmp_path / "key").write_text("the key\n")
    one = webhook(heard, webhook_key_file=str(tmp_path / "key"))
    one.desk.take(transition(), 0, 0, 0.0)
    assert one.work(1_717_999_999.0, nothing)
    (request,) = heard.requests
    assert request.path == "/hook?a=1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Perception-Timestamp"] == "1717999999"
    expected = hmac.new(b"the key", b"1717999999." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Perception-Signature"] == f"sha256={expected}"


def webhook(heard: Heard, **more: Any) -> Any:
    settings = NotifySettings(webhook_url=f"{heard.url}/hook?a=1", allowed_private_hosts="localhost", **more)
    return receivers(settings)[0]


def test_failures_are_tried_again_after_pauses_until_it_is_taken(heard: Heard) -> None:
    heard.answers = [(503, {}, b""), (429, {}, b"")]
    one = webhook(heard, webhook_key="k")
    one.desk.take(transition(), 0, 0, 0.0)
    now = 1_000.0
    while one.desk.unsettled(0) is not None:
        one.work(now, nothing)
        now += 0.5
    assert [request.json()["alerts"][0]["fingerprint"] for request in heard.requests] == [transition().fingerprint] * 3
    assert len({request.headers["X-Perception-Delivery"] for request in heard.requests}) == 1
    assert not one.work(now, nothing)


def test_alertmanager_is_posted_to_again_while_an_alert_goes_on(heard: Heard) -> None:
    settings = NotifySettings(
        alertmanager_url=f"{heard.url}/am/", alertmanager_token="token", allowed_private_hosts="localhost"
    )
    (one,) = receivers(settings)
    one.desk.take(transition(), 0, 0, 0.0)
    for now in (0.0, 1.0, 30.0, 61.0, 100.0):
        one.work(now, nothing)
    one.desk.take(transition(sequence=2, state="resolved"), 0, 1, 0.0)
    for now in (120.0, 200.0):
        one.work(now, nothing)
    assert {request.path for request in heard.requests} == {"/am/api/v2/alerts"}
    assert {request.headers["Authorization"] for request in heard.requests} == {"Bearer token"}
    ends = [request.json()[0]["endsAt"] for request in heard.requests]
    assert ends == ["1970-01-01T00:05:00Z", "1970-01-01T00:05:01Z", "1970-01-01T00:06:01Z", "2024-06-10T08:00:00Z"]


def test_no_secret_and_no_customer_is_logged(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    heard.answers = [(500, {}, b"secret answer"), (400, {}, b"secret answer")]
    one = webhook(heard, webhook_key="secret key", give_up_s=1)
    one.desk.take(transition(customer_id="customer-1", cause=Cause(examples=("customer-2",))), 0, 0, 0.0)
    for now in (0.0, 10.0):
        one.work(now, nothing)
    said = caplog.text
    assert "answers 500" in said
    assert "never told" in said
    assert not any(word in said for word in ("secret", "customer-", "/hook"))
    assert "secret" not in repr(NotifySettings(webhook_url="https://secret", webhook_key="secret"))


def test_without_a_receiver_there_is_nothing_to_do() -> None:
    with pytest.raises(UnusableDestinationError, match="no receiver"):
        receivers(NotifySettings())
    with pytest.raises(UnusableDestinationError, match="not an allowed host"):
        receivers(NotifySettings(webhook_url="https://hooks.example.com/x"))


def test_a_silence_covers_alerts_with_all_of_its_labels_while_it_holds() -> None:
    one = silence({"channel": "app", "detector": "drop"}, "release", 1_000, 2_000, "me")
    assert decoded(encoded(one)) == one
    for channel, now_ms, held in (("app", 1_000, True), ("web", 1_000, False), ("app", 2_000, False)):
        assert silenced(transition(channel), [one], now_ms) is held
    assert not silenced(transition("app", detector="surge", kind="contacts"), [one], 1_500)
    assert decoded(b"{}") is None
