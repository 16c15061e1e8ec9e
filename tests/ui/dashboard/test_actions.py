"""What keys do: start, retry, stop, check, copy, quit, and why some can't be pressed now."""

from __future__ import annotations

import re

import pytest

from tests.ui.dashboard.build import PHASES, attempt, busy_fleet, instance, readiness, run, snapshot
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.domain.events import AttemptState
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import Run
from velora_tui.errors import InstanceBusy, InstanceNotReady, StoreError
from velora_tui.ui.keys import ACTIONS, BY_ID, FOOTER_LIMIT, SCREENS, Targets, actions_of, footer_of
from velora_tui.ui.run_actions import retry_choices
from velora_tui.ui.screens.audit import AuditScreen
from velora_tui.ui.screens.causes import CausesScreen
from velora_tui.ui.screens.compare import CompareScreen
from velora_tui.ui.screens.file_diff import FileDiffScreen
from velora_tui.ui.screens.files import FilesScreen
from velora_tui.ui.screens.fleet import FleetScreen
from velora_tui.ui.screens.foreign import ForeignScreen
from velora_tui.ui.screens.log import LogScreen
from velora_tui.ui.screens.queue import QueueScreen
from velora_tui.ui.screens.readiness import ReadinessScreen
from velora_tui.ui.screens.results import ResultsScreen
from velora_tui.ui.screens.run import RunScreen
from velora_tui.view.cells import plain

SCREEN_CLASSES = {
    "fleet": FleetScreen,
    "readiness": ReadinessScreen,
    "queue": QueueScreen,
    "results": ResultsScreen,
    "log": LogScreen,
    "run": RunScreen,
    "foreign": ForeignScreen,
    "files": FilesScreen,
    "file_diff": FileDiffScreen,
    "audit": AuditScreen,
    "causes": CausesScreen,
    "compare": CompareScreen,
}


def asked(engine: FakeEngine, verb: str) -> list[tuple[object, ...]]:
    return [what[1:] for what in engine.asked if what[0] == verb]


@pytest.mark.parametrize("name", SCREENS)
def test_every_action_of_a_screen_is_carried_out_by_it(name):
    assert all(callable(getattr(SCREEN_CLASSES[name], f"do_{action.id}", None)) for action in actions_of(name))


@pytest.mark.parametrize("name", SCREENS)
def test_no_key_means_two_things_on_a_screen(name):
    keys = [key for action in actions_of(name) for key in action.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", SCREENS)
def test_the_footer_has_at_most_eight_keys_and_ends_with_help(name):
    footer = footer_of(name)
    assert len(footer) <= FOOTER_LIMIT
    assert footer[-1].id == "help"


def test_keys_survive_tmux():
    allowed = re.compile(r"[A-Za-z0-9]|f\d+|ctrl\+[a-z]|[a-z]+(_[a-z]+)*")
    assert all(allowed.fullmatch(key) for action in ACTIONS for key in action.keys)


def test_what_destroys_also_writes():
    assert all(action.writes for action in ACTIONS if action.destructive)
    assert BY_ID["stop"].destructive


# --- keys that can't be used now


@pytest.mark.parametrize(
    ("moves", "key", "reason"),
    [
        (0, "r", "retry: it still runs: x stops it first"),
        (9, "x", "stop: nothing runs here"),
        (6, "x", "stop: nothing runs here: this run is over"),
        (9, "l", "log: no run here yet: s starts one"),
        (9, "enter", "open: no run here yet: s starts one"),
    ],
)
async def test_a_key_that_cannot_be_used_says_why(engine, moves, key, reason):
    async with dashboard(engine) as seen:
        await seen.press(*["j"] * moves, key)
        await seen.hears(reason)
        assert asked(engine, "stop") == asked(engine, "retry") == []


@pytest.mark.parametrize("key", ["s", "r", "x", "c"])
async def test_read_only_forbids_what_changes_something(tmp_path, key):
    engine = FakeEngine(busy_fleet(), tmp_path, read_only=True)
    async with dashboard(engine) as seen:
        assert "read-only" in seen.lines[0]
        await seen.press(key)
        await seen.hears("Velora was started with --readonly")
        assert engine.asked == [("attach",)]


# --- stop


async def test_stop_asks_and_enter_means_no(engine):
    async with dashboard(engine) as seen:
        await seen.press("x")
        await seen.sees("Stop this run?")
        await seen.sees("eval1  12rambau/sepal_ui 1319603449  gpt  run 1", on="▶ trajectory  eval1")
        await seen.press("enter")
        await seen.until(lambda: "Stop this run?" not in seen.text)
        assert asked(engine, "stop") == []


async def test_stop_stops_after_a_yes(engine):
    async with dashboard(engine) as seen:
        await seen.press("x", "y")
        await seen.until(lambda: asked(engine, "stop") == [("01A1",)])


async def test_stop_applies_to_the_marked_ones_that_run(engine):
    async with dashboard(engine) as seen:
        await seen.press("space", "j", "space", "j", "space")
        await seen.sees("3 marked")
        await seen.press("x")
        await seen.sees("Stop 2 runs?")
        await seen.press("y")
        await seen.until(lambda: asked(engine, "stop") == [("01A1",), ("01A2",)])


async def test_over_five_targets_the_number_has_to_be_typed(tmp_path):
    fleet = busy_fleet()
    more = [instance(f"more{number}", row.run) for number, row in enumerate(fleet.instances) if row.is_busy]
    rows = [*fleet.instances[:2], *(one for one in more)]
    engine = FakeEngine(snapshot(*rows, name="many"), tmp_path)
    async with dashboard(engine) as seen:
        await seen.press("asterisk", "x")
        await seen.sees("Stop 7 runs?")
        await seen.press("y", "enter")
        await seen.until(lambda: "Stop 7 runs?" not in seen.text)
        assert asked(engine, "stop") == []
        await seen.press("x")
        await seen.sees("Stop 7 runs?")
        await seen.press("7", "enter")
        await seen.until(lambda: len(asked(engine, "stop")) == 7)


# --- retry


async def test_retry_proposes_the_phase_that_failed(engine):
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "r")
        await seen.sees("from image   where it failed")
        await seen.press("enter")
        await seen.until(lambda: asked(engine, "retry") == [("01A3", "image")])


