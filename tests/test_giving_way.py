"""Threads that compute much let the screen's thread go first."""

from __future__ import annotations

import asyncio
import time

import pytest

from velora_tui.giving_way import giving_way


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


async def test_a_thread_pauses_now_and_then_and_loses_nothing(pauses: list[float]) -> None:
    assert await asyncio.to_thread(lambda: list(giving_way(range(1000)))) == list(range(1000))
    assert len(pauses) == 5
    assert 0 < max(pauses) < 0.002


def test_the_main_thread_never_pauses(pauses: list[float]) -> None:
    assert list(giving_way(iter(range(1000)))) == list(range(1000))
    assert pauses == []
