"""The dashboard on a real sshd: a machine never met, one whose key changed, and another operator's run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import demo, engine_of, fleet_of, sshd  # noqa: F401 - fixtures
from tests.faults.test_host_keys import forge, knowing
from tests.faults.test_lease import request_for
from tests.sshd import Sshd
from tests.ui.dashboard.drive import dashboard
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import LogGrew
from velora_tui.hosts.lease import operator

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.ui.dashboard.drive.DEADLINE_SECONDS", 60)


def own_fingerprint(server: Sshd) -> str:
    """What the machine's owner reads on the machine itself."""
    told = subprocess.run(
        ["ssh-keygen", "-lf", str(server.folder / "host_key.pub")], check=True, capture_output=True, text=True
    )
    return told.stdout.split()[1]


async def test_a_machine_never_met_is_trusted_after_a_look_at_its_fingerprint(
    demo: DemoFleet,  # noqa: F811
    sshd: Sshd,  # noqa: F811
    tmp_path: Path,
) -> None:
    known_hosts = tmp_path / "ssh" / "known_hosts"
    fleet = knowing(fleet_of(demo, sshd), known_hosts)
    async with dashboard(engine_of(fleet, tmp_path / "state"), live=False) as seen:
        await seen.until(lambda: seen.app.is_live)
        await seen.press("c")
        await seen.sees("Trust the host key of eval1?")
        await seen.sees(own_fingerprint(sshd))
        await seen.sees(f"127.0.0.1  port {sshd.port}")
        await seen.press("enter")
        await seen.until(lambda: "? new host key" in seen.line_with(" eval1 "))
        assert not known_hosts.exists()
        await seen.press("2")
        await seen.until(lambda: seen.screen.NAME == "readiness")
        await seen.press("K")
        await seen.sees("Trust the host key of eval1?")
        await seen.press("y")
        await seen.until(lambda: known_hosts.exists() and "host key" not in seen.line_with(" eval1 "))
        await seen.until(lambda: "✓" in seen.line_with(" eval1 "))


async def test_a_machine_whose_key_changed_is_loud_and_cannot_be_trusted(
    demo: DemoFleet,  # noqa: F811
    sshd: Sshd,  # noqa: F811
    tmp_path: Path,
) -> None:
    known_hosts = tmp_path / "ssh" / "known_hosts"
    forge(known_hosts, sshd, tmp_path)
    before = known_hosts.read_bytes()
    fleet = knowing(fleet_of(demo, sshd), known_hosts)
    async with dashboard(engine_of(fleet, tmp_path / "state"), live=False) as seen:
        await seen.until(lambda: seen.app.is_live)
        await seen.press("c")
        await seen.until(lambda: "✗ KEY CHANGED" in seen.line_with(" eval1 "))
        await seen.press("K")
        await seen.sees("THE HOST KEY OF eval1 HAS CHANGED")
        await seen.sees(f"offered      {own_fingerprint(sshd)}")
        await seen.press("y", "enter", "escape")
    assert known_hosts.read_bytes() == before


async def test_another_operators_run_is_seen_and_followed_until_it_is_over(
    demo: DemoFleet,  # noqa: F811
    sshd: Sshd,  # noqa: F811
    tmp_path: Path,
) -> None:
    fleet = fleet_of(demo, sshd, speed=1)
    async with engine_of(fleet, tmp_path / "theirs") as theirs:
        with theirs.observe() as events:
            run = await theirs.start(request_for(demo, force=True))
            async for event in events:
                if isinstance(event, LogGrew) and event.phase == "trajectory":
                    break
        async with dashboard(engine_of(fleet, tmp_path / "mine"), live=False) as seen:
            await seen.until(lambda: seen.app.is_live)
            await seen.press("c")
            await seen.until(lambda: f"started by {operator()}" in seen.line_with(" eval1 "))
            await seen.sees("▷ in use", on=" eval1 ")
            await seen.press("enter")
            await seen.until(lambda: seen.screen.NAME == "foreign")
            await seen.until(lambda: " trajectory" in seen.text and seen.screen.log_view.status.line_count > 0)
            await seen.press("g")
            await seen.sees("Starting evaluation for instance")
            await theirs.stop(run.run)
            await seen.sees("■ over: the instance was given back")
