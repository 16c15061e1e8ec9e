"""Run a command's coroutine: signals end it cleanly, a second one at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal ended the command, whose work has been cancelled and has unwound."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_session(
    work: Coroutine[Any, Any, Result], *, on_interrupt: Callable[[], None], hard_status: int | None = None
) -> Result:
    """Run `work` to its end. Raises Interrupted after a signal; a second signal ends the process on the spot.

    `on_interrupt` is called at the first signal; `hard_status` is the exit status of the second.
    """
    return asyncio.run(_interruptible(work, on_interrupt, hard_status))


async def _interruptible(
    work: Coroutine[Any, Any, Result], on_interrupt: Callable[[], None], hard_status: int | None
) -> Result:
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        if len(received) > 1:
            os._exit(128 + number if hard_status is None else hard_status)
        on_interrupt()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and jobs in the background of a script
            loop.add_signal_handler(number, on_signal, number)
    try:
        return await task
    except asyncio.CancelledError:
        if received:
            raise Interrupted(received[0]) from None
        raise
