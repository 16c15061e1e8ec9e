"""The least that a Textual program can be: so many rows, and a cursor that j and k move."""

import sys

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static


class Peer(App[None]):
    BINDINGS = [("j", "move(1)"), ("k", "move(-1)"), ("q", "quit")]
    cursor = 0

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def compose(self) -> ComposeResult:
        for number in range(self.rows):
            yield Static(self.row(number), id=f"row{number}")

    def row(self, number: int) -> Content:
        return Content(f" {'▌' if number == self.cursor else ' '}busy{number:02}")

    def action_move(self, step: int) -> None:
        old, self.cursor = self.cursor, max(0, min(self.rows - 1, self.cursor + step))
        for number in (old, self.cursor):
            self.query_one(f"#row{number}", Static).update(self.row(number))


Peer(int(sys.argv[1])).run()
