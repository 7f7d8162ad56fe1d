"""What a receiver is owed, at which time: cases by name."""

from __future__ import annotations

from jobs.notify.desk import Form, Told
from tests.notify.alerts import HOUR_MS, SINCE, desk, due, told, transition


def test_it_is_told_once_when_it_fires_and_once_when_it_ends() -> None:
    one = desk()
    for offset, state in enumerate(("pending", "firing", "recovering"), start=1):
        one.take(transition(sequence=offset, state=state), 0, offset, 0.0)
    assert told(due(one, 1.0)) == [("single", [("app", "recovering")])]
    one.take(transition(sequence=4, state="firing"), 0, 4, 2.0)
    assert due(one, 2.0) == []
    one.take(transition(sequence=5, state="resolved"), 0, 5, 3.0)
    assert told(due(one, 3.0)) == [("single", [("app", "resolved")])]


def test_a_transition_that_comes_again_changes_nothing() -> None:
    one = desk()
    for _ in range(2):
        one.take(transition(), 0, 7, 0.0)
        assert len(due(one, 0.0)) == (0 if _ else 1)


def test_only_alerts_without_a_parent_page() -> None:
    one = desk()
    one.take(transition("app", parent="a" * 32), 0, 1, 0.0)
    one.take(transition("web"), 0, 2, 0.0)
    one.take(transition("web", sequence=2, parent="a" * 32), 0, 3, 0.0)
    assert due(one, 0.0) == []
    assert one.unsettled(0) is None
    one.take(transition("app", sequence=2), 0, 4, 0.0)  # its parent ended before it did
    assert told(due(one, 0.0)) == [("single", [("app", "firing")])]


def test_who_was_told_is_told_of_an_amendment_and_a_withdrawal_even_after_the_end() -> None:
    one = desk()
    one.take(transition(), 0, 1, 0.0)
    due(one, 0.0)
    one.take(transition(sequence=2, amended=True, reason="late data"), 0, 2, 1.0)
    assert told(due(one, 1.0)) == [("single", [("app", "firing")])]
    one.take(transition(sequence=3, state="resolved"), 0, 3, 2.0)
    due(one, 2.0)
    one.take(transition(sequence=4, state="withdrawn", reason="late data"), 0, 4, 3.0)
    assert told(due(one, 3.0)) == [("single", [("app", "withdrawn")])]
    other = desk()
    other.take(transition(sequence=2, state="withdrawn"), 0, 1, 0.0)
    assert due(other, 0.0) == []


def test_other_detectors_are_not_for_this_receiver() -> None:
    one = desk()
    one.take(transition(detector="rule", kind="low_answer", grain=""), 0, 1, 0.0)
    assert due(one, 0.0) == []


def test_above_the_cap_new_alerts_are_merged_into_one_summary_and_none_is_lost() -> None:
    one = desk(cap=2, interval_s=600.0)
    for place in range(5):
        one.take(transition(f"c{place}"), 0, place, 0.0)
    sent = told(due(one, 0.0))
    assert [form for form, _ in sent] == ["single", "single", "summary"]
    assert sorted(name for _, alerts in sent for name, _ in alerts) == [f"c{place}" for place in range(5)]
    one.take(transition("c9"), 0, 9, 10.0)
    assert due(one, 10.0) == []
    assert one.unsettled(0) == 9, "what nobody has heard of is not committed"
    assert told(due(one, 600.0)) == [("single", [("c9", "firing")])]


def test_a_summary_follows_its_alerts_to_their_end() -> None:
    one = desk(cap=1, interval_s=600.0)
    for name in ("a", "b", "c"):
        one.take(transition(name), 0, 0, 0.0)
    assert told(due(one, 0.0))[-1] == ("summary", [("b", "firing"), ("c", "firing")])
    one.take(transition("b", sequence=2, state="resolved"), 0, 5, 1.0)
    assert one.unsettled(0) == 5
    assert due(one, 1.0) == []
    assert told(due(one, 700.0)) == [("summary", [("b", "resolved"), ("c", "firing")])]
    one.take(transition("c", sequence=2, state="withdrawn"), 0, 6, 701.0)
    assert told(due(one, 1_400.0)) == [("summary", [("c", "withdrawn")])]
    assert due(one, 3_000.0) == []


def test_the_end_of_what_was_told_by_itself_waits_for_its_turn() -> None:
    one = desk(cap=1, interval_s=600.0)
    one.take(transition(), 0, 1, 0.0)
    due(one, 0.0)
    one.take(transition(sequence=2, state="resolved"), 0, 2, 1.0)
    assert due(one, 1.0) == []
    assert told(due(one, 600.0)) == [("single", [("app", "resolved")])]


