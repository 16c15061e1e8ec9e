from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.ui.widgets.seen import record, repainted, seen
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.view.cells import Row, Span
from velora_tui.view.columns import Column, fit

App = record(LiveTable.RowHighlighted, LiveTable.RowSelected, LiveTable.HeaderClicked, LiveTable.MarksChanged)

COLUMNS = [
    Column("name", "NAME", min_width=6, priority=9),
    Column("state", "STATE", width=12, priority=8),
    Column("task", "TASK", min_width=10, priority=2),
    Column("time", "TIME", width=6, align="right", priority=5),
]


def row(name: str, state: str = "ready", task: str = "", time: str = "0:01") -> Row:
    return Row(name, {"name": name, "state": Span(state, "run"), "task": task, "time": time})


def rows(count: int, **cells: str) -> list[Row]:
    return [row(f"eval{number}", **cells) for number in range(1, count + 1)]


@pytest.fixture
def table() -> LiveTable:
    return LiveTable(COLUMNS, empty_text="no instance yet · add one to velora.toml")


async def test_rows_and_header_are_shown_aligned(table):
    app = App(table)
    async with app.run_test(size=(60, 6)) as pilot:
        table.show([row("eval1", "running", "psf/requests", "12:41"), row("eval2")])
        await pilot.pause()
        assert seen(app) == [
            "   NAME    STATE         TASK            TIME",
            " ▌ eval1   running       psf/requests   12:41",
            "   eval2   ready                         0:01",
            "",
            "",
            "",
        ]


async def test_an_empty_table_says_what_to_do(table):
    app = App(table)
    async with app.run_test(size=(60, 4)) as pilot:
        await pilot.pause()
        assert seen(app)[1] == "   no instance yet · add one to velora.toml"
        table.show(rows(1))
        await pilot.pause()
        assert seen(app)[1].startswith(" ▌ eval1")
        table.show([])
        await pilot.pause()
        assert seen(app)[1] == "   no instance yet · add one to velora.toml"
        assert table.cursor_key is None


@pytest.mark.parametrize("name", ["t.py::t[param-1]", "[/b]", "[bold]x[/bold]", "a\\[b]", "[@click=app.bell]x[/]"])
async def test_square_brackets_show_exactly(table, name):
    app = App(table)
    async with app.run_test(size=(80, 4)) as pilot:
        table.show([Row(name, {"name": name, "task": (Span(name, "bad"),)})])
        await pilot.pause()
        assert seen(app)[1].split() == ["▌", *name.split(), *name.split()]


async def test_hostile_text_cannot_leave_its_cell(table):
    app = App(table)
    async with app.run_test(size=(60, 4)) as pilot:
        table.show([row("a\x1b[2J\nb\u202ec", task="漢字" * 30), row("z")])
        await pilot.pause()
        assert seen(app)[1].startswith(" ▌ a bc")
        assert all(cell_len(line) <= 60 for line in seen(app))
        assert "…" in seen(app)[1]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
