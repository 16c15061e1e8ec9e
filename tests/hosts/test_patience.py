"""Going on through breaks: how long, how often, and who is told."""

from __future__ import annotations

import pytest

from velora_tui.errors import AuthenticationFailed, ConnectionLost, Unreachable
from velora_tui.hosts import patience
from velora_tui.hosts.patience import Break, through_breaks


async def test_work_is_tried_again_until_it_is_done_and_each_break_is_told() -> None:
    errors = [ConnectionLost("gone"), Unreachable("still gone")]
    told: list[Break] = []

    async def work() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert await through_breaks(work, patience_seconds=30, on_break=told.append) == "done"
    assert [str(broken) for broken in told] == ["try 2 in 1 s: gone", "try 3 in 1 s: still gone"]


async def test_patience_ends_with_the_last_error() -> None:
    tries = 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        raise Unreachable(f"try {tries}")

    with pytest.raises(Unreachable, match=r"try \d") as caught:
        await through_breaks(work, patience_seconds=1)
    assert str(caught.value) == f"try {tries}"


async def test_what_will_not_be_better_is_not_tried_again() -> None:
    async def work() -> None:
        raise AuthenticationFailed("no key")

    with pytest.raises(AuthenticationFailed):
        await through_breaks(work, patience_seconds=30)


async def test_patience_begins_anew_after_work_that_went_on_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try of an hour ends with a break; none of them uses up the patience of the next."""
    clock = [0.0]
    monkeypatch.setattr(patience.time, "monotonic", lambda: clock[0])
    told: list[Break] = []

    async def work() -> str:
        clock[0] += 3600
        if len(told) < 5:
            raise ConnectionLost("the laptop was closed")
        return "done"

    assert await through_breaks(work, patience_seconds=0.001, on_break=told.append) == "done"
    assert {str(broken) for broken in told} == {"try 1 now: the laptop was closed"}
