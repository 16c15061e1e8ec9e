"""Models, matrices, batches and what is missing, from rows made by importing real files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.results.trees import ALL_PASS, Finished, january, log
from velora_tui.domain.compare import compare_batches, matrix, summarise
from velora_tui.domain.counting import tally
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow, group, order, select
from velora_tui.domain.missing import missing
from velora_tui.domain.report import Outcome, Status
from velora_tui.pipeline.imported.batch import import_trees
from velora_tui.store.catalog import Catalog
from velora_tui.view.cells import plain
from velora_tui.view.compare import batch_lines, batch_record
from velora_tui.view.filter import parse_filter
from velora_tui.view.listing import COLUMNS, FILTER_KEYS, Listing
from velora_tui.view.results_rows import grouped

FAILS = log(test_total="FAILED", test_empty="PASSED", test_add="PASSED")
BREAKS = log(test_total="PASSED", test_empty="PASSED", test_add="ERROR")


@pytest.fixture
def rows(disk: Path, catalog: Catalog) -> list[ResultRow]:
    """gpt: shop-1 resolved in 2 of 3 runs, shop-2 in 0 of 2; claude: shop-1 in 1 of 1, and one void run."""
    plan = [
        ("shop-1", "gpt", 1, ALL_PASS, 0.1),
        ("shop-1", "gpt", 2, FAILS, 0.2),
        ("shop-1", "gpt", 3, ALL_PASS, 0.3),
        ("shop-2", "gpt", 1, FAILS, 0.4),
        ("shop-2", "gpt", 2, BREAKS, 0.5),
        ("shop-1", "claude", 1, ALL_PASS, 1.0),
        ("shop-2", "claude", 1, "bash: pytest: command not found", 3.0),
    ]
    for task, model, run, output, cost in plan:
        finished = Finished(task=task, model=model, output=output, cost=cost, start_time=f"2026-01-2{run} 06:20:08")
        finished.write(january(disk, run, task, model))
    import_trees(catalog, [disk])
    return catalog.rows()


def test_models_are_summed_over_valid_runs(rows: list[ResultRow]) -> None:
    claude, gpt = summarise(rows, (1, 2, 3))

    assert (claude.model, claude.runs, claude.valid, claude.resolved, claude.eval_errors) == ("claude", 2, 1, 1, 1)
    assert (gpt.runs, gpt.valid, gpt.resolved, gpt.tasks) == (5, 5, 2, 2)
    assert [(found.k, pytest.approx(found.value), found.tasks) for found in gpt.pass_at] == [
        (1, (2 / 3 + 0) / 2, 2),
        (2, (1 + 0) / 2, 2),
        (3, 1.0, 1),
    ]
    assert (gpt.f2p, gpt.p2p) == ((3, 5), (9, 10))
    assert (gpt.cost_mean, gpt.cost_total, claude.cost_total) == pytest.approx((0.3, 1.5, 4.0))


def test_a_run_repeated_counts_once_with_its_newest_result(rows: list[ResultRow]) -> None:
    first = next(row for row in rows if row.model == "claude" and row.resolved)
    again = replace(first, key="again", outcome=Outcome.UNRESOLVED, started_at="2026-03-01T00:00:00+00:00")
    copy = replace(first, key="copy", is_copy=True)

    claude = next(summary for summary in summarise([*rows, again, copy]) if summary.model == "claude")

    assert (claude.runs, claude.valid, claude.resolved) == (2, 1, 0)


def test_the_matrix_shows_where_runs_of_a_task_differ(rows: list[ResultRow], catalog: Catalog) -> None:
    chosen = order([row for row in rows if row.task == "shop-2" and row.model == "gpt"], "run")

    compared = matrix([catalog.result(row) for row in chosen])

    assert [(row.test.rpartition("::")[2], row.listed, row.statuses) for row in compared.differing] == [
        ("test_total", "FAIL_TO_PASS", (Status.FAILED, Status.PASSED)),
        ("test_add", "PASS_TO_PASS", (Status.PASSED, Status.ERROR)),
    ]
    assert [row.test.rpartition("::")[2] for row in compared.rows] == ["test_total", "test_empty", "test_add"]
    assert compared.rows[0].successes == (False, True)


def test_what_flipped_between_two_batches(rows: list[ResultRow]) -> None:
    before, after = ([row for row in rows if row.run_number == number] for number in (1, 2))

    found = compare_batches(before, after)

    (change,) = found.changes
    assert (change.before.task, change.is_better, change.is_worse) == ("shop-1", False, True)
    assert (found.unchanged, len(found.only_before), len(found.only_after), found.p_value) == (1, 2, 0, 1.0)
    assert found.paired_by == ("task", "model")


def test_models_are_paired_by_task_and_run_number(rows: list[ResultRow]) -> None:
    sides = [[row for row in rows if row.model == model] for model in ("gpt", "claude")]

    found = compare_batches(*sides)

    assert found.paired_by == ("task", "run number")

    assert [(change.before.task, change.after.outcome) for change in found.changes] == [("shop-2", Outcome.EVAL_ERROR)]
    assert (found.unchanged, len(found.only_before)) == (1, 3)


def test_batches_without_a_pair_have_no_p_value_and_say_so(rows: list[ResultRow]) -> None:
    first = [row for row in rows if row.model == "gpt" and row.run_number == 1]
    others = [row for row in rows if row.model == "gpt" and row.run_number in (2, 3)]

    found = compare_batches(first, others)

    assert [plain(line) for line in batch_lines(found, Fleet())] == [
        "2 only before · 3 only after",
        "no pair in common: paired by task, model and run number",
    ]
    assert batch_record(found)["p_value"] is None


def test_a_run_without_a_graded_test_makes_no_test_differ(disk: Path, catalog: Catalog) -> None:
    for run, output in enumerate((ALL_PASS, ALL_PASS, "ImportError while loading conftest '/c.py'."), start=1):
        Finished(output=output, start_time=f"2026-01-2{run} 06:20:08").write(january(disk, run))
    import_trees(catalog, [disk])
    runs = sorted(catalog.rows(), key=lambda row: row.run_number or 0)

    compared = matrix([catalog.result(row) for row in runs])

    assert compared.rows
    assert compared.differing == ()
    assert {row.statuses[2] for row in compared.rows} == {None}


def test_a_groups_tests_are_those_of_its_models_summary(rows: list[ResultRow]) -> None:
    shown, _ = grouped(rows, "model", (), Listing(Fleet()).row, Fleet())
    groups = {plain(row.cells["task"]).removeprefix("▸ "): row.cells for row in shown}
    for summary in summarise(rows):
        shares = [f"{100 * passed / listed:.0f}%" for passed, listed in (summary.f2p, summary.p2p)]
        cells = groups[summary.model]
        assert [plain(cells["f2p"]), plain(cells["p2p"])] == shares
        assert plain(cells["outcome"]).startswith(f"{summary.resolved}/{summary.valid} ")


def test_missing_runs_with_what_is_wrong_with_those_there_are(rows: list[ResultRow]) -> None:
    found = missing(rows, ["shop-1", "shop-2"], ["gpt", "claude"], [1, 2])
    accepting = missing(rows, ["shop-2"], ["claude"], [1], accept=frozenset({Outcome.EVAL_ERROR}))

    assert [(run.task, run.model, run.run_number, run.reason[:20]) for run in found] == [
        ("shop-2", "claude", 1, "eval_error: the prog"),
        ("shop-1", "claude", 2, "no result"),
        ("shop-2", "claude", 2, "no result"),
    ]
    assert accepting == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 7),
        ("model:gpt", 5),
        ("model:gpt outcome:resolved", 2),
        ("!model:gpt", 2),
        ("shop-2 run:1", 2),
        ("/shop-[12]/ run_3", 1),
        ("valid:no", 1),
        ("date:2026-01-22", 2),
        ("outcome:resolved,eval_error", 4),
        ("flag:no-such", 0),
    ],
)
def test_the_filter_of_the_tables_on_rows(rows: list[ResultRow], text: str, number: int) -> None:
    assert len(select(rows, parse_filter(text, FILTER_KEYS).terms)) == number


def test_rows_are_sorted_with_the_unknown_last_and_grouped(rows: list[ResultRow]) -> None:
    unknown = replace(rows[0], key="unknown", cost=None)
    costs = [row.cost for row in order([unknown, *rows], "cost", descending=True)]

    assert costs == [3.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1, None]
    assert [(found.key, len(found.rows), tally(found.rows).resolved) for found in group(rows, "model")] == [
        ("claude", 2, 1),
        ("gpt", 5, 2),
    ]
    assert [found.key for found in group(rows, "date")] == ["2026-01-21", "2026-01-22", "2026-01-23"]


def test_a_row_of_the_table_shows_what_there_is_to_know(rows: list[ResultRow]) -> None:
    (entry,) = Listing(Fleet()).entries(row for row in rows if row.model == "gpt" and row.cost == 0.2)

    shown = {column.id: plain(entry.row.cells.get(column.id, "")) for column in COLUMNS}
    assert shown | {"patch": ""} == {
        "task": "shop 1",
        "model": "gpt",
        "run": "2",
        "outcome": "○ unresolved !",
        "f2p": "0/1",
        "p2p": "2/2",
        "harness": "! resolved",
        "quality": "7/8",
        "patch": "",
        "history": "30",
        "time": "–",
        "cost": "$0.20",
        "date": "2026-01-22",
        "origin": "import",
    } | {"time": shown["time"]}
    assert re.fullmatch(r"\d+:\d\d", shown["time"])
    assert entry.fields["model"] == "gpt"
    assert entry.order["cost"] == (0.2, "")