async def test_columns_adapt_to_the_width_and_the_least_wanted_vanish_first(width):
    table = LiveTable(COLUMNS)
    app = App(table)
    async with app.run_test(size=(width, 5)) as pilot:
        table.show(rows(2, task="12rambau/sepal_ui 1319603449576684"))
        await pilot.pause()
        assert all(cell_len(line) <= width for line in seen(app))
        assert table.places[-1].end <= width
        assert table.max_scroll_x == 0
        assert ("TASK" in seen(app)[0]) == (width >= 60)
        assert "NAME" in seen(app)[0]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.integers(1, 5)), min_size=1, max_size=8),
    st.integers(1, 200),
    st.integers(0, 100),
)
def test_columns_never_take_more_than_there_is(shapes, available, content):
    columns = [
        Column(str(n), "T" * (width // 2), None if grows else width, min_width=width, priority=priority)
        for n, (width, grows, priority) in enumerate(shapes)
    ]
    places = fit(columns, available, {column.id: content for column in columns})
    assert places
    assert places[-1].end <= available
    assert [place.column for place in places] == [column for column in columns if column in {p.column for p in places}]


async def test_keys_move_the_cursor(table):
    app = App(table)
    async with app.run_test(size=(60, 11)) as pilot:
        table.show(rows(50))
        for keys, place in [("j,down", 2), ("k", 1), ("G", 49), ("g", 0), ("end", 49), ("home", 0), ("ctrl+d", 5)]:
            await pilot.press(*keys.split(","))
            assert table.cursor_index == place, keys
        for keys, place in [("pagedown", 15), ("pageup", 5), ("ctrl+u", 0), ("up", 0), ("G,j", 49)]:
            await pilot.press(*keys.split(","))
            assert table.cursor_index == place, keys
        await pilot.pause()
        assert seen(app)[-1].startswith(" ▌ eval50")
        assert seen(app)[0].startswith("   NAME")


async def test_the_cursor_stays_on_its_row_through_sort_insert_and_filter(table):
    app = App(table)
    async with app.run_test(size=(60, 8)) as pilot:
        table.show(rows(30))
        table.move_to("eval12")
        for shown in (rows(30)[::-1], [row("new1"), row("new2"), *rows(30)], [row("eval12")], rows(40)):
            table.show(shown)
            await pilot.pause()
            assert table.cursor_key == "eval12"
            assert [line for line in seen(app) if "▌" in line] == [line for line in seen(app) if "eval12 " in line]
        assert [message.key for message in app.of(LiveTable.RowHighlighted)] == ["eval1", "eval12"]


async def test_the_cursor_goes_to_the_row_that_followed_a_vanished_one(table):
    app = App(table)
    async with app.run_test(size=(60, 8)) as pilot:
        table.show(rows(5))
        table.move_to("eval3")
        table.show([row for row in rows(5) if row.key != "eval3"])
        assert table.cursor_key == "eval4"
        table.show(rows(2))
        assert table.cursor_key == "eval2"
        table.show([])
        await pilot.pause()
        assert [message.key for message in app.of(LiveTable.RowHighlighted)] == [
            "eval1",
            "eval3",
            "eval4",
            "eval2",
            None,
        ]


async def test_only_the_line_that_changed_is_painted(table):
    app = App(table)
    async with app.run_test(size=(60, 20)) as pilot:
        table.show(rows(15))
        await pilot.pause()
        painted = table.paint_count
        table.show(rows(15))
        await pilot.pause()
        assert table.paint_count == painted
        changed = rows(15)
        changed[7] = row("eval8", time="0:02")
        table.show(changed)
        await pilot.pause()
        assert table.paint_count == painted + 1
        assert "0:02" in seen(app)[8]
        await pilot.press("j")
        await pilot.pause()
        assert table.paint_count == painted + 3


async def test_a_change_out_of_sight_paints_nothing(table):
    app = App(table)
    async with app.run_test(size=(60, 10)) as pilot:
        table.show(rows(100))
        await pilot.pause()
        painted = table.paint_count
        changed = rows(100)
        changed[80] = row("eval81", time="9:99")
        table.show(changed)
        await pilot.pause()
        assert table.paint_count == painted


async def test_marks(table):
    app = App(table)
    async with app.run_test(size=(60, 10)) as pilot:
        table.show(rows(6))
        await pilot.press("space", "j", "j", "V")
        assert table.marked == ("eval1", "eval2", "eval3")
        await pilot.pause()
        assert [line[0] for line in seen(app)[1:5]] == ["•", "•", "•", " "]
        await pilot.press("asterisk")
        assert len(table.marked) == 6
        await pilot.press("asterisk")
        assert table.marked == ()
        await pilot.press("space")
        table.show(rows(6)[::-1])
        assert table.marked == ("eval3",)
        table.show(rows(2))
        assert table.marked == ()
        table.show(rows(6))
        await pilot.pause()
        assert table.marked == ("eval3",)
        assert [message.keys for message in app.of(LiveTable.MarksChanged)][-3:] == [("eval3",), (), ("eval3",)]


async def test_the_mouse_chooses_opens_and_sorts(table):
    app = App(table)
    async with app.run_test(size=(60, 10)) as pilot:
        table.show(rows(6))
        await pilot.pause()
        await pilot.click(table, offset=(5, 3))
        assert table.cursor_key == "eval3"
        await pilot.double_click(table, offset=(5, 4))
        await pilot.press("j", "enter")
        assert [message.key for message in app.of(LiveTable.RowSelected)] == ["eval4", "eval5"]
        await pilot.click(table, offset=(table.places[1].start + 1, 0))
        assert [message.column for message in app.of(LiveTable.HeaderClicked)] == ["state"]
        table.show_sorting("state", descending=True)
        await pilot.pause()
        assert "STATE▾" in seen(app)[0]


async def test_two_rows_with_one_key_are_refused(table):
    with pytest.raises(ValueError, match="same key"):
        table.show([row("a"), row("a")])


async def test_themes_change_the_colours_and_nothing_else(table):
    app = App(table)
    async with app.run_test(size=(60, 6)) as pilot:
        table.show(rows(3))
        await pilot.pause()
        dark, style = seen(app), table.tone("run")
        app.theme = "textual-light"
        await pilot.pause()
        assert seen(app) == dark
        assert table.tone("run").color != style.color


async def test_the_cursor_is_quieter_without_the_focus(table):
    app = App(table)
    async with app.run_test(size=(60, 6)) as pilot:
        table.show(rows(3))
        await pilot.pause()
        focused = table.tone("", "line-view--current").bgcolor
        app.set_focus(None)
        await pilot.pause()
        assert table.tone("", "line-view--current").bgcolor != focused


steps = st.lists(
    st.one_of(
        st.sampled_from(["j", "k", "G", "g", "ctrl+d", "pageup", "space", "V", "asterisk"]),
        st.tuples(st.sampled_from(["shuffle", "insert", "drop", "change"]), st.integers(0, 10_000)),
    ),
    max_size=12,
)


def changed_rows(shown: list[Row], step: tuple[str, int]) -> list[Row]:
    what, seed = step
    chance = random.Random(seed)
    if what == "shuffle":
        return chance.sample(shown, len(shown))
    if what == "insert":
        place = chance.randint(0, len(shown))
        taken = {one.key for one in shown}
        key = next(name for number in range(len(shown) + 1) if (name := f"new{seed}-{number}") not in taken)
        return [*shown[:place], row(key), *shown[place:]]
    if what == "drop":
        return [one for one in shown if chance.random() < 0.7]
    return [row(one.key, time=f"{chance.randint(0, 9)}:00") if chance.random() < 0.3 else one for one in shown]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, height=st.sampled_from([3, 6, 12]))
def test_what_is_on_the_screen_is_always_the_truth(steps, height):
    async def run() -> None:
        table = LiveTable(COLUMNS)
        app = App(table)
        async with app.run_test(size=(50, height)) as pilot:
            shown = rows(9)
            table.show(shown)
            for step in steps:
                before, marked = table.cursor_key, set(table.marked)
                if isinstance(step, str):
                    await pilot.press(step)
                else:
                    shown = changed_rows(shown, step)
                    table.show(shown)
                    keys = {one.key for one in shown}
                    assert table.cursor_key == before or before not in keys
                    assert marked & keys <= set(table.marked)
                await pilot.pause()
                assert seen(app) == repainted(table)
                assert bool(shown) == any("▌" in line for line in seen(app))

    asyncio.run(run())


async def test_a_terminal_with_its_own_colours_gets_no_loud_background(table):
    app = App(table)
    async with app.run_test(size=(60, 6)) as pilot:
        app.theme = "ansi-dark"
        table.show(rows(3))
        await pilot.pause()
        assert table.tone("", "line-view--current").bgcolor.is_default
        assert table.tone("dim").dim
        assert seen(app)[1].startswith(" ▌ eval1")
