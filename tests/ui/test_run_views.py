"""What the run's page says, before there is a screen: tests, patch, trajectory, timeline, rows."""

from __future__ import annotations

import gc
import json
import re
from dataclasses import replace

import pytest

from tests.ui.dashboard.build import NOW, attempt
from tests.ui.proof import (
    FAILED_LINE,
    FIXED,
    LOG,
    PATCH,
    ended_run,
    failed_run,
    fleet_of,
    graded,
    record,
    running_run,
    task,
)
from velora_tui.domain.events import AttemptState
from velora_tui.view.cells import Span, plain
from velora_tui.view.diagnosis import diagnosis, title
from velora_tui.view.diff import file_lines, read_diff
from velora_tui.view.diff_layout import lay_out
from velora_tui.view.failure_text import find_reasons
from velora_tui.view.filter import parse_filter
from velora_tui.view.lines import Line, PackedLines
from velora_tui.view.listing import FILTER_KEYS, Listing, chosen, content_widths
from velora_tui.view.results_rows import row_of_run, totals, with_journal
from velora_tui.view.results_table import ResultsTable
from velora_tui.view.sort import Order
from velora_tui.view.tests_rows import TreeView, failed_keys, name_of, tree_lines
from velora_tui.view.timeline import timeline
from velora_tui.view.trajectory import read_trajectory
from velora_tui.view.trajectory_lines import StepLines


def texts(lines) -> list[str]:
    return [line.text.rstrip() for line in lines]


def reasons(log: str = LOG):
    return find_reasons(log.encode().splitlines(keepends=True), graded(log).tests)


# --- tests


def test_failures_stand_first_with_line_status_and_reason():
    shown = texts(tree_lines(graded(), TreeView(), reasons()))
    assert shown[0] == " FAIL_TO_PASS 0/3  in tests/"
    assert shown[1] == "  ✗ test_aoi.py::TestAoi::test_init[gee-None]    line 22"
    assert shown[2] == "      AttributeError: 'AoiModel' has no 'admin'"
    assert shown[5] == "  · test_aoi.py::test_absent    missing"


def test_many_passing_tests_are_folded_by_file_and_unfold():
    folded = tree_lines(graded(), TreeView(), {})
    fold = next(line for line in folded if "test_app.py  7" in line.text)
    assert not any("test_app.py::test_3" in line.text for line in folded)
    unfolded = tree_lines(graded(), TreeView(unfolded={fold.key}), {})
    assert sum("✓ test_app.py::test_" in line.text for line in unfolded) == 7


def test_failed_only_and_a_query_leave_the_others_out():
    assert not any("✓" in line.text for line in tree_lines(graded(), TreeView(failed_only=True), {}))
    found = [name_of(line.key) for line in tree_lines(graded(), TreeView(query="ZOOM"), {}) if name_of(line.key)]
    assert found == ["tests/test_map.py::test_zoom"]


def test_tests_that_are_not_listed_are_there_but_folded():
    folded = tree_lines(graded(), TreeView(), {})
    assert any("NOT LISTED 1 passed or skipped · 0 failed" in line.text for line in folded)
    unfolded = tree_lines(graded(), TreeView(unfolded={"fold:NOT LISTED"}), {})
    assert any("test_extra.py::test_not_listed[[/b]]" in line.text for line in unfolded)


def test_a_log_without_tests_says_why_and_folds_what_is_missing():
    kept = tuple(f"tests/test_app.py::test_{number}" for number in range(649))
    verdict = graded("cd: /app/repo: No such file\n", task(kept=kept))
    lines = tree_lines(verdict, TreeView(), {})
    assert "no verdict: no test found" in lines[0].text
    assert any("test_app.py  649 missing" in line.text for line in lines)
    assert len(lines) < 20


def test_the_failed_ones_are_landmarks():
    verdict = graded()
    keys = failed_keys(tree_lines(verdict, TreeView(unfolded={"fold:NOT LISTED"}), {}), verdict)
    assert [name_of(key) for key in keys] == list(FIXED)


def test_a_reason_is_found_under_its_underlined_name_else_in_the_summary():
    found = reasons()
    assert found[FIXED[0]].line == FAILED_LINE
    assert found[FIXED[1]].text == "assert None"
    summary_only = LOG.splitlines()[0] + LOG[LOG.index("\n=========================== short") :]
    assert reasons(summary_only)[FIXED[0]].text == "AttributeError: 'AoiModel' has no 'admin'"


