"""Finished runs are found in every layout, told apart, graded again, and never touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.results.trees import ALL_PASS, F2P, P2P, Finished, february, january, log
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import ResultRow
from velora_tui.domain.report import Outcome
from velora_tui.domain.result import AttemptResult
from velora_tui.domain.task import Task
from velora_tui.pipeline.imported.batch import import_trees
from velora_tui.store.catalog import Catalog
from velora_tui.view.cells import plain
from velora_tui.view.listing import Listing
from velora_tui.view.results_rows import differing

One = Callable[..., ResultRow]
Details = Callable[..., AttemptResult]

TASK = Task.model_validate(
    {"instance_id": "shop-1", "repo": "acme/shop", "base_commit": "0123abcd", "FAIL_TO_PASS": F2P, "PASS_TO_PASS": P2P}
)


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return name, mode, mtime and content of everything below."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("place", "number"),
    [
        (lambda disk: january(disk / "outputs", 3), 3),
        (lambda disk: february(disk, 4), 4),
        (lambda disk: disk / "shop-1" / "gpt" / "run_5", 5),
        (lambda disk: january(disk / "shop-1" / "gpt" / "run_6", 1), 6),
        (lambda disk: disk / "some" / "where", None),
    ],
)
def test_every_layout(disk: Path, imported: One, place: Callable[[Path], Path], number: int | None) -> None:
    Finished().write(place(disk))

    row = imported()

    assert (row.task, row.repo, row.model, row.run_number) == ("shop-1", "acme/shop", "gpt-5.2", number)
    assert (row.outcome, row.is_verified, row.is_valid) == (Outcome.RESOLVED, True, True)
    assert (row.f2p_passed, row.f2p_listed, row.p2p_passed, row.p2p_listed) == (1, 1, 2, 2)
    assert (row.history, row.cost, row.seconds, row.started_at) == (30, 0.5, 81.5, "2026-01-28T06:20:08+00:00")


@pytest.mark.parametrize(
    "options",
    [
        {"indent": 4},
        {"graded": "eval_standardized_output.jsonl", "details": "evaluation_details", "reports": "evals_report"},
        {"without": ("metadata.json",)},
        {"without": ("output.jsonl",)},
        {"without": ("eval_pilot2_output.jsonl",)},
        {"without": ("test_output.txt",)},
        {"without": ("report.json", "patch.diff")},
    ],
)
def test_other_names_and_missing_parts(disk: Path, imported: One, options: dict[str, object]) -> None:
    Finished().write(january(disk), **options)  # type: ignore[arg-type]

    row = imported()

    assert (row.task, row.model, row.run_number) == ("shop-1", "gpt-5.2", 1)
    assert (row.outcome, row.is_verified, row.harness_resolved) == (Outcome.RESOLVED, True, True)


def test_an_evaluation_alone_is_the_harnesss_word_until_its_dataset_is_given(disk: Path, imported: One) -> None:
    everything = ("output.jsonl", "eval_pilot2_output.jsonl", "metadata.json")
    Finished(resolved=True, output=log(test_total="FAILED", test_empty="PASSED", test_add="PASSED")).write(
        disk / "shop-1" / "gpt" / "run_2", without=everything
    )

    before = imported()
    after = imported(tasks=[TASK])

    assert (before.task, before.model, before.run_number) == ("shop-1", "gpt", 2)
    assert (before.outcome, before.is_verified, before.flags) == (Outcome.RESOLVED, False, ("not-verified",))
    assert (after.outcome, after.is_verified, after.verdicts_differ) == (Outcome.UNRESOLVED, True, True)


def test_loose_evaluation_files_beside_the_record(disk: Path, imported: One) -> None:
    folder = Finished().write(disk / "run_1", without=("eval_pilot2_output.jsonl",))
    (folder / "eval_outputs" / "shop-1").rename(folder / "shop-1")

    row = imported()

    assert (row.outcome, row.is_verified, row.harness_resolved) == (Outcome.RESOLVED, True, True)


def test_the_source_is_never_changed(disk: Path, catalog: Catalog) -> None:
    Finished().write(january(disk))
    (disk / "broken").mkdir()
    (disk / "broken" / "output.jsonl").write_text('{"instance_id": "x", "history": [')
    before = state_of(disk)

    import_trees(catalog, [disk])

    assert state_of(disk) == before


def test_a_second_import_reads_only_what_changed(disk: Path, catalog: Catalog) -> None:
    for run in (1, 2):
        Finished(start_time=f"2026-01-2{run} 10:00:00").write(january(disk, run))
    first = import_trees(catalog, [disk])
    rows = catalog.rows()

    second = import_trees(catalog, [disk, disk / "."])
    assert (first.read, first.results, second.read, second.unchanged) == (2, 2, 0, 2)
    assert catalog.rows() == rows

    output = log(test_total="FAILED", test_empty="PASSED", test_add="PASSED")
    Finished(start_time="2026-01-22 10:00:00", output=output).write(january(disk, 2))
    third = import_trees(catalog, [disk])
    assert (third.read, third.unchanged) == (1, 1)
    assert {row.run_number: row.outcome for row in catalog.rows()} == {1: Outcome.RESOLVED, 2: Outcome.UNRESOLVED}


def test_another_dataset_has_its_runs_graded_again(disk: Path, catalog: Catalog) -> None:
    Finished().write(january(disk))
    import_trees(catalog, [disk])
    longer = TASK.model_copy(update={"pass_to_pass": (*P2P, "tests/test_cart.py::test_gone")})

    given = import_trees(catalog, [disk], [longer])
    again = import_trees(catalog, [disk], [longer])
    without = import_trees(catalog, [disk])

    assert (given.read, again.read, without.read) == (1, 0, 0)
    assert catalog.rows()[0].outcome is Outcome.UNRESOLVED


def test_copies_are_one_run_and_the_complete_one_stands_for_them(disk: Path, catalog: Catalog) -> None:
    whole = Finished().write(disk / "a much longer way to it" / "run_1")
    Finished().write(disk / "b" / "run_1", indent=2, without=("test_output.txt", "eval_pilot2_output.jsonl"))
    Finished(start_time="2026-01-30 10:00:00").write(disk / "c" / "run_2")

    report = import_trees(catalog, [disk])

    assert (report.results, report.copies) == (3, 1)
    assert {row.run_number: row.folder for row in catalog.rows()}[1] == str(whole)
    assert len(catalog.rows(copies=True)) == 3


def test_links_that_lead_in_circles_or_nowhere(disk: Path, catalog: Catalog) -> None:
    run = Finished().write(january(disk))
    (run / "again").symlink_to(disk)
    (disk / "aaa").symlink_to(run)
    (disk / "output.jsonl").symlink_to(disk / "nothing")

    import_trees(catalog, [disk])

    assert [row.folder for row in catalog.rows(copies=True)] == [str(run)]


def test_broken_files_are_reported_and_stop_nothing(disk: Path, catalog: Catalog) -> None:
    Finished().write(january(disk, 1))
    cut = Finished(start_time="2026-01-29 06:20:08").write(january(disk, 2), without=("output.jsonl",))
    graded = cut / "eval_pilot2_output.jsonl"
    graded.write_text(graded.read_text()[:300])
    empty = disk / "empty"
    empty.mkdir()
    (empty / "output.jsonl").write_text("")
    noise = disk / "noise"
    noise.mkdir()
    (noise / "output.jsonl").write_bytes(os.urandom(2000))

    report = import_trees(catalog, [disk])
    again = import_trees(catalog, [disk])

    assert [(Path(folder).name, text) for folder, text in report.problems if Path(folder) == empty] == [
        ("empty", "output.jsonl: it is empty")
    ]
    assert {folder for folder, _ in report.problems} == {str(cut), str(empty), str(noise)}
    assert sorted(again.problems) == sorted(report.problems)
    assert {row.run_number for row in catalog.rows()} == {1, 2}


def test_two_records_in_one_file_are_two_runs(disk: Path, catalog: Catalog) -> None:
    folder = january(disk)
    folder.mkdir(parents=True)
    records = [Finished(task=name, error="NotFoundError: no model", patch="").record for name in ("shop-1", "shop-2")]
    (folder / "output.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")

    import_trees(catalog, [disk])

    found = {row.task: (row.outcome, row.is_valid, row.why) for row in catalog.rows()}
    died = (Outcome.NO_PATCH, False, "the agent died: NotFoundError: no model")
    assert found == {"shop-1": died, "shop-2": died}


def test_a_list_that_a_spreadsheet_cut_cannot_prove_a_run_resolved(disk: Path, catalog: Catalog) -> None:
    names = [f"tests/test_cart.py::test_{number:05}" for number in range(2000)]
    cut = {"PASS_TO_PASS": str(names)[:32_767]}
    passing = log(test_total="PASSED", **{f"test_{number:05}": "PASSED" for number in range(2000)})
    failing = passing.replace("PASSED tests/test_cart.py::test_00007", "FAILED tests/test_cart.py::test_00007")
    Finished(instance=cut, output=passing).write(january(disk, 1))
    Finished(instance=cut, output=failing, start_time="2026-01-29 06:20:08").write(january(disk, 2))

    import_trees(catalog, [disk])

    undecided, failed = sorted(catalog.rows(), key=lambda row: row.run_number or 0)
    assert (undecided.outcome, undecided.is_valid) == (Outcome.EVAL_ERROR, False)
    assert undecided.why == "PASS_TO_PASS cut: give the whole dataset with --dataset"
    assert "field-cut" in undecided.flags
    assert failed.outcome is Outcome.UNRESOLVED


def test_a_cut_list_is_taken_whole_from_the_harnesss_report(disk: Path, imported: One) -> None:
    names = [f"tests/test_cart.py::test_{number:05}" for number in range(2000)]
    output = log(test_total="PASSED", **{f"test_{number:05}": "PASSED" for number in range(1999)})
    claimed = dict.fromkeys(names, True)
    Finished(instance={"PASS_TO_PASS": str(names)[:32_767]}, output=output, p2p=claimed).write(january(disk))

    row = imported()

    assert (row.outcome, row.p2p_passed, row.p2p_listed) == (Outcome.UNRESOLVED, 1999, 2000)
    assert {"field-cut", "list-from-report"} <= set(row.flags)


@pytest.mark.parametrize(
    ("run", "outcome", "flag", "valid"),
    [
        (Finished(patch="", output=None), Outcome.NO_PATCH, None, True),
        (Finished(patch="", output=None, error="reached maximum iteration"), Outcome.NO_PATCH, None, True),
        (Finished(patch="", output=None, error="APITimeoutError"), Outcome.NO_PATCH, "agent-error", False),
        (Finished(patch="", output=ALL_PASS), Outcome.NO_PATCH, "no-patch-graded", True),
        (Finished(output=None), Outcome.EVAL_ERROR, "not-evaluated", False),
        (Finished(output="bash: line 1: cd: /app/repo: No such file"), Outcome.EVAL_ERROR, "harness-differs", False),
        (Finished(output="cp: No space left on device"), Outcome.EVAL_ERROR, "evaluation-failed", False),
        (Finished(output="ImportError while loading conftest '/c.py'."), Outcome.EVAL_ERROR, None, True),
        (Finished(instance={"test_output_parser": "x/unknown"}), Outcome.RESOLVED, "not-verified", True),
        (
            Finished(instance={"test_output_parser": "x/y"}, output=" \n"),
            Outcome.EVAL_ERROR,
            "evaluation-failed",
            False,
        ),
    ],
)
def test_outcomes(disk: Path, imported: One, run: Finished, outcome: Outcome, flag: str | None, valid: bool) -> None:
    run.write(january(disk))

    row = imported()

    assert (row.outcome, row.is_valid) == (outcome, valid)
    assert flag is None or flag in row.flags


def test_what_cannot_be_graded_and_the_harness_counts_as_unresolved_differs_everywhere(
    disk: Path, imported: One, catalog: Catalog
) -> None:
    Finished(output="bash: line 1: cd: /app/repo: No such file", resolved=False).write(january(disk))

    row = imported()

    result = catalog.result(row)
    assert (row.outcome, row.harness_resolved) == (Outcome.EVAL_ERROR, False)
    assert (result.verdicts_differ, result.flips[0].rule) == (True, "no-tests-ran")
    assert row.field("harness") == "unresolved differs"
    assert plain(Listing(Fleet()).row(row).cells["harness"]) == "! unresolved"
    assert "harness said unresolved, we have no verdict: 1 run" in plain(differing([row]))


def test_the_evaluation_of_another_runs_patch_is_void(disk: Path, imported: One) -> None:
    folder = Finished().write(january(disk))
    (folder / "eval_outputs" / "shop-1" / "patch.diff").write_text(Finished().patch.replace("sum(", "max("))

    row = imported()

    assert (row.is_valid, row.why) == (False, "patch.diff is not the trajectory's patch")


def test_what_is_gone_from_the_disk_stays_known_until_it_is_forgotten(disk: Path, catalog: Catalog) -> None:
    folder = Finished().write(january(disk))
    import_trees(catalog, [disk])
    away = disk.parent / "away"
    folder.rename(away)

    gone = import_trees(catalog, [disk])
    assert (gone.gone, [row.is_gone for row in catalog.rows()]) == (1, [True])
    away.rename(folder)
    import_trees(catalog, [disk])
    assert [row.is_gone for row in catalog.rows()] == [False]
    folder.rename(away)
    import_trees(catalog, [disk], forget_gone=True)
    assert catalog.rows() == []


def test_many_folders_are_read_by_several_processes_as_by_one(disk: Path, catalog: Catalog, tmp_path: Path) -> None:
    for run in range(1, 161):
        Finished(start_time=f"2026-01-28 06:{run % 60:02}:{run // 60:02}", steps=2).write(january(disk, run))
    with Catalog(tmp_path / "alone.db") as alone:
        import_trees(alone, [disk], processes=0)
        report = import_trees(catalog, [disk], processes=2)

        assert (report.read, report.results) == (160, 160)
        ours, theirs = ({row.key: (row.folder, row.content) for row in each.rows()} for each in (catalog, alone))
        assert ours == theirs
