"""The lines of `velora results`, `compare` and `status`: what tells rows apart, comes first, and fits a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.diagnosis.test_findings import result, verdict
from tests.ui.dashboard.build import attempt, busy_fleet, run
from velora_tui.domain.compare import compare_batches, matrix, summarise
from velora_tui.domain.events import AttemptState, Summary
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow, row_of
from velora_tui.domain.report import Flag, Outcome, QualityCheck, Status
from velora_tui.domain.result import AttemptResult, Flip
from velora_tui.view.cells import Cell, plain
from velora_tui.view.cli_fleet import run_lines
from velora_tui.view.cli_results import LINES_SHOWN, proof_lines, result_lines
from velora_tui.view.compare import batch_lines, flip_lines, matrix_lines, model_cells, model_lines, model_titles
from velora_tui.view.export import as_html
from velora_tui.view.quality import flips_in_line
from velora_tui.view.text import cells

LONG = "tests/integration/test_the_cart_of_a_shop_with_a_long_name.py::TestCart::test_total[one item - sale]"
NARROW = 80


def told(lines: Iterable[Cell]) -> list[str]:
    return [plain(line) for line in lines]


def made(number: int = 1, attempt: int = 1, **changes: object) -> AttemptResult:
    own = verdict({LONG: Status.PASSED if number == 1 else Status.FAILED, "t::b": Status.PASSED})
    fields = {"run": f"01K0X{number}", "attempt": attempt, "run_number": number, "task": "a-long-name" * 5, **changes}
    return result(Outcome.RESOLVED if number == 1 else Outcome.UNRESOLVED, verdict=own, **fields)


def row(number: int = 1, attempt: int = 1) -> ResultRow:
    return row_of(made(number, attempt), origin="velora", folder="f", content=f"{number}.{attempt}", batch="")


def test_attempts_are_told_apart_where_a_run_has_several() -> None:
    once, again = told(result_lines([row()], Fleet())), told(result_lines([row(), row(attempt=3)], Fleet()))

    assert "ATT" not in once[0]
    column = again[0].index("ATT")
    assert [line[column : column + 3].strip() for line in again[1:]] == ["1", "3"]


def test_what_one_should_know_comes_before_the_tests_and_these_are_cut() -> None:
    many = verdict({f"t::n{number:03}": Status.MISSING for number in range(100)}, gradeable=False)
    quality = (
        QualityCheck(id="patch-size", ok=False, detail="too small"),
        QualityCheck(id="tests", ok=True, detail=""),
    )
    flag = Flag(id="field-cut", detail="cut")
    shown = result(Outcome.EVAL_ERROR, verdict=many, flags=(flag,), summary=Summary(quality=quality))

    lines, everything = told(proof_lines(shown)), told(proof_lines(shown, everything=True))

    assert lines[:4] == ["", "! field-cut · cut", "✗ patch-size · too small", ""]
    assert lines[4] == "FAIL_TO_PASS 0/100"
    assert lines[5 + LINES_SHOWN] == f"… {100 - LINES_SHOWN} more tests: --all shows them"
    assert sum("MISSING" in line for line in everything) == 100


def test_what_one_should_know_is_broken_between_words() -> None:
    flag = Flag(id="field-cut", detail="a field of the dataset was cut by a spreadsheet " * 4)

    lines = told(proof_lines(result(flags=(flag,)), width=NARROW))

    assert lines[1].startswith("! field-cut · a field")
    assert " ".join(" ".join(lines[1:4]).split()).endswith(flag.detail.strip())
    assert all(cells(line) <= NARROW for line in lines)


@pytest.mark.parametrize("width", [NARROW, 120])
def test_no_line_of_a_table_is_wider_than_the_terminal(width: int) -> None:
    rows, results = [row(1), row(2), row(2, 2)], [made(1), made(2)]
    tables = {
        "results": result_lines(rows, Fleet(), by="model", keys=True, width=width),
        "models": model_lines(summarise(rows), Fleet(), width),
        "tests": matrix_lines(matrix(results), Fleet(), only_differing=False, width=width),
        "batches": batch_lines(compare_batches(rows[:1], rows[1:]), Fleet(), width),
        "runs": run_lines(busy_fleet().runs.values(), busy_fleet(), width),
    }

    wide = {name: max(map(cells, told(lines))) for name, lines in tables.items()}

    assert {name: most for name, most in wide.items() if most > width} == {}


def test_a_narrow_list_keeps_what_names_a_result_and_its_outcome() -> None:
    (head, line, _) = told(result_lines([row(), row(2)], Fleet(), width=NARROW))
    (models, *_) = told(model_lines(summarise([row()]), Fleet(), NARROW))

    assert head.split()[:4] == ["TASK", "MODEL", "RUN", "OUTCOME"]
    assert "✓ resolved" in line
    assert {"MODEL", "VALID", "RESOLVED", "RATE", "PASS@1"} <= set(models.split())


def test_a_narrow_table_of_models_keeps_the_ks_asked_for_and_names_what_it_leaves_out() -> None:
    rows = [row(number) for number in range(1, 6)]

    head, _, *notes = told(model_lines(summarise(rows, (3, 5)), Fleet(), 50, chosen=True))

    assert {"MODEL", "PASS@3", "PASS@5"} <= set(head.split())
    left_out = [title for title in ("TOTAL $", "RUNS", "TIME", "$/RUN", "P2P", "F2P", "TASKS") if title not in head]
    assert left_out
    told_last = " ".join(" ".join(notes[3:]).split())
    assert told_last == f"no room for {', '.join(left_out)}: a wider terminal, or --json"


def test_a_pass_at_k_of_fewer_tasks_than_all_says_of_how_many() -> None:
    other = replace(row(3), task="another")
    summaries = summarise([row(1), row(2), other], (1, 2))

    (_, line, *_) = told(model_lines(summaries, Fleet()))
    (pass_1, pass_2) = (dict(zip(model_titles(summaries), model_cells(summaries[0], summaries, Fleet()), strict=True))[
        title] for title in ("PASS@1", "PASS@2"))  # fmt: skip

    assert plain(pass_2) == "100% n=1"
    assert "n=" not in plain(pass_1)
    assert "100% n=1" in line
    assert '@2 100.0 %<span class="look"> (1 of 2 tasks)</span>' in "".join(
        as_html([row(1), row(2), other], "Results", datetime(2026, 1, 28, tzinfo=UTC))
    )


def test_a_narrow_matrix_shows_whole_runs_and_says_how_many_more_there_are() -> None:
    results = [made(number) for number in range(1, 33)]

    lines = told(matrix_lines(matrix(results), Fleet(), only_differing=False, width=NARROW))

    runs = lines[0].split()[1:]
    assert 2 <= len(runs) < 32
    assert lines[-1] == f"… {32 - len(runs)} more runs: a wider terminal, or --json"
    assert lines[1].split().count("resolved") + lines[1].split().count("unresolved") == len(runs)
    assert len(told(matrix_lines(matrix(results), Fleet(), only_differing=False))[0].split()) == 33


@pytest.mark.parametrize(
    "names",
    [
        [f"tests/unit/test_t2.py::TestTheCartOfAShop::test_{number}" for number in range(3)],
        [
            f"tests/unit/test_{number}.py::TestTheCartOfAShop::test_the_total_of_two_items[with a sale]"
            for number in "ab"
        ],
    ],
)
def test_names_of_tests_are_cut_where_they_differ(names: list[str]) -> None:
    results = [result(verdict=verdict(dict.fromkeys(names, Status.PASSED)))]

    lines = told(matrix_lines(matrix(results), Fleet(), only_differing=False, width=50))

    shown = [line.partition("  F2P")[0] for line in lines[4:]]
    assert len(set(shown)) == len(names)
    assert all("…" in name for name in shown)


def test_what_the_harness_said_of_a_run_is_told_apart_from_why_we_say_otherwise() -> None:
    why = "no test ran: collection failed"
    judged = verdict({LONG: Status.MISSING}, gradeable=False).model_copy(update={"reason": why})
    flip = Flip(rule="no-tests-ran", detail=f"it is not graded: {why}", harness_passed=False)
    shown = result(Outcome.EVAL_ERROR, verdict=judged, flips=(flip,))

    assert told([flips_in_line(shown)]) == [f" ! the harness said unresolved; we say no verdict: {why}   "]
    assert told(flip_lines((flip,))) == [f"   harness: unresolved · it is not graded: {why} · no-tests-ran"]


def test_a_narrow_status_keeps_the_runs_by_which_commands_know_them() -> None:
    name = "01KBCDEFGHJKMNPQRSTVWXYZ01"
    waits = run(name, "a/b", "a-long-task-name" * 3, "llm.gpt", attempt("eval1", "image", AttemptState.FAILED))

    head, line = told(run_lines([waits], busy_fleet(), NARROW))

    assert head.split()[:2] == ["RUN", "TASK"]
    assert line.startswith(name)
    assert "✗ failed" in line
