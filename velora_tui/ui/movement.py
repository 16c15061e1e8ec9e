"""The one table of the keys that move through lists, tables and logs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from textual.binding import Binding, BindingType

_MOVES: tuple[tuple[str, str, str, str], ...] = (
    ("down,j", "down", "Down", "To the next {thing}"),
    ("up,k", "up", "Up", "To the {thing} before"),
    ("home,g", "first", "First", "To the first {thing}"),
    ("end,G", "last", "Last", "To the last {thing}"),
    ("pagedown", "page_down", "Page down", "A page down"),
    ("pageup", "page_up", "Page up", "A page up"),
    ("ctrl+d", "half_down", "Half a page down", "Half a page down"),
    ("ctrl+u", "half_up", "Half a page up", "Half a page up"),
)
_SIDEWAYS: tuple[tuple[str, str, str, str], ...] = (
    ("left,h", "left", "Left", "To the left in long lines"),
    ("right,l", "right", "Right", "To the right in long lines"),
)


def bound(prefix: str, keys: str, action: str, label: str, tooltip: str) -> Binding:
    """Return the binding of a widget's own key; `tooltip` is what help says."""
    return Binding(keys, action, label, show=False, id=f"{prefix}.{action}", tooltip=tooltip)


def movement(
    prefix: str, thing: str, *, sideways: bool = False, also: Mapping[str, str] = MappingProxyType({})
) -> list[BindingType]:
    """Return the bindings that move by `thing` ("row", "line"); `also` says by action what else a move does."""
    moves = (*_MOVES, *_SIDEWAYS) if sideways else _MOVES
    return [
        bound(prefix, keys, action, label, tooltip.format(thing=thing) + also.get(action, ""))
        for keys, action, label, tooltip in moves
    ]
