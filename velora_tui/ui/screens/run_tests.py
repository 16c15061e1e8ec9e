"""The Tests tab: what had to be fixed, what must not break, and the log's lines that prove it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from velora_tui.domain.report import Verdict
from velora_tui.errors import StoreError, VeloraError
from velora_tui.store.log_file import LogFile
from velora_tui.ui.screens.run_place import Place, Proof, lines_around, read_proof
from velora_tui.ui.screens.run_tab import RunTab
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.split_line import SplitLine
from velora_tui.view.cells import Cell, Span, switched
from velora_tui.view.lines import Line, heading
from velora_tui.view.log_line import shown_line
from velora_tui.view.quality import flag_lines, poor_quality_lines
from velora_tui.view.tests_rows import TreeView, failed_keys, name_of, tree_lines
from velora_tui.view.text import count

EXCERPT_LINES = 8
MOST_FLAGS = 20
EXCERPT_LINES_BEFORE = 3
_EXCERPT_DELAY_SECONDS = 0.08


class TestsTab(RunTab):
    """The tree of tests above the lines of the log around the one under the cursor."""

    __test__ = False  # pytest must not collect it

    TITLE = "Tests"
    SEARCH = "Find tests by name"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f",
            "failed_only",
            "Failed only",
            show=False,
            id="tests.failed_only",
            tooltip="Only what failed, or everything",
        ),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._proof = Proof()
        self._view = TreeView()
        self._timer: Timer | None = None
        self._excerpt_of: tuple[Path, int | None] | None = None
        self._log: LogFile | None = None
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """Yield the tree, and the excerpt with its title."""
        yield LineList(empty_text="reading the verdict …", id="tests-tree")
        yield SplitLine(id="excerpt-title")
        excerpt = LineList(id="tests-excerpt")
        excerpt.can_focus = False
        yield excerpt

    @property
    def lines(self) -> LineList:
        return self.query_one("#tests-tree", LineList)

    @property
    def _verdict(self) -> Verdict | None:
        return self._proof.result.verdict if self._proof.result else None

    def want(self, test: str) -> None:
        """Show this test when the next attempt is shown."""
        self._wanted = test

    async def load(self, place: Place) -> None:
        """Read the verdict and why tests failed, and show it."""
        proof = await asyncio.to_thread(read_proof, place)
        if not self.is_current_place(place):
            return
        query, self._wanted = self._wanted or self._view.query, ""
        self._proof, self._view = proof, TreeView(self._view.failed_only, query)
        if proof.result is None or proof.result.verdict is None:
            self._show_nothing(_why_none(place, proof))
            return
        self._draw(keep_place=False)

    def _draw(self, *, keep_place: bool) -> None:
        """Show the tree as it is looked at now."""
        result, verdict = self._proof.result, self._verdict
        if result is None or verdict is None:
            return
        lines = tree_lines(verdict, self._view, self._proof.reasons)
        if result.summary.quality and not self._view.query:
            lines += [*poor_quality_lines(result.summary.quality), Line()]
        if result.all_flags and not self._view.query:
            lines += [heading("Flags"), *flag_lines(result.all_flags[:MOST_FLAGS])]
        self.lines.show(lines, keep_place=keep_place, landmarks=failed_keys(lines, verdict))
        self.say_status(self._summary(verdict))
        self._show_excerpt_soon()

    def _summary(self, verdict: Verdict) -> Cell:
        spans: list[Span] = []
        if self._view.query:
            number = sum(bool(name_of(line.key)) for line in self.lines.lines)
            spans += [
                Span(f"/{self._view.query}  ", "dim"),
                Span(f"{count(number)} test{'' if number == 1 else 's'}   ", "look"),
            ]
        failed_only = self._view.failed_only
        has_failures = bool(verdict.fail_to_pass.failure or verdict.pass_to_pass.failure)
        if has_failures and not failed_only:
            spans += [Span("n", "ours"), Span(" next  ", "dim")]
        if has_failures or failed_only:
            spans += [Span("f", "ours"), switched(" failed only", is_on=failed_only)]
        return tuple(spans)

    def _show_nothing(self, words: str) -> None:
        self._view = TreeView(self._view.failed_only)
        self.lines.empty_text = words
        self.lines.show((), keep_place=False)
        self._show_excerpt("", ())
        self.say_status("")

    def show_problem(self, error: VeloraError) -> None:
        """Say what is wrong with the result."""
        self._proof = Proof()
        self._show_nothing(error.explain())

    @property
    def path(self) -> Path | None:
        return self.place.test_output if self.place and self._verdict else None

    @property
    def search_text(self) -> str:
        return self._view.query

    def search(self, text: str) -> None:
        """Show only the tests with `text` in their names."""
        self._view = TreeView(self._view.failed_only, text, self._view.unfolded)
        self._draw(keep_place=True)

    def action_failed_only(self) -> None:
        self._view = TreeView(not self._view.failed_only, self._view.query, self._view.unfolded)
        self._draw(keep_place=True)

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Fold or unfold, or go to the test's line in the log."""
        key = event.key or ""
        if key.startswith("fold:"):
            unfolded = frozenset(self._view.unfolded) ^ {key}
            self._view = TreeView(self._view.failed_only, self._view.query, unfolded)
            self._draw(keep_place=True)
        elif name := name_of(key):
            self._open_test(name)

    def _open_test(self, name: str) -> None:
        line = self._line_of(name)
        if line is not None and self.place:
            self.post_message(RunTab.FileWanted(self.place.test_output, line))
        else:
            self.host.say("the log of the tests does not show this test", is_problem=True)

    def _line_of(self, name: str) -> int | None:
        """Return where the log says most of a test: its error, else the line its status was read from."""
        if name in self._proof.reasons:
            return self._proof.reasons[name].line
        test = self._verdict.tests.get(name) if self._verdict else None
        return test.evidence.line if test and test.evidence else None

    # The excerpt

    def on_line_list_highlighted(self, event: LineList.Highlighted) -> None:
        """Show the log around the test one came to."""
        if event.lines is self.lines:
            self._show_excerpt_soon()

    def _show_excerpt_soon(self) -> None:
        """Wait until the cursor rests."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_EXCERPT_DELAY_SECONDS, self._read_excerpt)

    def _read_excerpt(self) -> None:
        name = name_of(self.lines.cursor_key or "")
        line = self._line_of(name) if name else None
        verdict = self._verdict
        if self.place is None or verdict is None or (line is None and verdict.gradeable):
            words = "the log does not show it: it did not pass" if name and verdict else ""
            self._show_excerpt(words, ())
            return
        wanted = self.place.test_output, line
        if wanted != self._excerpt_of:
            self._excerpt_of = wanted
            self.host.perform(self._load_excerpt(*wanted))

    async def _load_excerpt(self, path: Path, line: int | None) -> None:
        try:
            if self._log is None or self._log.path != path:
                self._log = LogFile(path)
            found = await asyncio.to_thread(lines_around, self._log, line, EXCERPT_LINES_BEFORE, EXCERPT_LINES)
        except StoreError as error:
            self._show_excerpt(str(error), ())
            return
        if self._excerpt_of == (path, line):
            lines = [_excerpt_line(number, data, number == line) for number, data in found]
            self._show_excerpt(_excerpt_title(path, line, is_there=bool(found)), lines)
            excerpt = self.query_one("#tests-excerpt", LineList)
            above = len(found) if line is None else sum(number < line for number, _ in found)
            excerpt.jump(max(0, above - max(1, excerpt.size.height // 3)))

    def _show_excerpt(self, title: str, lines: Sequence[Line]) -> None:
        if not lines:
            self._excerpt_of = None
        self.query_one("#excerpt-title", SplitLine).show(Span(f" {title}", "dim"))
        self.query_one("#tests-excerpt", LineList).show(lines, keep_place=False)


def _excerpt_title(path: Path, line: int | None, *, is_there: bool) -> str:
    """Return which line is shown; where there is no verdict, how to find out why."""
    if line is not None:
        return f"{path.name} · line {count(line)}"
    what = f"{path.name} ends so" if is_there else f"there is no {path.name}"
    return f"no verdict: {what} · About (]) has the diagnosis"


def _excerpt_line(number: int, data: bytes, is_current: bool) -> Line:
    shown = shown_line(data.rstrip(b"\r\n"), len(data))
    spans = [Span(f" {number:>6}  ", "strong" if is_current else "faint")]
    at = 0
    for start, end, tone in shown.tones:
        spans += [Span(shown.text[at:start]), Span(shown.text[start:end], tone)]
        at = end
    return Line((*spans, Span(shown.text[at:])))


def _why_none(place: Place, proof: Proof) -> str:
    if proof.result is not None:
        return "the model left no patch, so no test was run: the Trajectory tab shows what it did"
    if not place.attempt.state.is_over:
        return "no verdict yet: it comes with the phase report; the Log tab shows what happens now"
    return "no verdict: the attempt did not come to its end; the Log tab shows why, r retries"
