"""The base of the widgets that draw line by line: tones, and a height that grows without laying out the screen."""

from __future__ import annotations

import textwrap
from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual.css.styles import RenderStyles
from textual.dom import DOMNode
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from velora_tui.view.cells import TONES
from velora_tui.view.lines import Ground
from velora_tui.view.text import clean_text

CURRENT_CLASS = "line-view--current"
"""The component class of the row or line one is on: its background."""
GROUND_CLASSES = tuple(f"ground--{ground}" for ground in get_args(Ground) if ground)
"""The component classes of what lines are in a patch: their backgrounds."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling view whose subclass draws each line; `paint_count` counts the lines drawn since it was made.

    `STYLES` are classes of the style sheet whose styles lines are drawn in. They are no COMPONENT_CLASSES: textual
    would work out all of them, of every view, whenever a class of the screen changes; here each waits until it is used.
    """

    STYLES: ClassVar[frozenset[str]] = frozenset((*(f"tone--{tone}" for tone in TONES), *GROUND_CLASSES, CURRENT_CLASS))

    DEFAULT_CSS = """
    LineView {
        background: transparent;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $foreground 15%;
        scrollbar-color-hover: $foreground 30%;
        scrollbar-color-active: $primary;

        & > .tone--dim { color: $foreground 55%; }
        & > .tone--faint { color: $foreground 28%; }
        & > .tone--strong { text-style: bold; }
        & > .tone--run { color: $secondary; }
        & > .tone--good { color: $success; }
        & > .tone--bad { color: $error; }
        & > .tone--look { color: $warning; }
        & > .tone--model { color: $accent; }
        & > .tone--ours { color: $primary; }
        & > .tone--keyword { color: $accent; }
        & > .tone--string { color: $primary; }
        & > .tone--number { color: $warning; }
        & > .tone--name { color: $secondary; }
        & > .tone--comment { color: $foreground 55%; }
        & > .ground--added { background: $success 13%; }
        & > .ground--removed { background: $error 13%; }
        & > .ground--empty { background: $foreground 4%; }
        & > .line-view--current { background: $primary 8%; }
        &:focus > .line-view--current { background: $primary 16%; }

        &:ansi {
            scrollbar-color: ansi_bright_black;
            scrollbar-color-hover: ansi_bright_black;
            & > .tone--dim { color: ansi_default; text-style: dim; }
            & > .tone--faint { color: ansi_default; text-style: dim; }
            & > .tone--comment { color: ansi_default; text-style: dim; }
            & > .ground--added { background: ansi_default; }
            & > .ground--removed { background: ansi_default; }
            & > .ground--empty { background: ansi_default; }
            & > .line-view--current { background: ansi_default; }
        }
        &:ansi:focus > .line-view--current { background: ansi_default; }
    }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.paint_count = 0
        self._tones: dict[tuple[str, str], Style] = {}
        self._components: dict[str, Style] = {}

    def tone(self, tone: str, ground: str = "") -> Style:
        """Return the style of a tone, on the background of the component class `ground` if one is named."""
        style = self._tones.get((tone, ground))
        if style is None:
            style = self.component(f"tone--{tone}") if tone else self.rich_style
            if ground:
                style += Style(bgcolor=self.component(ground).bgcolor)
            self._tones[(tone, ground)] = style
        return style

    def component(self, name: str) -> Style:
        """Return the style of one of STYLES."""
        style = self._components.get(name)
        if style is None:
            style = self._components[name] = self.get_component_rich_style(name)
        return style

    def get_component_styles(self, *names: str) -> RenderStyles:
        """Work out the styles that are asked for first now."""
        for name in self.STYLES.intersection(names) - self._component_styles.keys():
            node = DOMNode(classes=name)
            node._attach(self)
            self.app.stylesheet.apply(node)
            self._component_styles[name] = node.styles
        return super().get_component_styles(*names)

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        self._tones.clear()
        self._components.clear()
        self._component_styles.clear()
        super().notify_style_update()

    @property
    def page_width(self) -> int:
        """The cells of a line, without the scrollbar."""
        return max(0, self.size.width - self.scrollbar_size_vertical)

    def on_resize(self) -> None:
        """Adapt to the new size."""
        self.page_changed()

    def watch_show_vertical_scrollbar(self) -> None:
        """A scrollbar that comes or goes changes the width of the lines; one that comes shows where the view is."""
        self.vertical_scrollbar.position = self.scroll_y
        if self.is_mounted:
            self.page_changed()

    def page_changed(self) -> None:
        """Called when there is room for other lines than before."""
        self.refresh()

    def set_height(self, height: int) -> None:
        """Make the content `height` lines high; what is on the screen is laid out anew only if the scrollbar must."""
        old, new = self.virtual_size, Size(self.page_width, height)
        if old == new:
            return
        page = self.container_size.height
        if self.styles.is_auto_height or (old.height > page) != (height > page):
            self.virtual_size = new
            return
        self.set_reactive(Widget.virtual_size, new)
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = height

    def words_for_nothing(self, words: str, row: int, width: int) -> Strip:
        """Draw a row of the words that stand where there is nothing, broken to fit."""
        rows = textwrap.wrap(clean_text(words), max(20, width - 6))
        text = f"   {rows[row]}" if 0 <= row < len(rows) else ""
        return Strip([Segment(text, self.tone("dim"))]).adjust_cell_length(width, self.rich_style)

    def jump(self, y: int) -> None:
        """Scroll so that content line `y` is on top, at once."""
        self.scroll_to(y=max(0, min(y, self.max_scroll_y)), animate=False, force=True)