def test_of_several_runs_only_those_that_failed_can_go_on_from_there():
    done = run("01D", "a/b", "1", "llm.gpt", attempt("e1", None, AttemptState.FINISHED, outcome=Outcome.UNRESOLVED))
    failed = run("01F", "a/b", "2", "llm.gpt", attempt("e2", "evaluation", AttemptState.FAILED))
    restarts = {"01D": PHASES, "01F": PHASES}

    def offered(*runs: Run) -> list[str]:
        return [plain(label) for _, label in retry_choices(runs, restarts)]

    assert offered(done, done) == ["from the start"]
    assert offered(failed, done) == ["1 from the phase that failed, 1 from the start", "from the start"]
    assert offered(failed, failed) == ["from the phase that failed", "from the start"]


def test_what_compares_runs_side_by_side_is_dimmed_where_none_are():
    for name in ("next_compared", "previous_compared", "differing"):
        assert "only Tests" in str(BY_ID[name].reason_against(Targets(results=("01A",))))
        assert BY_ID[name].reason_against(Targets(side_by_side=2)) is None


async def test_help_is_called_as_the_screen_is(engine):
    async with dashboard(engine) as seen:
        await seen.press("F", "question_mark")
        await seen.sees("Keys · Critical files")


async def test_retry_from_the_start(engine):
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "r")
        await seen.sees("from the start")
        await seen.press("j", "enter")
        await seen.until(lambda: asked(engine, "retry") == [("01A3", None)])


async def test_a_retry_of_a_busy_instance_offers_to_wait(engine):
    engine.refuse_with = [InstanceBusy("busy with run 01XX", instance="eval3")]
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "r", "enter")
        await seen.sees("Wait in the queue?")
        await seen.sees("eval3: busy with run 01XX")
        await seen.press("y")
        await seen.until(lambda: asked(engine, "retry") == [("01A3", "image"), ("01A3", "image", "wait")])


async def test_a_retry_on_an_instance_that_is_not_ready_goes_on_only_after_a_yes(engine):
    engine.refuse_with = [InstanceNotReady("disk: 91 % used", instance="eval3")]
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "r", "enter")
        await seen.sees("Start although not ready?")
        await seen.press("enter")
        await seen.until(lambda: "Start although" not in seen.text)
        assert len(asked(engine, "retry")) == 1


# --- the rest


async def test_check_checks_and_tells(engine):
    async with dashboard(engine) as seen:
        await seen.press("c")
        await seen.hears("eval1 is ready")
        assert asked(engine, "check") == [("eval1",)]


