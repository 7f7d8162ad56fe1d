"""The summary as text for a terminal of 80 columns; plain where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.demo.summary import (
    Flow,
    Goal,
    Index,
    Line,
    Phase,
    Recovery,
    Rejection,
    Score,
    Service,
    Struck,
    Summary,
    Touchpoint,
    Why,
)
from jobs.program import program
from schemas.tables import DIMENSIONS

WIDTH = 80
_BAR = 20
_QUESTIONS = (
    "SELECT * FROM perception_index_by_segment",
    "SELECT * FROM touchpoints LIMIT 10",
    "SELECT * FROM rejected LIMIT 3 FORMAT Vertical",
)
_NAMES = {name: name.replace("_", " ") for name in DIMENSIONS}


def console(*, stderr: bool = False) -> Console:
    """A console that is never wider than 80 columns."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal and made.width < WIDTH else Console(stderr=stderr, highlight=False, width=WIDTH)


def show(summary: Summary, out: Console) -> None:
    """Print everything."""
    _flow(summary, out)
    _index(summary.perception, out)
    _goals(summary.goals, out)
    _touchpoints(summary.touchpoints, out)
    for struck in summary.incidents:
        _incident(struck, out)
    _recovery(summary.recoveries, out)
    _service(summary.service, out)
    if summary.why:
        _why(summary.why, out)
    _rejections(summary.rejections, out)
    _next(summary, out)


def _heading(out: Console, title: str, note: str = "") -> None:
    gap = "  " if len(title) + len(note) + 2 <= WIDTH else "\n"
    out.print(f"\n[bold]{title}[/bold]" + (f"{gap}[dim]{note}[/dim]" if note else ""))


