from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.geometry import Offset
from textual.selection import Selection

from tests.ui.widgets.seen import record, repainted, seen
from velora_tui.errors import UsageError
from velora_tui.ui.widgets.log_view import LogView

App = record(LogView.StatusChanged, LogView.CopyRequested, LogView.NotFound)


def write(path: Path, *lines: str | bytes) -> None:
    with path.open("ab") as file:
        for line in lines:
            file.write((line.encode() if isinstance(line, str) else line) + b"\n")


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "evaluation.log"


@pytest.fixture
def view() -> LogView:
    return LogView(empty_text="no log yet: the phase has not begun")


async def until(pilot, condition, seconds: float = 20) -> None:
    """Let the app run until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await pilot.pause(0.01)


async def settled(pilot, view: LogView) -> None:
    """Let the view read and search to the end, and paint."""
    await pilot.app.workers.wait_for_complete()
    await until(pilot, lambda: view._timer is None and not view.status.searching and not view.status.reading)
    await pilot.pause()


async def grow(pilot, view: LogView, path: Path, *lines: str | bytes) -> None:
    write(path, *lines)
    view.notify_grown()
    await settled(pilot, view)


async def test_a_log_opens_at_its_end_with_numbered_lines(view, path):
    write(path, *numbered(1, 100))
    app = App(view)
    async with app.run_test(size=(40, 4)) as pilot:
        view.open(path)
        await pilot.pause()
        assert seen(app) == [
            f"   {number}  line {number}".rjust(len(f"line {number}") + 8) for number in (97, 98, 99, 100)
        ]
        assert view.status.following


async def test_a_missing_and_an_empty_log_say_so(view, path):
    app = App(view)
    async with app.run_test(size=(60, 4)) as pilot:
        view.open(path)
        await pilot.pause()
        assert seen(app)[0] == "   no log yet: the phase has not begun"
        await grow(pilot, view, path, "first words")
        assert seen(app)[0] == "     1  first words"


async def test_following_shows_what_comes_and_scrolling_up_stops_it(view, path):
    write(path, *numbered(1, 50))
    app = App(view)
    async with app.run_test(size=(40, 5)) as pilot:
        view.open(path)
        await grow(pilot, view, path, *numbered(51, 60))
        assert seen(app)[-1].endswith("line 60")
        await pilot.press("k")
        before = seen(app)
        assert before[-1].endswith("line 59")
        await grow(pilot, view, path, *numbered(61, 80))
        assert seen(app) == before
        assert (view.status.following, view.status.new_lines) == (False, 20)
        await pilot.press("G")
        await pilot.pause()
        assert seen(app)[-1].endswith("line 80")
        assert (view.status.following, view.status.new_lines) == (True, 0)
        await grow(pilot, view, path, "line 81")
        assert seen(app)[-1].endswith("line 81")


@pytest.mark.parametrize("key", ["k", "up", "pageup", "ctrl+u", "g", "home"])
async def test_every_way_up_stops_following_and_the_view_stands(view, path, key):
    write(path, *numbered(1, 50))
    app = App(view)
    async with app.run_test(size=(40, 5)) as pilot:
        view.open(path)
        await pilot.press(key)
        await pilot.pause()
        before = seen(app)
        await grow(pilot, view, path, *numbered(51, 90))
        assert seen(app) == before
        assert not view.following
        await pilot.press("f")
        await pilot.pause()
        assert seen(app)[-1].endswith("line 90")


async def test_the_wheel_stops_following_and_reaching_the_end_does_not_resume_it(view, path):
    write(path, *numbered(1, 50))
    app = App(view)
    async with app.run_test(size=(40, 5)) as pilot:
        view.open(path)
        await pilot.pause()
        view._on_mouse_scroll_up(_wheel(view))
        await until(pilot, lambda: not view.following)
        await pilot.press("pagedown", "pagedown")
        await pilot.pause()
        before = seen(app)
        assert before[-1].endswith("line 50")
        await grow(pilot, view, path, "line 51")
        assert seen(app) == before


def _wheel(view: LogView):
    from textual import events

    return events.MouseScrollUp(view, 1, 1, 0, -1, 0, False, False, False)


async def test_the_last_line_may_grow_and_is_painted_anew(view, path):
    path.write_bytes(b"one\nDownloading 10 %")
    app = App(view)
    async with app.run_test(size=(40, 4)) as pilot:
        view.open(path)
        await pilot.pause()
        assert seen(app)[1] == "     2  Downloading 10 %"
        with path.open("ab") as file:
            file.write(b"\rDownloading 80 %")
        view.notify_grown()
        await settled(pilot, view)
        assert seen(app)[1] == "     2  Downloading 80 %"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mtests/t.py::t[param-1] FAILED\x1b[0m", "tests/t.py::t[param-1] FAILED"),
        (b"[/b] [bold]x[/bold] \\[y]", "[/b] [bold]x[/bold] \\[y]"),
        (b"\x1b]0;title\x07\x1b[2J\x1b[Hclean", "clean"),
        ("a\u202eb\u200bc 漢字".encode(), "abc 漢字"),
        (b"caf\xe9\tx", "caf\ufffd    x"),
    ],
)
async def test_lines_show_as_text_and_never_act(view, path, raw, shown):
    write(path, raw)
    app = App(view)
    async with app.run_test(size=(60, 3)) as pilot:
        view.open(path)
        await pilot.pause()
        assert seen(app)[0] == f"     1  {shown}"


async def test_words_that_matter_have_a_colour(view, path):
    write(path, "a PASSED", "b FAILED", "WARNING: c", "E       AttributeError: d", "unpassed FAILEDX")
    app = App(view)
    async with app.run_test(size=(60, 6)) as pilot:
        view.open(path)
        await pilot.pause()

        def colours(y: int) -> set[str]:
            return {
                segment.text
                for segment in view.render_line(y)
                for tone in ("good", "bad", "look")
                if segment.style and segment.style.color == view.tone(tone).color
            }

        assert [colours(y) for y in range(5)] == [
            {"PASSED"},
            {"FAILED"},
            {"WARNING"},
            {"E       AttributeError: d"},
            set(),
        ]


async def test_long_lines_are_cut_and_can_be_seen_by_moving_right(view, path):
    write(path, "start" + "-" * 60 + "end", "漢字" * 30)
    app = App(view)
    async with app.run_test(size=(40, 4)) as pilot:
        view.open(path)
        await pilot.pause()
        assert seen(app)[0].endswith("-…")
        assert all(cell_len(line) <= 40 for line in seen(app))
        await pilot.press(*"lllll")
        await pilot.pause()
        assert "…-" in seen(app)[0]
        assert seen(app)[0].endswith("end")
        assert all(cell_len(line) <= 40 for line in seen(app))
        await pilot.press(*"hhhhhhhhhhhhhh")
        await pilot.pause()
        assert "  start-" in seen(app)[0]


@pytest.mark.parametrize("size", [(40, 8), (80, 24), (30, 3)])
async def test_wrapped_lines_show_every_letter(view, path, size):
    long = "".join(f"<{number}>" for number in range(60))
    write(path, "first", long, "漢字" * 40, "last")
    app = App(view)
    async with app.run_test(size=size) as pilot:
        view.open(path)
        await pilot.press("w")
        await pilot.pause()
        assert seen(app)[-1].endswith("last") or (seen(app)[3:] and "last" in "".join(seen(app)))
        await pilot.press("g")
        text = ""
        for _ in range(40):
            await pilot.pause()
            assert seen(app) == repainted(view)
            assert all(cell_len(line) <= size[0] for line in seen(app))
            text += seen(app)[0][8:]
            await pilot.press("j")
        assert long in text
        assert "漢字" * 40 in text
        assert text.startswith("first")


async def test_a_megabyte_line_costs_a_bounded_amount(view, path):
    write(path, "before", "x" * 50_000_000, "after")
    app = App(view)
    async with app.run_test(size=(60, 8)) as pilot:
        view.open(path)
        await settled(pilot, view)
        assert [line[:12].strip() for line in seen(app)[:3]] == ["1  befo", "2  xxxx", "3  afte"]
        await pilot.press("w", "g", "j")
        await pilot.pause()
        assert max(len(text.text) for text in view._lines._kept.values()) < 20_000
        await pilot.press("G")
        await pilot.pause()
        assert seen(app)[-1].endswith("after")
        assert "50 MB in all" in seen(app)[-2]


async def test_search_goes_to_hits_and_counts_them(view, path):
    write(path, *[f"test_{n}[p] {'FAILED' if n % 40 == 0 else 'PASSED'}" for n in range(1, 201)])
    app = App(view)
    async with app.run_test(size=(50, 10)) as pilot:
        view.open(path, follow=False)
        await pilot.pause()
        view.search("failed")
        await settled(pilot, view)
        assert (view.current_line, view.status.hit, view.status.hits) == (40, 1, 5)
        await pilot.press("n", "n")
        assert (view.current_line, view.status.hit) == (120, 3)
        await pilot.press("N", "N", "N")
        assert (view.current_line, view.status.hit) == (200, 5)
        await pilot.pause()
        assert [line for line in seen(app) if line.startswith("▌")] == ["▌  200  test_200[p] FAILED"]
        await grow(pilot, view, path, "test_201 FAILED")
        assert (view.status.hit, view.status.hits) == (5, 6)
        view.clear_search()
        assert (view.status.hits, view.status.pattern) == (0, "")


async def test_search_with_nothing_to_find_and_with_a_wrong_pattern(view, path):
    write(path, "text")
    app = App(view)
    async with app.run_test(size=(50, 4)) as pilot:
        view.open(path)
        await pilot.press("n")
        view.search("absent")
        await settled(pilot, view)
        assert [message.what for message in app.of(LogView.NotFound)] == [
            "no search: / starts one",
            "nothing matches absent",
        ]
        with pytest.raises(UsageError):
            view.search("(")


async def test_hits_are_highlighted_where_they_are(view, path):
    write(path, "one two one", "nothing")
    app = App(view)
    async with app.run_test(size=(50, 4)) as pilot:
        view.open(path)
        view.search("one")
        await settled(pilot, view)
        hit = view.get_component_rich_style("log--hit-current")
        assert [segment.text for segment in view.render_line(0) if segment.style.bgcolor == hit.bgcolor] == [
            "one",
            "one",
        ]


async def test_next_error(view, path):
    write(path, *["fine"] * 30, "test_x FAILED", *["fine"] * 30, "E       ValueError: bad", "fine")
    app = App(view)
    async with app.run_test(size=(50, 8)) as pilot:
        view.open(path, follow=False)
        for line in (31, 62, 31):
            await pilot.press("E")
            await settled(pilot, view)
            assert view.current_line == line


async def test_a_log_opens_at_the_line_of_evidence_even_if_it_is_not_there_yet(view, path):
    write(path, *numbered(1, 10))
    app = App(view)
    async with app.run_test(size=(50, 8)) as pilot:
        view.open(path, line=40)
        await settled(pilot, view)
        await grow(pilot, view, path, *numbered(11, 90))
        assert view.current_line == 40
        assert [line for line in seen(app) if line.startswith("▌")] == ["▌   40  line 40"]
        assert not view.following


async def test_times_as_they_are_elapsed_or_none(view, path):
    write(path, "23:59:50  starting", "00:00:05  running", "no time")
    app = App(view)
    async with app.run_test(size=(50, 4)) as pilot:
        view.open(path)
        texts = []
        for _ in range(4):
            await pilot.pause()
            texts.append([line[8:] for line in seen(app)[:3]])
            await pilot.press("t")
        assert texts[0] == ["23:59:50  starting", "00:00:05  running", "no time"]
        assert texts[1] == ["    0:00  starting", "    0:15  running", "no time"]
        assert [line.strip() for line in texts[2]] == ["starting", "running", "no time"]
        assert texts[3] == texts[0]


async def test_t_says_where_there_is_no_time(view, path):
    write(path, "no time")
    app = App(view)
    async with app.run_test(size=(50, 4)) as pilot:
        view.open(path)
        await pilot.press("t")
        await pilot.pause()
        assert app.of(LogView.NotFound)[0].what == "the lines of this log carry no time"


async def test_y_copies_the_current_line_whole(view, path):
    write(path, "one", "\x1b[31m" + "x" * 30_000 + "\x1b[0m", "three")
    app = App(view)
    async with app.run_test(size=(50, 4)) as pilot:
        view.open(path, line=2)
        await pilot.press("y")
        await pilot.pause()
        assert [message.text for message in app.of(LogView.CopyRequested)] == ["x" * 30_000]


async def test_the_mouse_selects_text_across_lines(view, path):
    write(path, *numbered(1, 100), "one two", "three four")
    app = App(view)
    async with app.run_test(size=(50, 6)) as pilot:
        view.open(path)
        await pilot.pause()
        await pilot.mouse_down(view, offset=(8 + 4, 4))
        await pilot.hover(view, offset=(8 + 4, 5))
        await pilot.mouse_up(view, offset=(8 + 4, 5))
        await pilot.pause()
        assert app.screen.get_selected_text().rstrip("\n") == "two\nthree"
        await pilot.press("y")
        await pilot.pause()
        assert app.of(LogView.CopyRequested)[0].text == "two\nthree"


async def test_a_click_puts_the_bar_on_a_line(view, path):
    write(path, *numbered(1, 100))
    app = App(view)
    async with app.run_test(size=(50, 6)) as pilot:
        view.open(path)
        await pilot.pause()
        await pilot.click(view, offset=(12, 2))
        assert view.current_line == 97


async def test_a_replaced_log_is_shown_anew(view, path):
    write(path, *numbered(1, 100))
    app = App(view)
    async with app.run_test(size=(50, 6)) as pilot:
        view.open(path)
        await pilot.press("k")
        path.write_bytes(b"other\nwords\n")
        view.notify_grown()
        await settled(pilot, view)
        assert seen(app)[:2] == ["     1  other", "     2  words"]
        assert seen(app) == repainted(view)
        path.unlink()
        view.notify_grown()
        await settled(pilot, view)
        assert seen(app)[0] == "   no log yet: the phase has not begun"


async def test_the_same_view_shows_another_log(view, path, tmp_path):
    write(path, *numbered(1, 100))
    other = tmp_path / "other.log"
    write(other, "other words")
    app = App(view)
    async with app.run_test(size=(50, 6)) as pilot:
        view.open(path, line=50)
        await pilot.pause()
        view.open(other)
        await settled(pilot, view)
        assert seen(app) == ["     1  other words", "", "", "", "", ""]
        view.open(None)
        await pilot.pause()
        assert seen(app)[0] == "   no log yet: the phase has not begun"


async def test_growth_out_of_sight_paints_nothing(view, path):
    write(path, *numbered(1, 100))
    app = App(view)
    async with app.run_test(size=(50, 6)) as pilot:
        view.open(path)
        await pilot.press("g")
        await pilot.pause()
        painted = view.paint_count
        await grow(pilot, view, path, *numbered(101, 200))
        assert view.paint_count == painted
        assert view.status.line_count == 200


def test_selections_without_ends_are_bounded(path):
    view = LogView()
    assert view.get_selection(Selection(None, None)) is None
    write(path, *numbered(1, 30_000))
    from velora_tui.store.log_file import LogFile
    from velora_tui.ui.widgets.log_lines import LogLines

    log = LogFile(path)
    log.refresh()
    view._lines, view._count = LogLines(log), log.line_count
    text, _ = view.get_selection(Selection(None, None))
    assert len(text.split("\n")) == 10_000
    assert view.get_selection(Selection(Offset(5, 29_998), None))[0] == "29999\nline 30000"


async def test_a_flood_does_not_stall_the_loop_or_lose_a_line(view, path):
    """50,000 lines a second for three seconds; the loop's own lag is measured against an idle spell before."""
    app = App(view)
    lags: list[float] = []

    async def measure() -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.005)
            lags.append(loop.time() - began - 0.005)

    path.touch()
    async with app.run_test(size=(120, 40)) as pilot:
        view.open(path)
        meter = asyncio.create_task(measure())
        loop = asyncio.get_running_loop()
        started, written = loop.time(), 0
        with path.open("ab", buffering=0) as file:
            while written < 150_000:
                due = min(150_000, int((loop.time() - started) * 50_000))
                file.write(
                    b"".join(
                        b"17:01:12 line %d of the flood, tests/test_a.py::t PASSED\n" % n for n in range(written, due)
                    )
                )
                written = due
                view.notify_grown()
                await asyncio.sleep(0.02)
        await settled(pilot, view)
        meter.cancel()
        lags.sort()
        assert view.status.line_count == 150_000
        assert "line 149999 of" in seen(app)[-1]
        assert lags[int(len(lags) * 0.95)] < 0.05, f"p95 {lags[int(len(lags) * 0.95)]:.3f} s, max {lags[-1]:.3f} s"