def test_of_two_blocks_of_one_name_the_one_of_the_file_counts():
    log = (
        "===== test session starts =====\n"
        "___ test_a ___\ntests/one.py:3: in test_a\nE   first\n___ test_a ___\ntests/two.py:3: in test_a\nE   second\n"
        "===== short test summary info =====\nFAILED tests/one.py::test_a\nFAILED tests/two.py::test_a\n"
        "===== 2 failed in 0.01s =====\n"
    )
    names = ("tests/one.py::test_a", "tests/two.py::test_a")
    verdict = graded(log, task(fixed=names, kept=()))
    found = find_reasons(log.encode().splitlines(keepends=True), verdict.tests)
    assert [found[name].text for name in names] == ["first", "second"]


# --- patch


def test_a_patch_is_read_into_files_and_hunks():
    diff = read_diff(PATCH)
    assert [(file.path, file.added, file.removed, file.kind) for file in diff.files] == [
        ("sepal_ui/aoi.py", 2, 1, ""),
        ("sepal_ui/new.py", 2, 0, "new"),
    ]
    assert [diff.lines[place].text for place in diff.file_starts] == [
        line for line in PATCH.splitlines() if "--git" in line
    ]
    assert [diff.lines[place].text[:2] for place in diff.hunk_starts] == ["@@", "@@"]


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ('-ADMIN = "[red]"', "bad"),
        ('+ADMIN = "[/b]"', "good"),
        ("+--- not a header", "good"),
        ("index 1111111..2222222 100644", "dim"),
    ],
)
def test_each_line_of_a_patch_has_the_tone_of_its_meaning(text, tone):
    (line,) = [line for line in read_diff(PATCH).lines if line.text == text]
    assert line.left[0].tone == tone


def test_what_is_no_patch_is_shown_all_the_same():
    diff = read_diff("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n cut\n")
    assert diff.problem
    assert diff.files == ()
    assert texts(diff.lines)[-1] == " cut"
    assert file_lines(diff) == []


# --- trajectory


def test_steps_pair_actions_with_what_was_seen():
    trajectory = read_trajectory(json.dumps(record()).encode())
    assert trajectory.count == 3
    second = trajectory.steps[2]
    assert (second.number, second.kind, second.title) == (2, "run", "pytest -k 2")
    assert (second.thought, second.exit_code, second.is_error) == ("thinking of 2", 1, True)
    assert second.tokens == (1000, 50)
    assert second.cost == pytest.approx(0.01)
    assert second.seconds == 2.0
    assert "[/b]" in second.observation


@pytest.mark.parametrize(
    "damaged",
    [
        {"history": None},
        {"history": [None, 3, "x", {}, {"action": 7}, {"observation": []}, {"action": "run", "args": "no", "id": {}}]},
        {
            "history": [
                entry | {"timestamp": 5, "llm_metrics": {"accumulated_cost": 10**400}} for entry in record()["history"]
            ]
        },
        {"metrics": "none"},
        {"error": "AgentRuntimeError: gone"},
    ],
)
def test_a_damaged_trajectory_shows_what_it_has(damaged):
    trajectory = read_trajectory(json.dumps({**record(), **damaged}).encode())
    assert StepLines(trajectory).lines({0, 1, 2}, 80) is not None
    assert trajectory.error == damaged.get("error", "")


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"nonsense", b"[" * 100_000])
def test_what_is_no_trajectory_is_refused(text):
    with pytest.raises(ValueError):
        read_trajectory(text)


def test_a_step_unfolds_into_thought_action_and_observation():
    trajectory = read_trajectory(json.dumps(record(output="line one\n" + "x" * 200)).encode())
    lines = texts(StepLines(trajectory).lines({1}, 80))
    assert lines[1].startswith("    1 ▾ run       pytest -k 1")
    below = [line.strip() for line in lines[2:]]
    assert below[:6] == ["thought", "thinking of 1", "action", "pytest -k 1", "observation", "line one"]
    assert all(len(line) <= 80 for line in lines)


def test_steps_are_searched_in_all_their_texts():
    trajectory = read_trajectory(json.dumps(record()).encode())
    assert list(trajectory.search(re.compile("thinking of 3"))) == [3]


# --- timeline, title, diagnosis


def test_the_bars_are_in_proportion_and_fit():
    (line,) = timeline(ended_run().attempts[0], NOW, 158)
    text = plain(line)
    assert "trajectory ✓ 11:40 ━" in text
    bars = re.findall("━+", text)
    assert len(bars[2]) > 3 * len(bars[1]) > 3
    assert len(text) <= 158


@pytest.mark.parametrize("width", [60, 78, 98, 118, 158])
def test_every_phase_is_on_the_timeline_at_every_width(width):
    rows = timeline(ended_run().attempts[0], NOW, width)
    text = " ".join(plain(row) for row in rows)
    assert all(name in text for name in (("upload", "validate") if width >= 118 else ("TRJ", "VAL")))
    assert all(len(plain(row)) <= width for row in rows)
    assert len(rows) == 1


