"""A thread that does one thing after the other, for what only one thread may use; nothing waits for it at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class OneThread:
    """Started by the first `do`; `stop` lets it end after what it does now."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def do(self, work: Callable[[], Answer]) -> Answer:
        """Do `work` in the thread and return what it returns; who is cancelled no longer waits for it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def told(finish: Callable[[Any], None], value: object) -> None:
            if not answer.done():
                finish(value)

        def task() -> None:
            if answer.cancelled():
                return
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
                _tell(loop, told, answer.set_exception, error)
            else:
                _tell(loop, told, answer.set_result, found)

        if self._thread is None:
            self._thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._tasks.put(task)
        return await answer

    def stop(self, last: Callable[[], None]) -> None:
        """Do `last`, and then nothing more."""
        if self._thread is not None:
            self._tasks.put(last)
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def _tell(
    loop: asyncio.AbstractEventLoop, told: Callable[..., None], finish: Callable[[Any], None], value: object
) -> None:
    try:
        loop.call_soon_threadsafe(told, finish, value)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more
