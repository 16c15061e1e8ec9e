"""One rule for what counts as a run's result, however its rows are come by: header, Results, models, export."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.dashboard.build import attempt, instance, run, snapshot
from velora_tui.domain.compare import compare_batches, summarise
from velora_tui.domain.counting import Tally, tally
from velora_tui.domain.events import AttemptState, PhaseState, Summary
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Attempt, PhaseRun, Run, total_seconds
from velora_tui.view.cells import plain
from velora_tui.view.cli_fleet import run_lines
from velora_tui.view.export import as_markdown
from velora_tui.view.fleet_rows import fleet_entries
from velora_tui.view.header import judged
from velora_tui.view.listing import Listing
from velora_tui.view.rates import Rates
from velora_tui.view.results_rows import by_run, row_of_run, totals, with_journal

GOOD, POOR = Outcome.RESOLVED, Outcome.UNRESOLVED


def finished(outcome: Outcome, number: int = 1) -> Attempt:
    return attempt("eval1", None, AttemptState.FINISHED, number=number, seconds=900 - number, outcome=outcome)


def without_tests(void: str) -> Attempt:
    """Return a second attempt whose evaluation ran no test; `void` says why that is not its model's doing."""
    return finished(Outcome.EVAL_ERROR, 2).model_copy(update={"summary": Summary(void=void)})


def again(state: AttemptState, number: int = 2) -> Attempt:
    return attempt("eval1", "image", state, number=number, seconds=90)


def run_of(name: str, *attempts: Attempt) -> Run:
    return run(name, "psf/requests", f"task-{name}", "llm.gpt", *attempts)


def catalogued(runs: list[Run]) -> list[ResultRow]:
    """Return the catalog's rows of these runs: one of each attempt that came to a result."""
    ended = [(a_run, one) for a_run in runs for one in a_run.attempts if one.state is AttemptState.FINISHED]
    return [
        replace(row_of_run(a_run.model_copy(update={"attempts": (one,)}), "folder"), key=f"{a_run.run}.{one.number}")
        for a_run, one in ended
    ]


RUNS = {
    "a retry that runs": [run_of("A", finished(POOR), again(AttemptState.RUNNING)), run_of("B", finished(GOOD))],
    "a retry that was stopped": [run_of("A", finished(POOR), again(AttemptState.STOPPED)), run_of("B", finished(GOOD))],
    "a retry that failed": [run_of("A", finished(POOR), again(AttemptState.FAILED)), run_of("B", finished(GOOD))],
    "a retry whose evaluation failed": [
        run_of("A", finished(POOR), without_tests("the disk was full")),
        run_of("B", finished(GOOD)),
    ],
    "a retry that did better": [
        run_of("A", finished(POOR), finished(POOR, 2)),
        run_of("B", finished(POOR), finished(GOOD, 2)),
    ],
    "two stopped retries": [
        run_of("A", finished(POOR), again(AttemptState.STOPPED), again(AttemptState.STOPPED, 3)),
        run_of("B", finished(GOOD)),
    ],
}


@pytest.mark.parametrize("runs", RUNS.values(), ids=RUNS)
def test_dashboard_and_commands_count_the_same(runs: list[Run]) -> None:
    attempts = catalogued(runs)
    shown = with_journal(by_run(attempts), runs, lambda run: "folder")

    assert judged(runs) == (1, 2)
    assert tally(shown) == tally(attempts) == Tally(runs=2, valid=2, resolved=1)
    assert "1 resolved, 50 % of 2 valid   1 unresolved" in plain(totals(shown))
    assert summarise(shown) == summarise(attempts)
    assert "| 2 | 1 | 50.0 % |" in "".join(as_markdown(attempts))
    assert compare_batches(shown, attempts).unchanged == 2


def test_a_patch_that_breaks_all_tests_is_a_result_of_its_model() -> None:
    runs = [run_of("A", finished(POOR), without_tests("")), run_of("B", finished(GOOD))]
    attempts = catalogued(runs)
    shown = with_journal(by_run(attempts), runs, lambda run: "folder")

    assert judged(runs) == (1, 2)
    assert tally(shown) == tally(attempts) == Tally(runs=2, valid=2, resolved=1)
    assert "1 resolved, 50 % of 2 valid   0 unresolved   1 no verdict" in plain(totals(shown))


def test_an_evaluation_that_failed_counts_for_nothing() -> None:
    runs = [run_of("A", without_tests("the disk was full")), run_of("B", finished(GOOD))]

    assert judged(runs) == (1, 1)
    assert tally(with_journal([], runs, lambda run: "folder")) == Tally(runs=2, valid=1, resolved=1)


def test_every_screen_and_command_tells_the_same_time_of_an_attempt() -> None:
    seconds = {"upload": 1.26, "image": 30.0, "evaluation": 10.7, "validate": 0.9}
    phases = tuple(PhaseRun(name=name, state=PhaseState.SUCCEEDED, seconds=took) for name, took in seconds.items())
    a_run = run_of("A", finished(GOOD).model_copy(update={"phases": phases}))
    fleet = snapshot(instance("eval1", a_run), others=(a_run,))

    (row,) = with_journal((), [a_run], lambda run: "folder")
    written = total_seconds(took for name, took in seconds.items() if name != "validate")

    assert row.seconds == written == 42.0
    assert plain(fleet_entries(fleet, Rates(), 120)[0].row.cells["time"]) == "0:42"
    assert plain(Listing(fleet.fleet).row(row).cells["time"]) == "0:42"
    assert " 0:42 " in plain(run_lines([a_run], fleet)[1])


def test_what_only_the_journal_knows_counts_in_the_same_way() -> None:
    runs = [run_of("A", finished(POOR), again(AttemptState.STOPPED)), run_of("B", again(AttemptState.FAILED, 1))]

    shown = with_journal((), runs, lambda run: "folder")

    assert {row.key: row.outcome_word for row in shown} == {"A": "stopped", "B": "failed"}
    assert judged(runs) == (0, 1)
    assert plain(totals(shown)) == " 2 runs   0 resolved, 0 % of 1 valid   1 unresolved   1 failed   1 stopped since"


def test_the_totals_say_how_many_runs_were_imported() -> None:
    (own,) = with_journal((), [run_of("A", finished(GOOD))], lambda run: "folder")
    imported = replace(own, key="i1", origin="import", run_number=None, outcome=POOR)

    assert plain(totals([own, imported])).startswith(" 2 runs, 1 imported   1 resolved, 50 % of 2 valid")
