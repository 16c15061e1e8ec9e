"""A document of lines as a user sees it."""

from __future__ import annotations

import re

import pytest

from tests.ui.widgets.seen import record, seen
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Span
from velora_tui.view.lines import Line

Recording = record(LineList.Opened, LineList.Highlighted, LineList.CopyRequested)


def document(count: int = 50, *, silent: int = 3) -> list[Line]:
    """Lines of which every third has no key."""
    return [
        Line((Span(f"line {number}"),), (Span(f"r{number}"),), key="" if number % silent == 0 else f"k{number}")
        for number in range(count)
    ]


async def test_the_cursor_stops_only_on_lines_with_a_key():
    lines = LineList()
    async with Recording(lines).run_test(size=(40, 10)) as pilot:
        lines.show(document())
        assert lines.cursor_key == "k1"
        await pilot.press("down", "down", "j")
        assert lines.cursor_key == "k5"
        await pilot.press("k", "G")
        assert lines.cursor_key == "k49"
        await pilot.press("g")
        assert lines.cursor_key == "k1"
        assert "line 0" in seen(pilot.app)[0]


async def test_the_cursor_stays_with_its_key_when_other_lines_come():
    lines = LineList()
    async with Recording(lines).run_test(size=(40, 10)) as pilot:
        lines.show(document())
        lines.move_to("k25")
        row = next(place for place, text in enumerate(seen(pilot.app)) if "line 25" in text)
        lines.show([*(Line((Span("new"),), key=f"n{number}") for number in range(7)), *document()])
        await pilot.pause()
        assert lines.cursor_key == "k25"
        assert "line 25" in seen(pilot.app)[row]
        lines.show(document(20))
        assert lines.cursor_key == "k19"


async def test_the_end_of_a_line_stays_at_the_right_and_the_rest_scrolls():
    lines = LineList()
    async with Recording(lines).run_test(size=(30, 5)) as pilot:
        lines.show([Line((Span("> "), Span("0123456789" * 5)), (Span("end"),), key="a", head=1)])
        await pilot.pause()
        assert seen(pilot.app)[0] == "▌> 0123456789012345678901…end"
        await pilot.press("l")
        assert seen(pilot.app)[0] == "▌> 8901234567890123456789…end"
        await pilot.press("h", "h")
        assert seen(pilot.app)[0].startswith("▌> 0123")


async def test_n_goes_to_what_is_found_else_to_the_landmarks():
    lines = LineList()
    async with Recording(lines).run_test(size=(40, 10)) as pilot:
        lines.show(document(), landmarks=["k10", "k40"])
        await pilot.press("n")
        assert lines.cursor_key == "k10"
        await pilot.press("N")
        assert lines.cursor_key == "k40"
        lines.search(re.compile("line 2[02]"))
        assert lines.hits == (1, 2)
        assert lines.cursor_key == "k20"
        await pilot.press("n")
        assert lines.cursor_key == "k22"
        lines.search(None)
        assert lines.hits == (0, 0)


async def test_enter_opens_and_y_copies_the_line():
    lines = LineList()
    async with Recording(lines).run_test(size=(40, 10)) as pilot:
        lines.show(document())
        await pilot.press("enter", "y")
        await pilot.pause()
        assert [message.key for message in pilot.app.of(LineList.Opened)] == ["k1"]
        assert [message.text for message in pilot.app.of(LineList.CopyRequested)] == ["line 1  r1"]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("[/b]", "[/b]"),
        ("t.py::t[param-1]", "t.py::t[param-1]"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x07\x00b", "ab"),
        ("漢字" * 30, "漢字漢字"),
    ],
)
async def test_hostile_text_is_only_text(hostile, shown):
    lines = LineList()
    async with Recording(lines).run_test(size=(40, 5)) as pilot:
        lines.show([Line((Span(hostile),), (Span(hostile),), key=hostile)])
        lines.search(re.compile("a|t"))
        await pilot.pause()
        assert shown in seen(pilot.app)[0]
        assert not {"\x1b", "\x00", "\x07"} & set("".join(seen(pilot.app)))


async def test_an_empty_list_says_why_on_as_many_rows_as_it_needs():
    lines = LineList(empty_text="no patch yet: it comes when the evaluation has been collected")
    async with Recording(lines).run_test(size=(40, 6)) as pilot:
        assert [row.strip() for row in seen(pilot.app)][1:3] == [
            "no patch yet: it comes when the",
            "evaluation has been collected",
        ]