def test_a_phase_that_runs_takes_longer_and_longer():
    text = plain(timeline(running_run().attempts[0], NOW, 158)[0])
    assert "trajectory ▶ 0:30 ━" in text
    assert "evaluation · report" in text


def test_a_failure_says_cause_evidence_line_remedy_and_key():
    failed = failed_run()
    (cause, _), (remedy, keys) = diagnosis(failed.attempts[1], is_latest=True)
    assert plain(cause) == ' docker-daemon-down: "Cannot connect to the Docker daemon" (line 1,204)'
    assert plain(remedy) == " Docker does not run: start Docker, then retry"
    assert plain(keys) == "retry from evaluation [r] "
    left, right = title(failed, failed.attempts[1], fleet_of(failed).fleet)
    assert plain(left) == " eval3 › pallets/click 1769880766 › kimi › run 1 › attempt 2"
    assert plain(right) == "✗ failed in evaluation · infrastructure "


def test_an_attempt_that_is_not_the_latest_cannot_be_retried():
    (_, _), (_, keys) = diagnosis(failed_run().attempts[0], is_latest=False)
    assert keys == ""


# --- rows of results


def test_ended_runs_are_rows_and_others_are_not():
    runs = [running_run(), ended_run(), failed_run()]
    rows = {row.key: row for row in rows_of(*runs)}
    assert set(rows) == {"01RUN", "01BAD"}
    cells = Listing(fleet_of(*runs).fleet).row(rows["01RUN"]).cells
    shown = {column: plain(cell) for column, cell in cells.items()}
    assert shown["task"] == "sepal_ui 1319603449"
    assert (shown["model"], shown["outcome"], shown["f2p"], shown["p2p"]) == ("gpt", "○ unresolved", "0/3", "8/8")
    assert (shown["time"], shown["cost"]) == ("16:29", "$1.21")


def rows_of(*runs):
    return with_journal((), runs, lambda run: "")


def test_rows_are_filtered_by_what_they_mean():
    runs = [ended_run(), failed_run()]
    rows = rows_of(*runs)

    def found(text: str) -> list[str]:
        return [row.key for row in chosen(rows, parse_filter(text, FILTER_KEYS).terms, fleet_of(*runs).fleet)]

    assert found("outcome:unresolved") == ["01RUN"]
    assert found("failure:docker-daemon") == ["01BAD"]
    assert found("state:failed model:kimi") == ["01BAD"]
    assert found("!repo:click") == ["01RUN"]


def test_a_remembered_order_by_a_column_that_is_no_more_is_none():
    table = ResultsTable(fleet_of().fleet)
    table.take(rows_of(ended_run()))
    assert table.arrange(parse_filter("", FILTER_KEYS), Order("steps"), "")
    assert [row.key for row in table.shown] == ["01RUN"]


def test_the_totals_count_each_outcome():
    stopped = running_run("01STOP").model_copy(update={"attempts": (attempt("eval2", "image", AttemptState.STOPPED),)})
    text = plain(totals(rows_of(ended_run(), ended_run("01B", number=2), failed_run(), stopped)))
    assert text == " 4 runs   0 resolved, 0 % of 2 valid   2 unresolved   1 failed   1 stopped"


# --- lines by the ten thousand


def test_lines_are_kept_packed_and_come_back_as_they_were():
    lines = [
        Line((Span("1 ", "dim"), Span("x = 1", "number")), (Span("0:02", "dim"),), key="a", head=1),
        Line((Span("old"),), (Span("new"),), key="b", ground="removed", right_ground="added", halved=True),
        Line(),
    ]
    packed = PackedLines(lines)
    assert [packed[place] for place in range(3)] == lines == packed[0:]
    assert (packed.keys, packed.texts) == (["a", "b", ""], ["1 x = 1  0:02", "old  new", ""])
    packed.extend(packed.part(1, 2))
    assert (len(packed), packed[3]) == (4, lines[1])


def test_collections_have_little_to_look_through_after_a_long_patch_was_laid_out():
    text = PATCH.replace("@@ -1,3 +1,4 @@\n", "@@ -1,3 +1,5004 @@\n" + "".join(f"+n = {n}\n" for n in range(5000)), 1)
    layout = lay_out(read_diff(text))
    gc.collect()
    gc.collect()
    assert len(layout.unified) > 5000
    assert not any(gc.is_tracked(line) for line in (*layout.unified._packed, *layout.halved._packed))


def test_fractions_have_the_room_that_the_longest_lists_need():
    rows = [replace(row_of_run(ended_run(), ""), f2p_listed=listed, p2p_listed=1_900) for listed in (None, 3, 200)]
    widths = content_widths(rows, fleet_of().fleet)
    assert (widths["f2p"], widths["p2p"]) == (len("133/200"), len("1,848/1,900"))
