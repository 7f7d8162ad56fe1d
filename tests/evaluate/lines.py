"""The stories that an evaluation prints: what pages whom, by what cause, and that it ends once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from pipeline.detect.assemble import Watched, thresholds
from pipeline.detect.cause import MIX
from pipeline.detect.findings import Findings, findings
from pipeline.detect.policy import HOURLY
from pipeline.detect.run import run
from pipeline.detect.series import Scope, Series
from pipeline.detect.stories import Story, stories
from pipeline.detect.telling import Memory, When, tell
from schemas.alert import AlertTransition
from tests.detect.cells import noisy, series, with_total
from tests.evaluate.verdicts import verdict
from tests.evaluate.worlds import DAY, Falls, world

LEARN = 28
LASTS = 24
"""Hours that a fall lasts."""


def found_in(given: Series) -> Findings:
    """A run at the a-priori thresholds."""
    place = {scope: at for at, scope in enumerate(given.scopes)}
    limits = thresholds(given, HOURLY, 7, 1)
    return findings(HOURLY, "scores", Watched(given, place), limits, run(given, HOURLY, limits))


def told(found: Findings, begin: int) -> list[AlertTransition]:
    """What is told of all that began at bucket ``begin`` or later."""
    memory: Memory = {}
    late: list[Story] = [story for story in stories([found]) if found.start_ms(begin) <= story.moments[0].at_ms]
    return tell(late, memory, When(found.start_ms(found.given.series.shape[0]), -(1 << 62), {}))


def pages(made: list[AlertTransition]) -> list[AlertTransition]:
    """First messages of alerts that speak for themselves."""
    fired: dict[str, AlertTransition] = {}
    for one in made:
        if one.state == "firing" and one.detector == "drop" and not one.parent:
            fired.setdefault(one.alert_id, one)
    return list(fired.values())


def whole_channel(leaves: int = 500, parents: int = 10, seed: int = 60) -> None:
    """A channel falls by 8 points for a day, then all is as before."""
    begin = (LEARN + 3) * DAY + 5
    falls = Falls(np.arange(leaves) % parents == 3, 8.0, np.full(leaves, begin))
    fallen = world(seed, leaves=leaves, parents=parents, days=LEARN + 7, falls=falls).series
    usual = world(seed, leaves=leaves, parents=parents, days=LEARN + 7).series
    total = np.concatenate([fallen.total[: begin + LASTS], usual.total[begin + LASTS :]])
    found = found_in(replace(fallen, total=total))
    made = told(found, begin)
    print(f"\nA whole channel falls by 8 points for {LASTS} h")
    first = pages(made)[:1]
    for page in pages(made):
        hours = (page.at_ms - found.start_ms(begin)) // HOURLY.width_ms
        life = Counter(one.state for one in made if one.alert_id == page.alert_id)
        inside = sum(one.get("channel") == "c3" for one in page.affected)
        print(
            f"  page: {Scope(**page.scope)} after {hours} h (goal: channel=c3 within 3 h), {page.size:.1f} points, "
            f"{page.cause.verdict}, {inside} of {leaves // parents} leaves listed"
        )
        print(
            f"  its life: fired {life['firing']} times (goal 1), resolved {life['resolved']} times (goal 1), "
            f"withdrawn {life['withdrawn']}"
        )
    after = [(page.at_ms - found.start_ms(begin)) // HOURLY.width_ms for page in first]
    lives = Counter(one.state for one in made if first and one.alert_id == first[0].alert_id)
    verdict(
        "one page within 3 h",
        f"{len(pages(made))} after {after} h",
        met=len(after) == len(pages(made)) == 1 and after[0] <= 3,
    )
    named = [page.scope for page in first]
    verdict("which names the channel", str(named), met=named == [{"channel": "c3"}])
    listed = sum(len(page.affected) for page in first)
    verdict("and lists its leaves", f"{listed} of {leaves // parents}", met=listed > 0)
    lasted = (lives["firing"], lives["resolved"], lives["withdrawn"])
    verdict("fires once, resolves once, flaps never", f"{lasted[0]}, {lasted[1]}", met=lasted == (1, 1, 0))
    quiet = {one.alert_id for one in made if one.state == "firing" and one.parent}
    print(f"  pages: {len(pages(made))} (goal 1); alerts that it speaks for, not sent: {len(quiet)}")


def mix_shift(seed: int = 9) -> None:
    """Two segments stay as they are, the worse one becomes the more frequent: 30 % before, 80 % during."""
    random = np.random.default_rng(seed)
    hours, begin = (LEARN + 4) * DAY, LEARN * DAY
    share = np.where(np.arange(hours) >= begin, 0.8, 0.3)
    n = np.stack([random.poisson(60 * (1 - share)), random.poisson(60 * share)], axis=1).astype(float)
    mean = np.array([80.0, 50.0]) + random.normal(0, 1, n.shape) + random.normal(0, 15, n.shape) / np.sqrt(n)
    leaves = series([Scope("phone", "happy"), Scope("phone", "unhappy")], n, mean)
    print("\nA mix shift: two segments stay flat, the worse one becomes the more frequent")
    made = pages(told(found_in(with_total(leaves, Scope("phone"))), begin))
    for page in made:
        cause = page.cause
        print(
            f"  page: {Scope(**page.scope)}, {page.size:.1f} points, called a {cause.verdict} (goal: mix shift): "
            f"{cause.mix_shift:.1f} points mix, {cause.real:.1f} points real fall"
        )
    called = [page.cause.verdict for page in made]
    verdict("a mix shift with flat segments is called one", ", ".join(called), met=called == [MIX])


def few_bad_events(worlds: int = 30) -> None:
    """Cells of an event an hour; in one hour, three of four events are as bad as can be."""
    begin = (LEARN + 1) * DAY
    with_them = without = 0
    for seed in range(worlds):
        usual = noisy(seed, [Scope("phone")], 1.0, LEARN + 2)
        n, total = usual.n.copy(), usual.total.copy()
        n[begin], total[begin] = 4, 3 * 5.0 + 80.0
        bad = replace(usual, n=n, total=total, contacts=n[..., 0], customers=n[..., 0])
        with_them += _paged_within(found_in(bad), begin, 3)
        without += _paged_within(found_in(usual), begin, 3)
    print(
        f"\n3 bad events out of 4, in {worlds} cells of an event an hour: {with_them - without} pages within 3 h "
        f"because of them (goal 0)"
    )
    verdict("3 bad events out of 4 page nobody", f"{with_them - without} pages", met=with_them == without)


def _paged_within(found: Findings, begin: int, hours: int) -> int:
    """Pages in the hours from ``begin`` on."""
    window = range(found.start_ms(begin), found.start_ms(begin + hours) + 1)
    return sum(one.at_ms in window for one in pages(told(found, 0)))
