"""An app with one widget, and what a user sees of it."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.message import Message

from velora_tui.ui.widgets.line_view import LineView


class OneWidget(App[None]):
    """Shows one widget on the whole screen and remembers the messages it posts."""

    CSS = "OneWidget { & Screen > * { height: 1fr; } }"

    def __init__(self, widget: LineView) -> None:
        super().__init__()
        self.widget = widget
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def of(self, kind: type[Message]) -> list:
        return [message for message in self.posted if isinstance(message, kind)]


def record(*kinds: type[Message]):
    """Return an app class that keeps the messages of these kinds."""
    handlers = {kind.handler_name: lambda self, message: self.posted.append(message) for kind in kinds}
    return type("Recording", (OneWidget,), handlers)


def seen(app: OneWidget) -> list[str]:
    """Return the rows on the terminal without the scrollbar, as text without trailing blanks."""
    width = app.widget.page_width
    return [strip.crop(0, width).text.rstrip() for strip in app.screen._compositor.render_strips()]


def repainted(widget: LineView) -> list[str]:
    """Return what the widget would show if all of it were painted now."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]
