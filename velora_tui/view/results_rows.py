"""All finished runs as one table: the catalog's and those the journal knows of, in groups, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from velora_tui.domain.counting import run_results, tally
from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import EndedRow, Group, ResultRow, group
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Row, Span, Tone
from velora_tui.view.task_names import short_task
from velora_tui.view.tests_rows import fraction
from velora_tui.view.text import count
from velora_tui.view.trajectory_lines import dollars

GROUP_PREFIX = "group:"
_NOTHING = Span("–", "dim")
_WORDS: dict[str, str] = {AttemptState.FAILED: "failed", AttemptState.STOPPED: "stopped"}


def ended(runs: Iterable[Run]) -> list[Run]:
    """Return the runs whose latest attempt is over."""
    return [run for run in runs if run.attempt is not None and run.attempt.state.is_over]


def by_run(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return the catalog's rows as the table shows them: of one's own runs the latest attempt, keyed by the run's id.

    Newest first; the attempts before it are its `earlier`. The details of such a row are found by its folder.
    """
    own: dict[str, list[ResultRow]] = {}
    others: list[ResultRow] = []
    for row in rows:
        if row.origin == "import" or "." not in row.key:
            others.append(row)
            continue
        run = row.key.rpartition(".")[0]
        own.setdefault(run, []).append(replace(row, key=run))
    return _newest_first([*others, *map(_latest_of, own.values())])


def _latest_of(attempts: Sequence[ResultRow]) -> ResultRow:
    """Return the row of the latest of a run's attempts, with the others behind it."""
    if len(attempts) == 1:
        return attempts[0]
    *earlier, latest = sorted(attempts, key=lambda row: row.attempt)
    return replace(latest, earlier=tuple(earlier))


