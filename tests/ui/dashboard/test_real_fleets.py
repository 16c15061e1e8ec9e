"""What an operator of real machines sees and decides: host keys, other operators' runs, broken connections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ui.dashboard.build import (
    NOW,
    ago,
    attempt,
    busy_fleet,
    held,
    instance,
    readiness,
    refused,
    run,
    snapshot,
)
from tests.ui.dashboard.drive import dashboard
from tests.ui.dashboard.fake_engine import FakeEngine
from tests.ui.dashboard.test_actions import asked
from tests.ui.dashboard.test_start_form import dataset
from velora_tui.domain.events import AttemptState, ConnectionChanged, ConnectionState, LogGrew
from velora_tui.domain.readiness import CheckStatus
from velora_tui.errors import HostKeyChanged, Refused
from velora_tui.hosts.known_hosts import HostKey
from velora_tui.hosts.patience import Break
from velora_tui.view.cells import plain
from velora_tui.view.contact import key_trouble, ordinal, reconnecting
from velora_tui.view.fleet_rows import fleet_entries
from velora_tui.view.header import fleet_counts
from velora_tui.view.rates import Rates

NEW = "SHA256:new00000000000000000000000000000000000000000"
KNOWN = "SHA256:known000000000000000000000000000000000000000"
UNKNOWN_WORDS = f"unknown host key: the host key of [10.0.0.1]:2222 is not known: {NEW}"
CHANGED_WORDS = f"host key changed: the host key of 10.0.0.2 is not the known one: offered {NEW}, known {KNOWN}"


def host_key(name: str, fingerprint: str = NEW, host: str = "10.0.0.1") -> HostKey:
    return HostKey(name, host, 2222, "ssh-ed25519", fingerprint, f"{host} ssh-ed25519 AAAA", Path("/ssh/known_hosts"))


def changed() -> HostKeyChanged:
    return HostKeyChanged(
        CHANGED_WORDS.partition(": ")[2],
        hint="someone may be listening in; if you are sure: ssh-keygen -R '10.0.0.2'",
        instance="old1",
    )


@pytest.fixture
def strangers(tmp_path: Path) -> FakeEngine:
    """Two machines never met, one that has another key than before, and one that is ready."""
    rows = [
        instance("new1", ready=refused("new1", UNKNOWN_WORDS), connection=ConnectionState.UNREACHABLE),
        instance("new2", ready=refused("new2", UNKNOWN_WORDS), connection=ConnectionState.UNREACHABLE),
        instance("old1", ready=refused("old1", CHANGED_WORDS), connection=ConnectionState.UNREACHABLE),
        instance("fine", ready=readiness("fine")),
    ]
    engine = FakeEngine(snapshot(*rows), tmp_path)
    engine.offered = {"new1": [host_key("new1")], "new2": [host_key("new2")], "old1": [changed()]}
    return engine


@pytest.fixture
def shared(tmp_path: Path) -> FakeEngine:
    """A machine that another operator has, one that another left behind, and one of ours."""
    ended = run("01OLD", "psf/requests", "1", "llm.gpt", attempt("eval1", None, AttemptState.FINISHED))
    rows = [
        instance("eval1", ended, ready=held("eval1")),
        instance("eval2", ready=held("eval2", stale=True)),
        instance("eval3", ready=readiness("eval3")),
    ]
    return FakeEngine(snapshot(*rows), tmp_path)


# --- host keys


async def test_a_new_host_key_is_shown_on_the_row_and_asked_for(strangers):
    async with dashboard(strangers) as seen:
        await seen.sees("? new host key", on="new1")
        await seen.sees(NEW, on="new1")
        await seen.press("K")
        await seen.sees("Trust the host key of new1?")
        for words in ("10.0.0.1  port 2222", "ssh-ed25519", NEW, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"):
            await seen.sees(words)
        await seen.press("y")
        await seen.until(lambda: asked(strangers, "accept_host_key") == [("new1", NEW)])
        await seen.until(lambda: asked(strangers, "check") == [("new1",)])


async def test_enter_in_the_question_about_a_host_key_means_no(strangers):
    async with dashboard(strangers) as seen:
        await seen.press("K")
        await seen.sees("Trust the host key of new1?")
        await seen.press("enter")
        await seen.until(lambda: "Trust the host key" not in seen.text)
        assert asked(strangers, "accept_host_key") == asked(strangers, "check") == []


async def test_several_host_keys_are_asked_for_one_after_the_other_and_a_changed_one_only_told(strangers):
    async with dashboard(strangers) as seen:
        await seen.press("2")
        await seen.until(lambda: seen.screen.NAME == "readiness")
        await seen.press("asterisk", "K")
        await seen.sees("Trust the host key of new1?   1 of 3")
        await seen.press("n")
        await seen.sees("Trust the host key of new2?   2 of 3")
        await seen.press("y")
        await seen.sees("THE HOST KEY OF old1 HAS CHANGED")
        await seen.sees(f"known        {KNOWN}")
        await seen.sees(f"offered      {NEW}")
        await seen.sees("ssh-keygen -R '10.0.0.2'")
        await seen.press("y", "enter")
        await seen.until(lambda: asked(strangers, "check") == [("new2",)])
        assert asked(strangers, "accept_host_key") == [("new2", NEW)]
        await seen.until(lambda: not seen.table.marked)


async def test_esc_leaves_the_other_host_keys_for_later(strangers):
    async with dashboard(strangers) as seen:
        await seen.press("asterisk", "K")
        await seen.sees("new1?")
        await seen.press("escape")
        await seen.until(lambda: "Trust the host key" not in seen.text)
        assert asked(strangers, "offered_host_key") == [("new1",)]
        assert len(seen.table.marked) == 4


async def test_a_jump_hosts_key_is_asked_for_before_the_instances_own(strangers):
    strangers.offered["new1"] = [host_key("new1", KNOWN, "jump.example"), host_key("new1")]
    async with dashboard(strangers) as seen:
        await seen.press("K")
        await seen.sees("jump.example")
        await seen.press("y")
        await seen.sees("10.0.0.1  port 2222")
        await seen.press("y")
        await seen.until(lambda: asked(strangers, "accept_host_key") == [("new1", KNOWN), ("new1", NEW)])


async def test_a_check_that_meets_new_keys_asks_at_once(strangers):
    async with dashboard(strangers) as seen:
        await seen.press("c")
        await seen.sees("Trust the host key of new1?")


async def test_a_changed_key_is_loud_and_has_both_fingerprints(strangers):
    async with dashboard(strangers, (220, 40)) as seen:
        line = seen.line_with(" old1 ")
        assert "✗ KEY CHANGED" in line
        assert f"K says what to do  offered {NEW}, known {KNOWN}" in line


def test_a_changed_key_is_counted_under_its_own_word_and_its_row_names_the_key(strangers):
    dead = instance("dead", connection=ConnectionState.UNREACHABLE, detail="no answer")
    shown = snapshot(*strangers.shown.instances, dead)
    told = "".join(span.text for span in fleet_counts(shown, 200))
    assert "✗ 1 key changed" in told
    assert "✗ 1 unreachable" in told
    for width in (80, 120, 160):
        rows = {entry.row.key: entry.row for entry in fleet_entries(shown, Rates(), width)}
        assert plain(rows["old1"].cells["progress"]).startswith("K")


async def test_where_no_key_waits_the_key_says_so(strangers):
    async with dashboard(strangers) as seen:
        await seen.press("G", "K")
        await seen.hears("no host key waits for an answer here")


async def test_who_may_only_look_is_asked_nothing(strangers, tmp_path):
    engine = FakeEngine(strangers.shown, tmp_path / "other", read_only=True)
    async with dashboard(engine) as seen:
        await seen.press("K")
        await seen.hears("Velora was started with --readonly")


def test_what_the_connection_says_of_a_key_counts_without_a_check():
    told = instance("a", connection=ConnectionState.UNREACHABLE, detail=CHANGED_WORDS.partition(": ")[2])
    assert key_trouble(told) == (True, NEW, KNOWN)
    new = instance("a", connection=ConnectionState.UNREACHABLE, detail=UNKNOWN_WORDS.partition(": ")[2])
    assert key_trouble(new) == (False, NEW, "")
    assert key_trouble(instance("a", connection=ConnectionState.UNREACHABLE, detail="no answer")) is None


def test_a_connection_that_came_up_since_makes_an_old_refusal_void():
    row = instance("a", ready=refused("a", UNKNOWN_WORDS, seconds=500))
    assert key_trouble(row) is None, "connected 100 s ago"
    assert key_trouble(instance("a", ready=refused("a", UNKNOWN_WORDS, seconds=50))) is not None


# --- other operators' runs


async def test_somebody_elses_run_is_on_the_row_with_name_and_time(shared):
    async with dashboard(shared) as seen:
        line = seen.line_with(" eval1 ")
        assert "▷ in use" in line
        assert "started by user@laptop" in line
        assert "running since" in line
        assert "▷ 1 in use" in seen.lines[0]


async def test_a_lease_that_is_left_is_not_said_to_be_given_back(shared):
    shared.foreign_end = "left"
    shared.foreign_over.set()
    async with dashboard(shared) as seen:
        await seen.press("enter")
        await seen.sees("■ over: the Velora that drove it is gone, its lease is left")


@pytest.mark.parametrize("key", ["enter", "l", "5"])
async def test_it_is_followed_read_only(shared, key):
    async with dashboard(shared) as seen:
        await seen.press(key)
        await seen.until(lambda: seen.screen.NAME == "foreign")
        await seen.until(lambda: asked(shared, "follow_foreign") == [("eval1",)])
        await seen.sees("read-only")
        shared.write_log("01FOREIGN", "trajectory", "their step 1\n", attempt=2)
        shared.tell(LogGrew(run="01FOREIGN", attempt=2, phase="trajectory", size=13))
        await seen.sees("their step 1")
        shared.write_log("01FOREIGN", "evaluation", "their tests\n", attempt=2)
        shared.tell(LogGrew(run="01FOREIGN", attempt=2, phase="evaluation", size=12))
        await seen.sees("their tests")
        await seen.press("left_curly_bracket")
        await seen.sees("their step 1")
        await seen.sees("evaluation has begun: } shows it")
        shared.foreign_over.set()
        await seen.sees("■ over: the instance was given back")
        await seen.until(lambda: asked(shared, "check") == [("eval1",)])
        await seen.press("escape")
        await seen.until(lambda: seen.screen.NAME == "fleet")


async def test_a_log_that_cannot_be_followed_says_why(shared):
    shared.refuse_with = [Refused("nobody's run has eval1", hint="check again")]
    async with dashboard(shared) as seen:
        await seen.press("enter")
        await seen.sees("✗ not followed: refused")
        await seen.sees("nobody's run has eval1 — check again")


async def test_a_lease_with_a_hostile_run_name_is_no_path(tmp_path):
    shown = snapshot(instance("eval1", ready=held("eval1", run_id="../../etc")))
    engine = FakeEngine(shown, tmp_path)
    async with dashboard(engine) as seen:
        await seen.press("enter")
        await seen.until(lambda: asked(engine, "follow_foreign") == [("eval1",)])


async def test_nobody_stops_somebody_elses_run(shared):
    async with dashboard(shared) as seen:
        await seen.press("x")
        await seen.hears("somebody else's run: it can be followed here, and only they stop it")


async def test_a_run_started_by_hand_is_in_use_too(tmp_path):
    ready = readiness("eval1")
    busy = ready.checks[0].model_copy(
        update={
            "id": "busy",
            "status": CheckStatus.FAIL,
            "detail": "a run started by hand: process 71 of dev: bash run_full_eval",
        }
    )
    engine = FakeEngine(snapshot(instance("eval1", ready=ready.model_copy(update={"checks": (busy,)}))), tmp_path)
    async with dashboard(engine) as seen:
        await seen.sees("▷ in use", on=" eval1 ")
        await seen.sees("a run started by hand: process 71 of dev", on=" eval1 ")
        await seen.press("enter")
        await seen.hears("Velora has no log of it to follow")


async def test_a_dead_lease_is_shown_and_taken_over_only_after_a_yes(shared, tmp_path):
    async with dashboard(shared, datasets=[dataset(tmp_path, "t1")]) as seen:
        line = seen.line_with(" eval2 ")
        assert "! dead lease" in line
        assert "left by user@laptop" in line
        await seen.press("j", "s")
        await seen.sees("t1  psf/requests")
        await seen.press("ctrl+s")
        await seen.sees("Take over eval2?")
        for words in ("user@laptop", "run 01FOREIGN, attempt 2", "the Velora that took it is gone"):
            await seen.sees(words)
        await seen.press("enter")
        await seen.until(lambda: "Take over eval2?" not in seen.text)
        assert asked(shared, "start") == []
        await seen.press("ctrl+s")
        await seen.sees("Take over eval2?")
        await seen.press("y")
        await seen.until(lambda: [request.instance for (request,) in asked(shared, "start")] == ["eval2"])


# --- connections


def test_reconnecting_counts_down_by_the_words_of_a_break():
    broken = Break(2, 8.0, Refused("no route to host"))
    told = ConnectionChanged(instance="a", state=ConnectionState.RECONNECTING, detail=str(broken), at=NOW)
    assert reconnecting(told, NOW) == ("3rd try, in 8 s", "no route to host")
    assert reconnecting(told, NOW + timedelta(seconds=5)).tries == "3rd try, in 3 s"
    assert reconnecting(told, NOW + timedelta(seconds=60)).tries == "3rd try"
    assert reconnecting(told.model_copy(update={"detail": "try 4"}), NOW) == ("4th try", "")


@pytest.mark.parametrize("width", [80, 120, 160])
async def test_a_row_says_that_it_is_reconnecting_and_when(tmp_path, width):
    going = run("01A1", "psf/requests", "1", "llm.gpt", attempt("eval3", "trajectory"))
    broken = instance("eval3", going, connection=ConnectionState.RECONNECTING, detail="try 3 in 108 s: no route")
    async with dashboard(FakeEngine(snapshot(broken), tmp_path), (width, 24)) as seen:
        line = seen.line_with(" eval3 ")
        assert "▶ reconnecting" in line
        assert "3rd try, in 8 s" in line


def test_ordinals():
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th",
    ]  # fmt: skip


def test_each_row_says_how_old_its_data_is():
    shown = busy_fleet()
    ages = {entry.row.key: plain(entry.row.cells.get("last", "")) for entry in fleet_entries(shown, Rates(), 160)}
    assert ages["eval1"] == "1 s", "its progress was told a second ago"
    assert ages["eval3"] == "1 m", "it ended a minute ago"
    assert ages["eval4"] == "20 s", "it was checked then"
    heard = Rates({"01A1": ago(70)})
    rows = replace(shown, instances=(instance("eval1", shown.runs["01A1"]),))
    assert plain(fleet_entries(rows, heard, 160)[0].row.cells["last"]) == "30 s", "its phase began then"


async def test_what_was_found_running_is_told(tmp_path):
    going = run("01A1", "psf/requests", "1", "llm.gpt", attempt("eval3", "trajectory", seconds=600))
    engine = FakeEngine(snapshot(instance("eval3", going)), tmp_path)
    engine.taken_up = (going,)
    async with dashboard(engine) as seen:
        await seen.hears("found running: eval3 since")


# --- retry


async def test_a_retry_offers_only_phases_at_which_the_recipe_can_begin(engine):
    engine.startable = ("upload", "collect", "validate")
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "r")
        await seen.sees("from the start")
        assert "from image" not in seen.text
        await seen.press("enter")
        await seen.until(lambda: asked(engine, "retry") == [("01A3", None)])


async def test_a_runs_page_offers_the_start_where_the_recipe_cannot_begin_at_the_failed_phase(engine):
    async with dashboard(engine) as seen:
        await seen.press("j", "j", "enter")
        await seen.sees("retry from image [r]")
        engine.startable = ("upload", "collect", "validate")
        await seen.sees("retry from the start [r]")
