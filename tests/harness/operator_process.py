"""An operator's process: starts one run and drives it until it is killed. Arguments: fleet, state folder, request."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout


async def main(fleet: str, state: str, request: str) -> None:
    async with Engine(Fleet.model_validate_json(fleet), Layout.under(Path(state))) as engine:
        await engine.start(RunRequest.model_validate_json(request))
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