def _table(*columns: str, left: int = 1) -> Table:
    """A table whose first ``left`` columns are texts, the others numbers."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(columns):
        made.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    return made


def _print(out: Console, table: Table, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _points(score: Score | None) -> str:
    if score is None:
        return "-"
    return f"[bold]{score.score:.1f}[/bold] [dim]{score.low:.1f}-{score.high:.1f}[/dim]"


def _flow(summary: Summary, out: Console) -> None:
    flow: Flow = summary.flow
    _heading(out, "What came in", f"{summary.seconds:.0f} s, {summary.events_per_second:,.0f} events/s, all included")
    table = _table("", "", "", left=1)
    table.columns[2].justify = "left"
    _print(
        out,
        table,
        [
            ("events accepted", f"{flow.events:,}", f"of {flow.records:,} records; {flow.one_way:,} one-way (ads ...)"),
            ("duplicates", f"{flow.duplicates:,}", f"dropped; {flow.conflicts:,} with other content: the first counts"),
            ("late", f"{flow.late:,}", "beyond the allowed lateness: kept apart"),
            ("rejected", f"{flow.rejected:,}", "refused by the schema: kept with the reason"),
            ("interactions", f"{flow.interactions:,}", f"two-way exchanges of {flow.customers:,} customers"),
            ("journeys", f"{flow.journeys:,}", f"over channels and days; {flow.completed:,} reached their goal"),
            ("answers", f"{flow.answers:,}", "to surveys: the only stated perception"),
        ],
    )


def _index(rows: Sequence[Index], out: Console) -> None:
    _heading(out, "Perception index", "0-100, with 90 % interval; the pyramid from the bottom up")
    table = _table("", "", "index", "stated", "inferred", "truth", left=2)
    _print(
        out,
        table,
        [
            (
                _NAMES[row.dimension],
                _bar(row.index.score),
                _points(row.index),
                f"{row.stated_share:.0%}",
                f"{1 - row.stated_share:.0%}",
                f"{row.truth:.1f}",
            )
            for row in rows
        ],
    )
    _note(out, "stated: share of the evidence that is answers; inferred: the rest, from signals.")
    _note(out, "truth: the customers' true mean, which only a simulator knows. It may lie outside")
    _note(out, "the interval: that says how much evidence there is, and does not cover that the")
    _note(out, "model's priors and signals are start values, not yet fitted to this operator.")


def _note(out: Console, text: str) -> None:
    out.print(f"[dim]{text}[/dim]")


def _bar(points: float) -> str:
    full = round(points / 100 * _BAR)
    return f"[green]{'█' * full}[/green][dim]{'░' * (_BAR - full)}[/dim]"


def _goals(rows: Sequence[Goal], out: Console) -> None:
    _heading(out, "Journeys", "one goal, over channels and days")
    table = _table("goal", "count", "reached", "days", "commonest way through several channels")
    table.columns[4].justify = "left"
    _print(
        out,
        table,
        [
            (
                escape(row.goal),
                f"{row.journeys:,}",
                f"{row.completed / row.journeys:.0%}",
                f"{row.median_days:.1f}",
                escape(_short(row.path, 42)),
            )
            for row in rows
        ],
    )


def _touchpoints(rows: Sequence[Touchpoint], out: Console) -> None:
    _heading(out, "Worst touchpoints", "surely below the prior; each on its worst dimension")
    table = _table("touchpoint", "dimension", "interactions", "score, 90 %", left=2)
    _print(
        out,
        table,
        [(escape(row.touchpoint), _NAMES[row.dimension], f"{row.interactions:,}", _points(row.index)) for row in rows],
    )


def _incident(struck: Struck, out: Console) -> None:
    when = f"{struck.start:%d %b %H:%M} to {struck.end:%d %b %H:%M}"
    _heading(out, f"The incident: {struck.kind} ({struck.where}), {when}", f"seen at {struck.touchpoint}")
    table = _table("", "contacts", "wait", *(_NAMES[name] for name in DIMENSIONS))
    _print(out, table, [_phase(phase) for phase in struck.phases])
    _note(out, "90 % intervals of the mean over interactions; a single score is far less sure")


def _phase(phase: Phase) -> tuple[str, ...]:
    wait = f"{int(phase.wait_s // 60)}:{int(phase.wait_s % 60):02d}"
    return (phase.phase, f"{phase.interactions:,}", wait, *(_points(score) for score in phase.scores))


def _recovery(rows: Sequence[Recovery], out: Console) -> None:
    _heading(out, "Service recovery", "every failure is followed until it is fixed")
    table = _table("failure", "count", "fixed", "half within", "failed again")
    _print(
        out,
        table,
        [
            (
                escape(row.reason),
                f"{row.failures:,}",
                f"{row.fixed / row.failures:.0%}",
                f"{row.median_hours:.0f} h",
                f"{row.failed_again / row.failures:.0%}",
            )
            for row in rows
        ],
    )


def _service(service: Service, out: Console) -> None:
    _heading(out, "Promises, care and competence")
    if service.promised:
        gap = f"; broken ones score {_points(service.gap)} points lower" if service.gap else ""
        out.print(f"promised dates     {service.kept:,} of {service.promised:,} kept{gap}")
    raised = f"{service.ads:,} ads, {service.recommendations:,} recommendations, {service.promises:,} promises"
    out.print(f"expectation        {raised}: kept apart")
    out.print(f"proactive service  {service.seen:,} seen; [bold]{service.unseen:,} unseen[/bold]: it earned nothing")
    if service.price_complaints:
        share = service.priced_well / service.price_complaints
        out.print(f"price complaints   {share:.0%} of {service.price_complaints:,} reached somebody with pricing skill")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _why(why: Why, out: Console) -> None:
    shown = why.shown
    title = f"Why is {escape(why.customer_id)} at {shown.score:.0f}?"
    _heading(out, title, f"{_NAMES[why.dimension]}, 90 % interval {shown.low:.0f}-{shown.high:.0f}")
    table = _table("", "", "points", left=2)
    rows = [("", f"where a {escape(why.segment)} customer starts", f"{why.prior:.1f}")]
    rows += [(f"{line.at:%d %b}", escape(_short(_told(line), 58)), f"{line.points:+.1f}") for line in why.lines]
    rows.append(("", f"{why.interactions - len(why.lines):,} other interactions", f"{why.rest:+.1f}"))
    rows.append(("", "[bold]relationship score[/bold], the sum of these", f"[bold]{why.mean:.1f}[/bold]"))
    _print(out, table, rows)
    own, guessed = f"{why.confidence:.0%}", f"{why.inferred_share:.0%}"
    _note(out, f"{own} of it is this customer's own evidence, {guessed} of that inferred")


def _told(line: Line) -> str:
    return f"{line.touchpoint}: {line.what or 'nothing went wrong'}"


def _rejections(rows: Sequence[Rejection], out: Console) -> None:
    _heading(out, "What was rejected, and why", "original bytes are kept")
    table = _table("reason", "records", "for example", left=1)
    table.columns[2].justify = "left"
    _print(out, table, [(escape(row.reason), f"{row.records:,}", escape(_short(row.example, 48))) for row in rows])


def _next(summary: Summary, out: Console) -> None:
    _heading(out, "Next", "the store keeps all of it")
    where = f" --warehouse {summary.warehouse}" if summary.elsewhere else ""
    name = program()
    asked = [f'{name} query{where} "{question}"' for question in _QUESTIONS]
    for command in (*asked, f"{name} simulate --out events.ndjson.gz --truth truth.ndjson.gz", "make test"):
        out.print(f"  {command}", style="cyan", markup=False, soft_wrap=True)
