"""Velora as ever, with its event loop's lag measured. Run: python measured_velora.py FILE [ARGUMENTS…]

The figures of the loop that beats most are in FILE, which is written anew every second.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.benchmarks.lag import Lag, measured_lag
from velora_tui.cli import main
from velora_tui.store.files import write_json

_SETTLED_SECONDS = 10.0  # the program starts, connects and takes up what runs; what is measured comes after
_KEPT_EVERY_SECONDS = 1.0


class Measured(asyncio.DefaultEventLoopPolicy):
    """Gives loops that are measured from their start to their end."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._most = 0

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.call_soon(lambda: loop.create_task(self._measure()))
        return loop

    async def _measure(self) -> None:
        await asyncio.sleep(_SETTLED_SECONDS)
        async with measured_lag() as lag:
            while True:
                await asyncio.sleep(_KEPT_EVERY_SECONDS)
                self._keep(lag)

    def _keep(self, lag: Lag) -> None:
        if len(lag.late) > self._most:
            self._most = len(lag.late)
            write_json(self._file, [lag.late, lag.busy])


if __name__ == "__main__":
    asyncio.set_event_loop_policy(Measured(Path(sys.argv.pop(1))))
    sys.exit(main())
