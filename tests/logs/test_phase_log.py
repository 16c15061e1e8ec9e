from __future__ import annotations

import asyncio
import threading

from velora_tui.pipeline.phase_log import PhaseLog


async def test_lines_reach_the_disk_while_every_other_thread_is_held_up(tmp_path):
    """As where S3 does not answer, or a large result is read."""
    free, waiting, sizes = threading.Event(), 64, []
    held = [asyncio.create_task(asyncio.to_thread(free.wait, 30)) for _ in range(waiting)]
    log = PhaseLog(tmp_path / "a.log", sizes.append)
    try:
        async with asyncio.timeout(10):
            await log.write(b"one\n")
            await log.restart()
            await log.say("two")
    finally:
        free.set()
        await asyncio.gather(*held)
    log.close()
    assert sizes == [4, 0, 4]
    assert log.path.read_bytes() == b"two\n"
