"""Cost of updates of a table of 1,000 rows × 10 columns, ours against Textual's, in the same run.

Run: python -m pytest tests/benchmarks/bench_table.py -s
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import DataTable

from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.view.cells import Row
from velora_tui.view.columns import Column

ROWS, COLUMNS, UPDATES = 1000, 10, 60
NAMES = [f"c{number}" for number in range(COLUMNS)]


class Shown(App[None]):
    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


async def cpu_seconds(widget: Widget, fill: Callable[[], None], update: Callable[[int], None]) -> float:
    """Return the CPU seconds that an update and its painting take."""
    async with Shown(widget).run_test(size=(160, 50)) as pilot:
        fill()
        await settle(pilot)
        began = time.process_time()
        for number in range(UPDATES):
            update(number)
            await settle(pilot)
        return (time.process_time() - began) / UPDATES


async def settle(pilot: Pilot[None]) -> None:
    await pilot.pause()


async def ours(changed_rows: int) -> float:
    table = LiveTable([Column(name, name.upper(), width=12) for name in NAMES])
    values = [[f"r{row} c{column}" for column in range(COLUMNS)] for row in range(ROWS)]
    chance = random.Random(1)
    rows = [Row(f"r{row}", dict(zip(NAMES, values[row], strict=True))) for row in range(ROWS)]

    def update(number: int) -> None:
        for place in chance.sample(range(ROWS), changed_rows):
            rows[place] = Row(f"r{place}", {**rows[place].cells, "c3": f"u{number}"})
        table.show(rows)

    return await cpu_seconds(table, lambda: table.show(rows), update)


async def theirs(changed_rows: int) -> float:
    table: DataTable[str] = DataTable()
    chance = random.Random(1)

    def fill() -> None:
        for name in NAMES:
            table.add_column(name.upper(), key=name, width=12)
        for row in range(ROWS):
            table.add_row(*[f"r{row} c{column}" for column in range(COLUMNS)], key=f"r{row}")

    def update(number: int) -> None:
        for place in chance.sample(range(ROWS), changed_rows):
            table.update_cell(f"r{place}", "c3", f"u{number}")

    return await cpu_seconds(table, fill, update)


async def test_an_update_costs_a_fraction_of_what_it_costs_a_data_table():
    for changed in (1, 50, 500):
        mine, other = await ours(changed), await theirs(changed)
        print(f"\n{changed:4} of {ROWS} rows: {mine * 1000:.2f} ms against {other * 1000:.2f} ms: {mine / other:.2f}")
        assert mine < other * 0.6
