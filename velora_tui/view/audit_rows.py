"""What Velora did on instances, as rows: the latest first, and each in full with its exact command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from velora_tui.domain.events import AnyEvent, AttemptStarted, CommandRan, RepairEnded, RepairStarted
from velora_tui.domain.run import Run
from velora_tui.view.cells import Row, Span, Tone
from velora_tui.view.columns import Column
from velora_tui.view.entries import Entry
from velora_tui.view.holders import since
from velora_tui.view.lines import Line, note
from velora_tui.view.repair_text import change_words, thing_words
from velora_tui.view.text import clean_text, size

FILTER_KEYS = ("instance", "what", "by", "kind")
COLUMNS = (
    Column("when", "WHEN", min_width=5, priority=9),
    Column("instance", "INSTANCE", min_width=8, priority=9),
    Column("what", "WHAT", min_width=24, priority=9),
    Column("command", "COMMAND", min_width=16, priority=7),
    Column("by", "BY", min_width=6, priority=5),
)


class Deed(NamedTuple):
    """One entry: a word for its kind, what was done, the exact command if there is one, and by whom."""

    kind: str
    symbol: str
    tone: Tone
    what: str
    command: str
    by: str


def audit_entries(events: Iterable[AnyEvent], runs: Mapping[str, Run], at: datetime) -> list[Entry]:
    """Return a row for each deed, the latest first; its key is the event's place in the journal."""
    return [_entry(event, deed, at) for event in reversed(list(events)) if (deed := deed_of(event, runs)) is not None]


def deed_of(event: AnyEvent, runs: Mapping[str, Run]) -> Deed | None:
    """Return what the event tells was done; None where it tells nothing of the kind."""
    match event:
        case CommandRan():
            return Deed("command", "$", "ours", event.purpose, event.command, event.by)
        case RepairStarted():
            return Deed("repair", "▶", "run", f"{event.repair} begins: {', '.join(event.steps)}", "", event.by)
        case RepairEnded():
            symbol, tone = _ending(event)
            return Deed("repair", symbol, tone, f"{event.repair} {_end_words(event)}", "", event.by)
        case AttemptStarted():
            run = runs.get(event.run)
            named = f"{run.repo} {run.task} · {run.model}" if run else event.run
            return Deed("run", "▶", "run", f"attempt {event.attempt} of {named} starts", "", event.by)
        case _:
            return None


def deed_lines(event: AnyEvent, runs: Mapping[str, Run]) -> list[Line]:
    """Return a deed in full: what, when, by whom, and the command exactly as the instance got it."""
    deed = deed_of(event, runs)
    if deed is None:
        return []
    when = f"{event.at.astimezone():%Y-%m-%d %H:%M:%S}"
    head = (Span(f" {deed.symbol} ", deed.tone), Span(clean_text(deed.what), "strong"))
    lines = [Line(head, key="what"), note(f"{when} by {deed.by} · journal entry {event.seq}", indent=3)]
    lines += [Line((Span(f"   {clean_text(text)}"),), key=f"more:{place}") for place, text in enumerate(_more(event))]
    commands = deed.command.strip("\n").split("\n") if deed.command else []
    lines += [
        Line((Span("   │ ", "faint"), Span(clean_text(text))), key=f"command:{place}", head=1)
        for place, text in enumerate(commands)
    ]
    return lines


def _entry(event: AnyEvent, deed: Deed, at: datetime) -> Entry:
    instance = getattr(event, "instance", None) or ""
    first = next((line.strip() for line in deed.command.splitlines() if line.strip()), "")
    cells = {
        "when": Span(since(event.at, at), "dim"),
        "instance": instance,
        "what": (Span(f"{deed.symbol} ", deed.tone), Span(clean_text(deed.what))),
        "command": Span(clean_text(first), "dim"),
        "by": Span(deed.by, "dim"),
    }
    fields = {"instance": instance, "what": deed.what, "by": deed.by, "kind": deed.kind, "": deed.command}
    order = {
        "when": (-float(event.seq), ""),
        "instance": (0.0, instance),
        "what": (0.0, deed.what),
        "by": (0.0, deed.by),
    }
    return Entry(Row(str(event.seq), cells), fields, order)


def _ending(event: RepairEnded) -> tuple[str, Tone]:
    return ("✓", "good") if event.mended else ("✗", "bad")


def _end_words(event: RepairEnded) -> str:
    if event.error:
        return f"failed: {event.error}"
    freed = f", freed {size(event.freed_bytes)}" if event.freed_bytes is not None else ""
    return f"{'mended it' if event.mended else 'did not mend it'}{freed}"


def _more(event: AnyEvent) -> Iterator[str]:
    if isinstance(event, RepairStarted):
        yield from (f"{number}. {step}" for number, step in enumerate(event.steps, start=1))
        yield from (f"- {thing_words(thing)}" for thing in event.affected)
    elif isinstance(event, RepairEnded):
        if event.check:
            yield from change_words(event.check, event.before, event.after)
        yield from (f"done: {step}" for step in event.done)
