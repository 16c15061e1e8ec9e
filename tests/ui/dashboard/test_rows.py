"""Filters, orders, strips and rows as pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.dashboard.build import NOW, ago, attempt, busy_fleet, instance, progressed, readiness, run, snapshot
from velora_tui.domain.events import AttemptState, ConnectionState
from velora_tui.domain.readiness import CheckResult, CheckStatus, Readiness
from velora_tui.errors import UsageError
from velora_tui.ui.keys import TABS
from velora_tui.view.cells import Row, plain
from velora_tui.view.columns import fit
from velora_tui.view.entries import Entry
from velora_tui.view.farewell import farewell, going_on
from velora_tui.view.filter import parse_filter
from velora_tui.view.fleet_rows import fleet_columns, fleet_entries, ready_cell
from velora_tui.view.header import fleet_counts, runs_bar, tab_line
from velora_tui.view.phases import compact_strip, strip
from velora_tui.view.queue_rows import queue_entries
from velora_tui.view.rates import Rates
from velora_tui.view.readiness_table import ReadinessTable
from velora_tui.view.sort import Order
from velora_tui.view.task_names import short_task, task_ends
from velora_tui.view.text import cells

KEYS = ("state", "model", "repo", "phase")
ENTRIES = [
    Entry(Row("a", {"x": "psf/requests"}), {"state": "running", "model": "gpt llm.gpt", "repo": "psf/requests"}),
    Entry(Row("b", {"x": "docker-buildx"}), {"state": "failed in image", "model": "kimi", "repo": "pallets/click"}),
    Entry(Row("c", {"x": "t.py::t[1]"}), {"state": "running", "model": "claude", "repo": "psf/requests"}),
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "abc"),
        ("requests", "ac"),
        ("REQUESTS", "ac"),
        ("state:running", "ac"),
        ("state:failed,running model:gpt,kimi", "ab"),
        ("!state:failed", "ac"),
        ("!requests", "b"),
        ("/^docker|t\\[1\\]/", "bc"),
        ("!/docker/", "ac"),
        ("/Docker/", ""),
        ("t.py::t[1]", "c"),
        ('state:"failed in"', "b"),
        ('"failed in image" kimi', "b"),
        ("unknown:running", ""),
        ("state:", "abc"),
        ("!", "abc"),
        ("/", "abc"),
        ("/doc", "b"),
        ("/(", "abc"),
    ],
)
def test_filter(text, shown):
    assert "".join(entry.row.key for entry in parse_filter(text, KEYS).of(ENTRIES)) == shown


def test_a_wrong_regular_expression_is_refused():
    with pytest.raises(UsageError, match=r"/\(/ is not a regular expression"):
        parse_filter("/(/", KEYS)


@given(st.text(max_size=40))
def test_no_text_breaks_the_filter(text):
    try:
        found = parse_filter(text, KEYS).of(ENTRIES)
    except UsageError:
        return
    assert len(found) <= len(ENTRIES)


def ordered(order: Order, *keys: float | None) -> list[str]:
    entries = [Entry(Row(str(place)), {}, {} if key is None else {"n": (key, "")}) for place, key in enumerate(keys)]
    return [entry.row.key for entry in order.of(entries)]


@pytest.mark.parametrize(
    ("statuses", "asking", "shown"),
    [
        ((CheckStatus.OK, CheckStatus.OK), frozenset(), "✓"),
        ((CheckStatus.OK, CheckStatus.WARN), frozenset(), "! 1"),
        ((CheckStatus.UNKNOWN, CheckStatus.WARN), frozenset(), "✗ 1"),
        ((CheckStatus.FAIL, CheckStatus.FAIL), frozenset(), "✗ 1"),
        ((CheckStatus.OK, CheckStatus.UNKNOWN), frozenset({"load"}), "…"),
    ],
)
def test_readiness_has_a_column_beside_what_the_last_run_showed(statuses, asking, shown):
    checks = tuple(
        CheckResult(id=name, status=status, blocking=name == "disk")
        for name, status in zip(("disk", "load"), statuses, strict=True)
    )
    assert ready_cell(Readiness(instance="eval1", checks=checks, at=NOW, asking=asking)).text == shown
    assert "ready" in {column.id for column in fleet_columns(busy_fleet(), 160)}


def test_equal_rows_keep_their_order_and_unknown_ones_come_last():
    assert ordered(Order("n"), 2, None, 1, 1) == ["2", "3", "0", "1"]
    assert ordered(Order("n", descending=True), 2, None, 1, 1) == ["0", "2", "3", "1"]
    assert ordered(Order(), 2, None, 1) == ["0", "1", "2"]


def test_a_column_sorts_then_turns_then_lets_go():
    assert Order().turned("n") == Order("n")
    assert Order("n").turned("n") == Order("n", descending=True)
    assert Order("n", descending=True).turned("n") == Order()
    assert Order("n", descending=True).turned("m") == Order("m")


def test_the_strip_shows_how_far_the_running_phase_is():
    working = attempt("eval1", "trajectory")
    assert plain(strip(working, None)) == "━━━ ━━━ ━── ─── ─── ─── ───"
    assert plain(strip(working, progressed("r", "trajectory", 190, 200, "steps"))) == "━━━ ━━━ ━━─ ─── ─── ─── ───"
    assert plain(strip(working, progressed("r", "image", 190, 200, "steps"))) == "━━━ ━━━ ━── ─── ─── ─── ───"
    assert plain(compact_strip(working)) == "✓✓▶····"


@pytest.mark.parametrize("state", [AttemptState.FAILED, AttemptState.STOPPED])
def test_the_strip_shows_where_it_ended(state):
    tone = {span.tone for span in strip(attempt("eval1", "image", state), None) if "━━" in span.text}
    assert tone == {"good", "bad" if state is AttemptState.FAILED else "look"}


def test_a_rate_needs_a_second_and_forgets_what_is_long_ago():
    rates = Rates()
    at = [
        replace_at(progressed("r", "image", done, 10_000, "bytes"), seconds)
        for done, seconds in [(0, 30), (0, 20), (4000, 2), (8000, 0)]
    ]
    assert rates.per_second(at[0]) is None
    assert [rates.per_second(one) for one in at[1:]] == [0.0, pytest.approx(222.2, 0.01), pytest.approx(2000)]
    rates.keep_only([])
    assert rates.per_second(at[3]) is None


def replace_at(progress, seconds: float):
    return progress.model_copy(update={"at": ago(seconds)})


def rows(*instances, width: int = 160) -> dict[str, dict[str, str]]:
    entries = fleet_entries(snapshot(*instances), Rates(), width)
    return {entry.row.key: {name: plain(cell) for name, cell in entry.row.cells.items()} for entry in entries}


def test_what_is_in_the_way_hides_an_older_run_but_not_a_newer_one():
    over = run("01A", "a/b", "1", "llm.gpt", attempt("e", "image", AttemptState.FAILED))
    assert rows(instance("e", over, ready=readiness("e", 91, seconds=10)))["e"]["state"] == "! not ready"
    assert rows(instance("e", over, ready=readiness("e", 91, seconds=3000)))["e"]["state"] == "✗ failed"


def test_a_lost_connection_does_not_hide_what_runs():
    busy = run("01A", "a/b", "1", "llm.gpt", attempt("e", "trajectory"))
    row = rows(instance("e", busy, connection=ConnectionState.RECONNECTING, detail="try 3 in 8 s: no route"))["e"]
    assert row["state"] == "▶ reconnecting"
    assert row["phases"].startswith("━━━ ━━━ ━──")
    assert row["progress"] == "3rd try  no route"


def test_a_download_shows_amount_rate_and_time_left():
    busy = run("01A", "a/b", "1", "llm.gpt", attempt("e", "image"))
    rates = Rates()
    rates.per_second(replace_at(progressed("01A", "image", 1_000_000_000, 3_000_000_000, "bytes"), 5))
    row = instance("e", busy, progress=progressed("01A", "image", 2_000_000_000, 3_000_000_000, "bytes"))
    entry = fleet_entries(snapshot(row), rates, 160)[0]
    assert plain(entry.row.cells["progress"]) == "2.0 GB of 3.0 GB  250 MB/s  0:04 left"


@pytest.mark.parametrize(
    ("repo", "task", "short"),
    [
        ("psf/requests", "5182905279", "5182905279"),
        ("django/django", "django__django-11099", "11099"),
        ("a/requests", "requests", "requests"),
    ],
)
def test_a_task_is_named_without_its_repository(repo, task, short):
    assert short_task(run("01A", repo, task, "llm.gpt")) == short


@pytest.mark.parametrize(
    ("tasks", "ends"),
    [
        (("requests-5182905279", "requests-5182909999"), ("…5279", "…9999")),
        (("fix-a-name", "fix-b-name"), ("…a-name", "…b-name")),
        (("12", "a-12", "11099"), ("12", "a-12", "11099")),
    ],
)
def test_the_ends_of_tasks_of_one_repository_tell_them_apart(tasks, ends):
    runs = [run(f"01{task}", f"psf{place}/requests", task, "llm.gpt") for place, task in enumerate(tasks)]
    assert tuple(task_ends(runs).values()) == ends


@pytest.mark.parametrize("width", [80, 120])
def test_two_runs_of_one_repository_are_told_apart(width):
    runs = [run(f"01{n}", "psf/requests", f"51829052{n}", "llm.gpt", attempt(f"e{n}", "image")) for n in (71, 72)]
    shown = snapshot(*(instance(f"e{one.run[2:]}", one) for one in runs))
    shown_ends = [entry.row.cells["task"].text for entry in fleet_entries(shown, Rates(), width)]
    assert shown_ends == ["…5271", "…5272"]
    assert "task" in [place.column.id for place in fit(fleet_columns(shown, width), width - 3, {})]
    assert "task" not in [column.id for column in fleet_columns(busy_fleet(), width)]


@pytest.mark.parametrize("width", [60, 80, 110, 149, 150, 250])
def test_the_least_columns_fit_the_window(width):
    assert sum(column.least + 2 for column in fleet_columns(busy_fleet(), width)) - 2 <= max(width, 80) - 3


@given(st.integers(0, 200), st.integers(0, 6))
def test_the_runs_bar_is_as_wide_as_asked(width, waiting):
    others = tuple(
        run(f"01W{n}", "a/b", str(n), "llm.gpt", attempt(None, state=AttemptState.QUEUED)) for n in range(waiting)
    )
    assert sum(len(span.text) for span in runs_bar(replace(busy_fleet(), runs=snapshot(
        *busy_fleet().instances, others=others).runs), width)) == width  # fmt: skip


@pytest.mark.parametrize("width", [30, 40, 59, 70])
def test_no_count_is_dropped_while_its_word_can_be(width):
    shown = "".join(span.text for span in fleet_counts(busy_fleet(), width))
    assert [symbol in shown for symbol in "▶✗!●✓"] == [True] * 5


@pytest.mark.parametrize(
    ("width", "tabs"),
    [(52, "Fleet Readiness Queue Results Log"), (44, "Fleet Readiness Queue Results Log"), (20, "Queue")],
)
def test_every_tab_is_there_at_any_width(width, tabs):
    line = "".join(span.text for span in tab_line(TABS, "queue", width))
    assert [word for word in line.split() if word.isdigit()] == list("12345")
    assert [word for word in line.split() if not word.isdigit()] == tabs.split()
    assert len(line.rstrip()) <= width


@given(st.integers(0, 120))
def test_the_counts_fit(width):
    assert sum(cells(span.text) for span in fleet_counts(busy_fleet(), width)) <= width


def test_the_queue_lists_who_waits_then_who_runs_longest():
    keys = [entry.row.key for entry in queue_entries(busy_fleet())]
    assert keys == ["01Q1", "01Q2", "01A5", "01L2", "01A2", "01A1", "01A6"]


def test_a_run_queued_by_another_velora_is_shown_without_a_place():
    other = run("01X", "a/b", "1", "llm.gpt", attempt(None, state=AttemptState.QUEUED))
    entry = queue_entries(snapshot(instance("e"), others=(other,)))[0]
    assert plain(entry.row.cells["place"]) == ""
    assert "in another Velora's queue" in plain(entry.row.cells["note"])


def test_readiness_shows_the_worst_first_with_every_check():
    fleet = snapshot(
        instance("good", ready=readiness("good")), instance("new"), instance("bad", ready=readiness("bad", 91))
    )
    assert [entry.row.key for entry in ReadinessTable().entries(fleet)] == ["bad", "new", "good"]
    assert [column.id for column in ReadinessTable().columns(fleet)] == [
        "instance", "check:ssh", "check:disk", "age", "ready",
    ]  # fmt: skip


def test_the_farewell_says_what_goes_on():
    words = farewell(busy_fleet(), "velora")
    assert words.splitlines()[0].startswith("5 runs go on on their instances")
    assert "  eval1  ▶ trajectory  12rambau/sepal_ui 1319603449" in words
    assert words.splitlines()[-1] == "1 of 2 runs resolved"


def test_an_embedded_fleet_ends_with_the_dashboard():
    assert going_on(busy_fleet(), "") == "7 runs end with the embedded fleet"
    assert going_on(snapshot(instance("eval1")), "velora") == ""


def test_time_of_a_running_attempt_goes_on_with_the_clock():
    busy = run("01A", "a/b", "1", "llm.gpt", attempt("e", "image", seconds=3700))
    assert rows(instance("e", busy))["e"]["time"] == "1:01:40"
    assert rows(instance("e", busy), width=80)["e"]["time"] == "1h01"
    later = replace(snapshot(instance("e", busy)), at=NOW + timedelta(seconds=60))
    assert plain(fleet_entries(later, Rates(), 160)[0].row.cells["time"]) == "1:02:40"
