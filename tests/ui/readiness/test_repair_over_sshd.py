"""A repair from the Readiness screen over a real sshd: shown, asked, made, checked, and told in the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readiness.conftest import FILES, Machine, machine, sshd  # noqa: F401 - fixtures
from tests.ui.dashboard.drive import dashboard
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

pytestmark = [pytest.mark.sshd, pytest.mark.timeout(120)]

DOCKER_FILE = FILES[1]


async def test_a_broken_file_is_shown_pushed_checked_and_told_in_the_audit(
    machine: Machine,  # noqa: F811
    tmp_path: Path,
) -> None:
    file = machine.put(DOCKER_FILE, "an old one\n")
    engine = Engine(machine.fleet(check_minutes=0), Layout.under(tmp_path / "state"), keep_checking=True)
    async with dashboard(engine, live=False) as seen:
        await seen.press("2")
        await seen.sees("files: 1/2: docker.py differs from the good copy", on=" eval1 ")
        await seen.sees("✗ not ready [R]", on=" eval1 ")

        await seen.press("R")
        await seen.sees("Push the critical files on eval1?")
        await seen.sees(f"- file {DOCKER_FILE}")
        assert file.read_text() == "an old one\n", "nothing is done before a yes"
        await seen.press("y")
        await seen.sees("push the critical files: mended on eval1")
        assert file.read_text() == f"the good {DOCKER_FILE}\n"
        (kept,) = machine.home.glob(".velora/backups/*/**/docker.py*")
        assert kept.read_text() == "an old one\n"

        await seen.press("enter")
        await seen.sees("● ready", on=" eval1 ")
        await seen.press("A")
        await seen.until(lambda: seen.screen.NAME == "audit")
        await seen.sees("✓ push-files mended it")
        await seen.sees("▶ push-files begins")
        await seen.press("slash", *"kind:command", "enter")
        await seen.sees("$ push-files: ")
        await seen.sees('backup="$HOME"/.velora/backups/')
