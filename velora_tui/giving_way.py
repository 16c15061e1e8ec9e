"""A thread that computes lets the screen's go first: each turn of the interpreter that is waited for costs a frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_ITEMS = 200
_PAUSE_SECONDS = 0.0005


def giving_way(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; between some of them other threads compute, unless this is the main one."""
    gives_way = threading.current_thread() is not threading.main_thread()
    for number, item in enumerate(items, start=1):
        if gives_way and number % _ITEMS == 0:
            time.sleep(_PAUSE_SECONDS)
        yield item
