"""How a log stands, and the words for it on the line beside it."""

from __future__ import annotations

from dataclasses import dataclass

from velora_tui.view.cells import Cell, Span
from velora_tui.view.log_line import StampMode
from velora_tui.view.text import count, counted


@dataclass(frozen=True, slots=True)
class LogStatus:
    """What a title line says about the log: `new_lines` came since following stopped, `hit` of `hits` is current."""

    following: bool = True
    new_lines: int = 0
    line_count: int = 0
    size_bytes: int = 0
    pattern: str = ""
    hit: int = 0
    hits: int = 0
    searching: bool = False
    wraps: bool = False
    stamps: StampMode = "absolute"
    reading: bool = False
    problem: str = ""


def search_words(status: LogStatus) -> tuple[Span, ...]:
    """Return "/pattern 3/57"; nothing where nothing is searched for."""
    if not status.pattern:
        return ()
    nothing = "" if status.searching else "nothing found"
    found = f"{count(status.hit)}/{count(status.hits)}" if status.hits else nothing
    going = Span(" …", "dim") if status.searching else Span("")
    return Span(f"   /{status.pattern} ", "dim"), Span(found, "look"), going


def status_words(status: LogStatus, *, grows: bool) -> Cell:
    """Return "1,240 lines · ● following"; of a log that does not grow any more only its lines."""
    spans = [Span(counted(status.line_count, "line"), "dim")]
    if status.wraps:
        spans.append(Span(" · wrapped", "dim"))
    if status.problem:
        spans.append(Span(f" · {status.problem}", "bad"))
    if not grows and not status.new_lines:
        spans.append(Span(" ", "dim"))
    elif status.following:
        spans.append(Span(" · ● following ", "good"))
    elif status.new_lines:
        spans += [Span(f" · +{count(status.new_lines)} new", "look"), Span(" · f follows ", "dim")]
    else:
        spans.append(Span(" · following off ", "dim"))
    return tuple(spans)
