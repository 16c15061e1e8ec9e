"""`velora run --wait` behind another operator."""

from __future__ import annotations

import asyncio
import signal

from tests.cli.conftest import Place
from velora_tui.hosts.lease import LeaseOwner, acquire
from velora_tui.hosts.local import LocalHost

RUN = "01KEEPSGOINGANDGOINGAND01"


async def test_whom_a_run_waits_for_is_told_once(local: Place) -> None:
    home = local.folder / "home"
    home.mkdir()
    await acquire(LocalHost("here", home), LeaseOwner.here(RUN, 1, f"~/.velora/runs/{RUN}.1"))
    arguments = ("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--instance", "here", "--wait")
    waiting = local.start(*arguments)
    assert waiting.stderr is not None
    async with asyncio.timeout(60):
        while "waiting" not in (line := await asyncio.to_thread(waiting.stderr.readline)):
            assert waiting.poll() is None
    assert line.startswith("here: waiting, as it is running since ")
    assert f"run {RUN}, attempt 1" in line
    await asyncio.sleep(6)  # longer than it takes to look again
    waiting.send_signal(signal.SIGINT)
    _, rest = await asyncio.to_thread(waiting.communicate, timeout=60)
    assert "waiting, as" not in rest
    assert waiting.returncode == 5