def test_a_silence_holds_back_until_it_ends() -> None:
    one = desk()
    one.take(transition("app"), 0, 1, 0.0)
    one.take(transition("web"), 0, 2, 0.0)

    def silenced(alert: object) -> bool:
        return True

    assert due(one, 0.0, silenced) == []
    assert one.unsettled(0) is None, "the ledger remembers what is held back"
    assert set(one.changed) == set(one.entries)
    one.take(transition("web", sequence=2, state="resolved"), 0, 3, 1.0)
    assert told(due(one, 2.0)) == [("single", [("app", "firing")])]


def test_the_end_is_told_in_spite_of_a_silence_to_who_was_told() -> None:
    one = desk()
    one.take(transition(), 0, 1, 0.0)
    due(one, 0.0)
    one.take(transition(sequence=2, state="resolved"), 0, 2, 1.0)
    assert told(due(one, 1.0, lambda _: True)) == [("single", [("app", "resolved")])]


def test_pauses_double_up_to_the_longest_and_success_ends_them() -> None:
    one = desk(first_pause_s=1.0, longest_pause_s=4.0)
    one.take(transition(), 0, 1, 0.0)
    now, waits = 0.0, []
    for _ in range(5):
        notice = one.due(now, lambda _: False)
        assert notice is not None
        one.failed(now, notice=notice)
        before = now
        while one.due(now, lambda _: False) is None:
            now += 0.25
        waits.append(now - before)
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0]
    assert len(due(one, now)) == 1


def test_one_alert_that_is_never_taken_does_not_keep_the_others_waiting() -> None:
    one = desk()
    one.take(transition("bad"), 0, 1, 0.0)
    one.take(transition("good"), 0, 2, 0.0)
    first = one.due(0.0, lambda _: False)
    assert first is not None
    one.failed(0.0, notice=first)
    second = one.due(10.0, lambda _: False)
    assert second is not None
    assert (first.entries[0].last.scope, second.entries[0].last.scope) == ({"channel": "bad"}, {"channel": "good"})


def test_what_fails_for_too_long_is_given_up_and_said() -> None:
    one = desk(give_up_s=100.0)
    one.take(transition(), 0, 1, 0.0)
    for now, given_up in ((0.0, 0), (99.0, 0), (101.0, 1)):
        notice = one.due(now, lambda _: False)
        assert notice is not None
        assert len(one.failed(now, notice=notice)) == given_up
    assert one.due(1_000.0, lambda _: False) is None
    assert one.unsettled(0) is None


def test_alertmanager_hears_again_of_all_that_goes_on() -> None:
    one = desk(repeat_s=60.0, cap=1)
    for name in ("a", "b"):
        one.take(transition(name), 0, 1, 0.0)
    first = due(one, 0.0)
    assert [notice.form for notice in first] == [Form.SINGLE, Form.SUMMARY, Form.REPEAT]
    assert due(one, 59.0) == []
    assert told(due(one, 60.0)) == [("repeat", [("a", "firing"), ("b", "firing")])]
    one.take(transition("a", sequence=2, state="resolved"), 0, 2, 61.0)
    due(one, 700.0)
    assert told(due(one, 800.0)) == [("repeat", [("b", "firing")])]


def test_what_ended_is_remembered_for_a_week_of_late_data() -> None:
    one = desk()
    one.take(transition(), 0, 1, 0.0)
    one.take(transition(sequence=2, state="resolved"), 0, 2, 0.0)
    due(one, 0.0)
    day = 86_400.0
    assert due(one, 6 * day) == []
    assert [entry.told for entry in one.entries.values()] == [Told.YES]
    due(one, 8 * day)
    assert one.entries == {}


def test_history_is_skipped_when_nobody_ever_followed() -> None:
    one = desk()
    one.take(transition("old"), 0, 1, 0.0)
    one.take(transition("old", sequence=2, state="resolved"), 0, 2, 0.0)
    one.take(transition("now", since_ms=SINCE + HOUR_MS), 0, 3, 0.0)
    assert one.skip_ended(0) == 1
    assert told(due(one, 0.0)) == [("single", [("now", "firing")])]


def test_a_partition_that_went_to_another_is_forgotten() -> None:
    one = desk()
    one.take(transition("a"), 0, 1, 0.0)
    one.take(transition("b"), 1, 1, 0.0)
    one.drop(0)
    assert told(due(one, 0.0)) == [("single", [("b", "firing")])]
