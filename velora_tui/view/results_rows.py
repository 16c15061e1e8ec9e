"""All finished runs as one table: the catalog's and those the journal knows of, in groups, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import EndedRow, Group, ResultRow, group
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, Run
from velora_tui.view.cells import Cell, Row, Span
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

    Newest first. The details of such a row are found by its folder.
    """
    own: dict[str, ResultRow] = {}
    others: list[ResultRow] = []
    for row in rows:
        if row.origin == "import" or "." not in row.key:
            others.append(row)
            continue
        run = row.key.rpartition(".")[0]
        if run not in own or row.attempt > own[run].attempt:
            own[run] = row
    found = [*others, *(replace(row, key=run) for run, row in own.items())]
    return _newest_first(found)


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
    if known is None or known.attempt < attempt.number:
        return row_of_run(run, folder(run))
    if known.seconds is None and known.attempt == attempt.number and attempt.started_at:
        return replace(known, seconds=seconds_of(attempt))
    return None


def row_of_run(run: Run, folder: str) -> ResultRow:
    """Return the row of a run that is over, as its journal tells it."""
    attempt = _attempt(run)
    summary, failure = attempt.summary, attempt.failure
    f2p, p2p = summary.f2p or (None, None), summary.p2p or (None, None)
    word = _WORDS.get(attempt.state, "")
    why = f"{failure.signature}: {failure.message}" if failure else (word and f"it was {word}")
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
        seconds=seconds_of(attempt) if attempt.started_at else None,
        started_at=_utc(attempt.started_at),
        recorded_at=_utc(attempt.ended_at) or _utc(run.created_at) or "",
        instance=attempt.instance or "",
        quality_good=sum(check.ok for check in summary.quality),
        quality_checks=len(summary.quality),
        is_valid=not word,
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


def seconds_of(attempt: Attempt) -> float:
    """Return how long an attempt that has ended took."""
    return attempt.worked_seconds


def _attempt(run: Run) -> Attempt:
    attempt = run.attempt
    assert attempt is not None  # only runs that have ended come here
    return attempt


# --- totals


def totals(rows: Sequence[ResultRow]) -> tuple[Span, ...]:
    """Return "521 runs   214 resolved 41 %   280 unresolved …" of finished runs; shares are of those with a verdict."""
    words = [row.outcome_word for row in rows]
    number = {word: words.count(word) for word in (*(outcome.value for outcome in Outcome), "failed", "stopped")}
    judged = sum(number[outcome.value] for outcome in Outcome)
    resolved = number[Outcome.RESOLVED.value]
    share = f" {100 * resolved / judged:.0f} %" if judged else ""
    spans = [Span(f" {count(len(rows))}"), Span(" run" if len(rows) == 1 else " runs", "dim")]
    spans += [Span(f"   {count(resolved)}", "good"), Span(f" resolved{share}", "dim")]
    spans += [Span(f"   {count(number[Outcome.UNRESOLVED.value])}"), Span(" unresolved", "dim")]
    for word, title in (
        (Outcome.NO_PATCH.value, "no patch"),
        (Outcome.EVAL_ERROR.value, "no verdict"),
        ("failed", "failed"),
        ("stopped", "stopped"),
    ):
        if number[word]:
            spans += [Span(f"   {count(number[word])}", "" if title == "no patch" else "bad"), Span(f" {title}", "dim")]
    return tuple(spans)


def differing(rows: Iterable[ResultRow]) -> tuple[Span, ...]:
    """Return "harness said resolved, we say unresolved: 2 runs [!]"; empty where all verdicts agree."""
    found = [row.harness_resolved for row in rows if row.verdicts_differ]
    if not found:
        return ()
    wrong_passes = sum(bool(said) for said in found)
    spans = [Span(" ! ", "look")]
    for amount, words in (
        (wrong_passes, "harness said resolved, we do not: "),
        (len(found) - wrong_passes, "harness said unresolved, we say resolved: "),
    ):
        if amount:
            spans += [Span(words, "dim"), Span(count(amount), "look"), Span(f" run{'' if amount == 1 else 's'}   ")]
    return (*spans, Span("[!]", "ours"))


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
    valid = sum(row.is_valid for row in found.rows)
    resolved = sum(row.resolved and row.is_valid for row in found.rows)
    costs = [row.cost for row in found.rows if row.cost is not None]
    share = f" {100 * resolved / valid:.0f} %" if valid else ""
    return {
        "task": (Span(f"{'▾' if is_open else '▸'} ", "ours"), Span(group_name(found, by, fleet), "strong")),
        "model": Span(f"{count(runs)} run{'' if runs == 1 else 's'}", "dim"),
        "outcome": (Span(f"{resolved}/{valid}", "good" if resolved else ""), Span(share, "dim")) if valid else _NOTHING,
        "f2p": _sum(found.rows, "f2p", is_fixing=True),
        "p2p": _sum(found.rows, "p2p", is_fixing=False),
        "cost": Span(dollars(sum(costs)), "dim") if costs else "",
        "harness": _differ(found.rows),
    }


def _differ(rows: Iterable[ResultRow]) -> Cell:
    number = sum(row.verdicts_differ for row in rows)
    return Span(f"! {number} differ", "look") if number else ""


def _sum(rows: Iterable[ResultRow], name: str, *, is_fixing: bool) -> Cell:
    """Return how many runs of a group have all tests of a list."""
    pairs = [(getattr(row, f"{name}_passed"), getattr(row, f"{name}_listed")) for row in rows]
    known = [(passed, listed) for passed, listed in pairs if passed is not None and listed]
    if not known:
        return _NOTHING
    share = sum(passed / listed for passed, listed in known) / len(known)
    return Span(f"{100 * share:.0f}%", fraction(int(share == 1), 1, is_fixing=is_fixing).tone if share == 1 else "dim")