def _newest_first(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return the latest to start first; of those at one time, tasks, models and run numbers in order."""
    ordered = sorted(rows, key=lambda row: (row.task, row.model, row.run_number or 0))
    return sorted(ordered, key=lambda row: row.started_at or row.recorded_at, reverse=True)


def with_journal(catalogued: Sequence[ResultRow], runs: Iterable[Run], folder: Callable[[Run], str]) -> list[ResultRow]:
    """Return these rows and those of runs of one's own that the catalog does not know, or no longer knows best.

    `folder` says where a run's latest attempt lies.
    """
    known = {row.key: row for row in catalogued if row.origin == "velora"}
    told = {run.run: row for run in ended(runs) if (row := _told(run, known.get(run.run), folder)) is not None}
    if not told:
        return list(catalogued)
    found = [*told.values(), *(row for row in catalogued if row.key not in told)]
    return _newest_first(found)


def _told(run: Run, known: ResultRow | None, folder: Callable[[Run], str]) -> ResultRow | None:
    """Return the row of a run where its journal knows more than the catalog."""
    attempt = _attempt(run)
    if known is None:
        return row_of_run(run, folder(run))
    if known.attempt < attempt.number:
        return replace(row_of_run(run, folder(run)), earlier=(*known.earlier, replace(known, earlier=())))
    if known.seconds is None and known.attempt == attempt.number and attempt.started_at:
        return replace(known, seconds=_seconds(attempt))
    return None


def row_of_run(run: Run, folder: str) -> ResultRow:
    """Return the row of a run that is over, as its journal tells it."""
    finished = [attempt for attempt in run.attempts[:-1] if attempt.state is AttemptState.FINISHED]
    earlier = tuple(_row_of_attempt(run, attempt, attempt.results or "") for attempt in finished)
    return replace(_row_of_attempt(run, _attempt(run), folder), earlier=earlier)


def _row_of_attempt(run: Run, attempt: Attempt, folder: str) -> ResultRow:
    summary, failure = attempt.summary, attempt.failure
    f2p, p2p = summary.f2p or (None, None), summary.p2p or (None, None)
    word = _WORDS.get(attempt.state, "")
    why = f"{failure.signature}: {failure.message}" if failure else f"it was {word}" if word else summary.void
    return EndedRow(
        key=run.run,
        origin="velora",
        folder=folder,
        task=run.task,
        repo=run.repo,
        model=run.model,
        run_number=run.run_number,
        attempt=attempt.number,
        outcome=attempt.outcome or Outcome.EVAL_ERROR,
        is_verified=True,
        harness_resolved=None,
        flips=0,
        f2p_passed=f2p[0],
        f2p_listed=f2p[1],
        p2p_passed=p2p[0],
        p2p_listed=p2p[1],
        tests_run=None,
        patch_bytes=summary.patch_bytes,
        history=summary.history,
        cost=summary.cost,
        seconds=_seconds(attempt) if attempt.started_at else None,
        started_at=_utc(attempt.started_at),
        recorded_at=_utc(attempt.ended_at) or _utc(run.created_at) or "",
        instance=attempt.instance or "",
        quality_good=sum(check.ok for check in summary.quality),
        quality_checks=len(summary.quality),
        is_valid=attempt.is_valid,
        why=why,
        flags=(),
        content="",
        batch="",
        ended=word,
        signature=f"{failure.failure_class} {failure.signature}" if failure else "",
    )


def _utc(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None


def task_name(run: Run) -> tuple[Span, ...]:
    """Return repository and task: "sepal_ui 1319603449"; owner, and what the task's name repeats, are left out."""
    return Span(run.repo.rpartition("/")[2]), Span(f" {short_task(run)}", "dim")


def _seconds(attempt: Attempt) -> float:
    return attempt.seconds_at(attempt.ended_at or attempt.queued_at)


def _attempt(run: Run) -> Attempt:
    attempt = run.attempt
    assert attempt is not None  # only runs that have ended come here
    return attempt


# --- totals


def totals(rows: Sequence[ResultRow]) -> tuple[Span, ...]:
    """Return "521 runs, 9 imported   214 resolved, 41 % of 519 valid   280 unresolved …"; each run is counted once.

    A run that failed or was stopped after it had come to a result counts with that.
    """
    found = run_results(rows)
    valid = [row for row in found if row.is_valid]
    number = Counter(row.outcome.value for row in found)
    lost = Counter(row.outcome_word for row in rows if not (row.has_result or row.earlier))
    since = Counter(row.outcome_word for row in rows if not row.has_result and row.earlier)
    resolved = sum(row.resolved for row in valid)
    share = f", {100 * resolved / len(valid):.0f} % of {count(len(valid))} valid" if valid else ""
    spans = [Span(f" {count(len(rows))}"), Span(" run" if len(rows) == 1 else " runs", "dim"), _imported(rows)]
    spans += [Span(f"   {count(resolved)}", "good"), Span(f" resolved{share}", "dim")]
    spans += [Span(f"   {count(number[Outcome.UNRESOLVED])}"), Span(" unresolved", "dim")]
    endings: tuple[tuple[int, str, Tone], ...] = (
        (number[Outcome.NO_PATCH], "no patch", ""),
        (number[Outcome.EVAL_ERROR], "no verdict", "bad"),
        (lost["failed"], "failed", "bad"),
        (lost["stopped"], "stopped", "bad"),
        (since["failed"], "failed since", ""),
        (since["stopped"], "stopped since", ""),
    )
    for amount, title, tone in endings:
        if amount:
            spans += [Span(f"   {count(amount)}", tone), Span(f" {title}", "dim")]
    return tuple(spans)


def _imported(rows: Iterable[ResultRow]) -> Span:
    imported = sum(row.origin == "import" for row in rows)
    return Span(f", {count(imported)} imported" if imported else "", "dim")


def differing(rows: Iterable[ResultRow]) -> tuple[Span, ...]:
    """Return "harness said resolved, we say unresolved: 2 runs [!]"; empty where all verdicts agree."""
    found = Counter(_difference(row) for row in rows if row.verdicts_differ)
    if not found:
        return ()
    spans = [Span(" ! ", "look")]
    for words in ("resolved, we do not", "unresolved, we say resolved", "unresolved, we have no verdict"):
        if amount := found[words]:
            spans += [Span(f"harness said {words}: ", "dim"), Span(count(amount), "look")]
            spans.append(Span(f" run{'' if amount == 1 else 's'}   "))
    return (*spans, Span("[!]", "ours"))


def _difference(row: ResultRow) -> str:
    if row.harness_resolved:
        return "resolved, we do not"
    return "unresolved, we say resolved" if row.resolved else "unresolved, we have no verdict"


# --- groups


def grouped(
    rows: Iterable[ResultRow], by: str, unfolded: Collection[str], row_for: Callable[[ResultRow], Row], fleet: Fleet
) -> tuple[list[Row], dict[str, Group]]:
    """Return group headers, below the `unfolded` ones their rows, and the groups by the keys of their headers."""
    shown: list[Row] = []
    groups: dict[str, Group] = {}
    for found in group(rows, by):
        key = f"{GROUP_PREFIX}{by}:{found.key}"
        groups[key] = found
        is_open = key in unfolded
        shown.append(Row(key, _header(found, by, is_open, fleet)))
        if is_open:
            shown += [row_for(row) for row in found.rows]
    return shown, groups


def group_name(found: Group, by: str, fleet: Fleet) -> str:
    """Return what a group is called."""
    name = fleet.label(found.key) if by == "model" else found.key.replace("_", " ") if by == "outcome" else found.key
    return f"run {name}" if by == "run" and name else name or f"no {by}"


def _header(found: Group, by: str, is_open: bool, fleet: Fleet) -> Mapping[str, Cell]:
    runs = len(found.rows)
    of_runs = tally(found.rows)
    valid = [row for row in run_results(found.rows) if row.is_valid]
    costs = [row.cost for row in found.rows if row.cost is not None]
    share = f" {100 * of_runs.resolved / of_runs.valid:.0f} %" if of_runs.valid else ""
    rate = Span(f"{of_runs.resolved}/{of_runs.valid}", "good" if of_runs.resolved else "")
    return {
        "task": (Span(f"{'▾' if is_open else '▸'} ", "ours"), Span(group_name(found, by, fleet), "strong")),
        "model": Span(f"{count(runs)} run{'' if runs == 1 else 's'}", "dim"),
        "outcome": (rate, Span(share, "dim")) if of_runs.valid else _NOTHING,
        "f2p": _sum(valid, "f2p", is_fixing=True),
        "p2p": _sum(valid, "p2p", is_fixing=False),
        "cost": Span(dollars(sum(costs)), "dim") if costs else "",
        "harness": _differ(found.rows),
    }


def _differ(rows: Iterable[ResultRow]) -> Cell:
    number = sum(row.verdicts_differ for row in rows)
    return Span(f"! {number} differ", "look") if number else ""


def _sum(rows: Iterable[ResultRow], name: str, *, is_fixing: bool) -> Cell:
    """Return the share of a list's tests that succeeded in all these runs, as the comparison of models tells it."""
    pairs = [(getattr(row, f"{name}_passed"), getattr(row, f"{name}_listed")) for row in rows]
    known = [(passed, listed) for passed, listed in pairs if passed is not None and listed]
    if not known:
        return _NOTHING
    share = sum(passed for passed, _ in known) / sum(listed for _, listed in known)
    return Span(f"{100 * share:.0f}%", fraction(int(share == 1), 1, is_fixing=is_fixing).tone if share == 1 else "dim")
