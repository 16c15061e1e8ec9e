"""The window of a repair: what it will do, the question, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from velora_tui.errors import VeloraError
from velora_tui.ui.content import content
from velora_tui.ui.repair_work import RepairWork
from velora_tui.ui.screens.confirm import TYPED_OVER
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.view.cells import Cell, Span
from velora_tui.view.lines import Line
from velora_tui.view.repair_progress import end_title, gain, plan_title, planned_lines, working_lines
from velora_tui.view.text import count, duration

BEAT_SECONDS = 0.5
_WIDEST, _FRAME, _MARGIN = 116, 5, 3


def _key(keys: str, action: str, what: str) -> Binding:
    return Binding(keys, action, what, show=False, id=f"repair.{action}", tooltip=what)


class RepairScreen(Dialog[bool]):
    """Looks, shows, asks; on a yes it calls `begin`, which sees to the work, and shows how far that is.

    Left while the repair is being made, that goes on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("y", "yes", "Do it; once it is over, copy what came of it"),
        _key("n,q", "no", "Don't"),
        _key("enter", "close", "Close it once it is over"),
        _key("v", "commands", "Show every command in full, or not"),
        _key("down,j", "lines('down')", "Down"),
        _key("up,k", "lines('up')", "Up"),
        _key("pagedown,ctrl+d", "lines('page_down')", "A page down"),
        _key("pageup,ctrl+u", "lines('page_up')", "A page up"),
        _key("left,h", "app.focus_previous", "To the other answer"),
        _key("right,l", "app.focus_next", "To the other answer"),
    ]

    def __init__(self, work: RepairWork, begin: Callable[[], None], copy: Callable[[str], None]) -> None:
        super().__init__(Span(work.title, "strong"), "")
        self._work = work
        self._begin = begin
        self._copy = copy
        self._problem = ""
        self._in_full = False

    def compose_body(self) -> ComposeResult:
        """Yield the lines, and room for the answers."""
        yield LineList(empty_text="", id="repair-lines")
        yield Static("", id="repair-gain", markup=False)
        yield Vertical(id="repair-answers")

    def on_mount(self) -> None:
        """Look at the instances, and prove life meanwhile."""
        self.lines.can_focus = False
        self.set_interval(BEAT_SECONDS, self._beat)
        self._beat()
        self.run_worker(self._look(), group="look", exit_on_error=False)

    @property
    def lines(self) -> LineList:
        return self.query_one(LineList)

    @property
    def _must_be_typed(self) -> bool:
        return len(self._work.possible) > TYPED_OVER

    @property
    def _is_asking(self) -> bool:
        return bool(self._work.possible) and not self._work.is_agreed

    # --- the look, and the question

    async def _look(self) -> None:
        try:
            await self._work.plan()
        except VeloraError as error:
            self._problem = error.explain()
        self._show_plans()
        await self._show_answers()

    def _show_plans(self) -> None:
        plans = self._work.plans
        if self._problem:
            self._tell(Span(f"{self._work.title}: it can't be planned", "strong"))
            self.lines.show([Line((Span(f" {self._problem}", "bad"),), key="0")], keep_place=False)
            return
        title = plan_title(plans, self._work.title)
        self._tell(Span(title[:1].upper() + title[1:], "strong"))
        lines = planned_lines(plans, self._width, commands=self._in_full)
        self.lines.show(lines, keep_place=self._in_full)
        in_all = self.query_one("#repair-gain", Static)
        in_all.set_class(not gain(plans), "-empty")
        in_all.update(content(Span(f" {gain(plans)}", "strong")))

    @property
    def _width(self) -> int:
        """The cells of a line, also before the window is laid out."""
        return (self.lines.page_width or min(_WIDEST, self.app.size.width * 98 // 100) - _FRAME) - _MARGIN

    def on_resize(self) -> None:
        """Break the lines of the plan anew."""
        if self._work.plans and not self._work.is_agreed:
            self.call_after_refresh(self._show_plans)

    async def _show_answers(self) -> None:
        answers = self.query_one("#repair-answers")
        await answers.remove_children()
        number = len(self._work.possible)
        if not self._is_asking:
            self._show_keys(("esc", "close"))
        elif self._must_be_typed:
            field = Input(placeholder=f"type {number} to go on", compact=True, type="integer")
            await answers.mount(field)
            field.focus()
            self._show_keys(("type the number, ⏎", "do it"), ("↑↓", "read"), ("esc", "leave"))
        else:
            no = Button(Content("No"), id="no", compact=True)
            verb = f"do it on {number} instances" if number > 1 else "do it"
            await answers.mount(Horizontal(no, Button(Content(verb), id="yes", compact=True), classes="dialog-answers"))
            no.focus()
            self._show_keys(("y", "do it"), ("n", "no"), ("v", "every command"), ("jk", "read"), ("esc", "leave"))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.action_no() if event.button.id == "no" else self._agree()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer yes where the number is right."""
        if event.value.strip() == str(len(self._work.possible)):
            self._agree()
        else:
            self.dismiss(False)

    def action_yes(self) -> None:
        if self._is_asking and not self._must_be_typed:
            self._agree()
        elif self._work.is_over:
            self._copy("\n".join(line.text.strip() for line in self.lines.lines))

    def action_no(self) -> None:
        self.dismiss(self._work.is_agreed)

    def action_leave(self) -> None:
        self.dismiss(self._work.is_agreed)

    def action_close(self) -> None:
        if not self._is_asking and (self._work.is_over or not self._work.is_agreed):
            self.dismiss(self._work.is_agreed)

    def action_commands(self) -> None:
        if self._work.plans and not self._work.is_agreed:
            self._in_full = not self._in_full
            self._show_plans()

    def action_lines(self, move: str) -> None:
        """Move in the lines, wherever the focus is."""
        getattr(self.lines, f"action_{move}")()

    def _agree(self) -> None:
        if self._work.is_agreed:
            return
        self._work.is_agreed = True
        self.query_one("#repair-answers").display = False
        self.query_one("#repair-gain").display = False
        self._begin()
        self._beat()

    # --- the work

    def _beat(self) -> None:
        """Show that it goes on, or what came of it."""
        work = self._work
        if work.is_agreed:
            self._show_work()
        elif not work.plans and not self._problem:
            where = work.instances[0] if len(work.instances) == 1 else f"{count(len(work.instances))} instances"
            self.lines.show([Line((Span(f" … looking at {where}  {duration(work.seconds)}", "run"),))])
            self._show_keys(("esc", "leave"))

    def _show_work(self) -> None:
        work = self._work
        if work.is_over and len(work.results) == len(work.possible):
            self._tell(end_title(work.plans, work.results, work.title))
            self._show_keys(("⏎ esc", "close"), ("y", "copy"))
            self.set_focus(None)
        else:
            done = f"{len(work.results)} of {len(work.possible)} done" if len(work.possible) > 1 else ""
            self._tell((Span(f"{work.title[:1].upper()}{work.title[1:]} … ", "strong"), Span(done, "run")))
            self._show_keys(("esc", "leave; it goes on"))
        self.lines.show(working_lines(work.possible, work.doing, work.results, work.seconds))

    def _tell(self, title: Cell) -> None:
        self.query_one(".dialog-title", Static).update(content(title))

    def _show_keys(self, *pairs: tuple[str, str]) -> None:
        self.query_one(".dialog-keys", Static).update(content(keys_line(*pairs)))