async def test_copy_says_where_it_went(engine, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    async with dashboard(engine) as seen:
        await seen.press("y")
        await seen.hears("copied: terminal (OSC 52) and")
        assert (engine.layout.state / "copied.txt").read_text().startswith("eval1\t▶ trajectory\t12rambau/sepal_ui")


async def test_enter_opens_the_run_and_esc_comes_back(engine):
    async with dashboard(engine) as seen:
        await seen.press("enter")
        await seen.until(lambda: seen.screen.NAME == "run")
        await seen.press("escape")
        await seen.until(lambda: seen.screen.NAME == "fleet")


async def test_enter_on_a_failed_run_shows_its_evidence(engine):
    engine.write_log("01A3", "image", "".join(f"log line {number}\n" for number in range(1, 400)))
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "enter")
        await seen.until(lambda: seen.screen.NAME == "run")
        await seen.sees("docker-buildx")
        await seen.sees("▌    3  log line 3")


async def test_l_shows_the_log_tab_on_that_run_and_esc_comes_back(engine):
    engine.write_log("01A2", "evaluation", "hello from eval2\n")
    async with dashboard(engine) as seen:
        await seen.press("j", "l")
        await seen.until(lambda: seen.screen.NAME == "log")
        await seen.sees("hello from eval2")
        await seen.press("escape")
        await seen.until(lambda: seen.screen.NAME == "fleet")


async def test_esc_never_quits(engine):
    async with dashboard(engine) as seen:
        await seen.press("2", *["escape"] * 5)
        await seen.until(lambda: seen.screen.NAME == "fleet")
        assert seen.app.is_running


async def test_help_names_every_key_of_the_screen_and_of_the_list(engine):
    async with dashboard(engine, (160, 90)) as seen:
        await seen.press("question_mark")
        await seen.sees("Keys · Fleet")
        for action in actions_of("fleet"):
            assert not action.keys or action.description in seen.text
        assert "Mark all rows, or none" in seen.text
        await seen.sees("not now: it still runs: x stops it first")


async def test_the_palette_reaches_actions_instances_runs_and_themes(engine):
    async with dashboard(engine) as seen:
        await seen.press("colon", *"lancer2", "enter")
        await seen.until(lambda: seen.table.cursor_key == "lancer2")
        await seen.press("ctrl+p", *"velora-light", "enter")
        await seen.until(lambda: seen.app.theme == "velora-light")
        await seen.press("ctrl+p")
        await seen.type("check whether")
        await seen.press("enter")
        await seen.hears("lancer2 is ready")
        await seen.press("ctrl+p")
        await seen.type("dvc")
        await seen.press("enter")
        await seen.until(lambda: seen.screen.NAME == "run")


async def test_a_theme_is_shown_at_once_and_esc_brings_the_old_one_back(engine):
    async with dashboard(engine) as seen:
        await seen.press("ctrl+p")
        await seen.type("choose the colours")
        await seen.press("enter")
        await seen.sees("velora-light")
        await seen.press("j")
        await seen.until(lambda: seen.app.theme == "velora-light")
        await seen.press("escape")
        await seen.until(lambda: seen.app.theme == "velora-dark")


async def test_f2_gives_the_mouse_to_the_terminal(engine):
    async with dashboard(engine) as seen:
        await seen.press("f2")
        await seen.hears("the mouse is the terminal's")


# --- leaving


async def test_quit_says_what_goes_on_and_lets_go_of_the_engine(engine):
    async with dashboard(engine) as seen:
        await seen.press("q")
        await seen.sees(
            "5 runs go on on their instances, 2 wait in the queue until you are back; come back with `velora`"
        )
        await seen.press("y")
        await seen.until(lambda: not seen.app.is_running)
    assert engine.closed.is_set()


async def test_quit_asks_nothing_where_nothing_runs(tmp_path):
    engine = FakeEngine(snapshot(instance("eval1", ready=readiness("eval1"))), tmp_path)
    async with dashboard(engine) as seen:
        await seen.press("q")
        await seen.until(lambda: not seen.app.is_running)


# --- what goes wrong


async def test_a_journal_that_cannot_be_read_is_said_on_the_screen(engine):
    engine.opens_with = StoreError("the journal is damaged", hint="move it away")
    async with dashboard(engine, live=False) as seen:
        await seen.sees("the journal is damaged — move it away")


async def test_a_bug_in_the_engine_leaves_no_traceback_but_a_file(engine):
    engine.opens_with = RuntimeError("boom [/b]")
    async with dashboard(engine, live=False) as seen:
        await seen.sees("the engine met a bug and stopped")
        assert "boom" not in seen.text
        assert "RuntimeError: boom [/b]" in engine.layout.error_log.read_text()


async def test_a_bug_in_an_action_leaves_no_traceback_but_a_file(engine, monkeypatch):
    async def broken(names):
        raise RuntimeError("boom")

    monkeypatch.setattr(engine, "check", broken)
    async with dashboard(engine) as seen:
        await seen.press("c")
        await seen.hears("That should not have happened")
        assert "RuntimeError: boom" in engine.layout.error_log.read_text()
