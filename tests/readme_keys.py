"""The README's table of keys, made from the one table of actions: `python -m tests.readme_keys` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from velora_tui.ui.keys import ACTIONS, GROUPS, SCREENS, bindings_of_class, key_text
from velora_tui.ui.widgets.line_list import LineList
from velora_tui.ui.widgets.live_table import LiveTable
from velora_tui.ui.widgets.log_view import LogView

README = Path(__file__).parent.parent / "README.md"
_PLACE = re.compile(r"(<!-- keys -->\n).*?(<!-- /keys -->)", re.DOTALL)


def keys_table() -> str:
    """Return the actions that have a key in the order of their groups, then the keys of widgets, in Markdown."""
    lines = ["| key | what it does | where |", "|---|---|---|"]
    for group in GROUPS:
        for action in (action for action in ACTIONS if action.group == group and action.keys):
            everywhere = set(action.screens) == set(SCREENS)
            where = "everywhere" if everywhere else ", ".join(action.screens)
            lines.append(f"| `{action.key_text}` | {action.description} | {where} |")
    for keys, found in _keys_of_widgets().items():
        words = [what for what in found if not any(what in other for other in found if other != what)]
        places = dict.fromkeys(place for known in found.values() for place in known)
        lines.append(f"| `{keys}` | {'; '.join(words)} | {', '.join(places)} |")
    return "\n".join(lines) + "\n"


def _keys_of_widgets() -> dict[str, dict[str, list[str]]]:
    """Return by key of tables, lists and logs what it does, and where it does that."""
    known: dict[str, dict[str, list[str]]] = {}
    for place, widget in (("tables", LiveTable), ("lists", LineList), ("logs", LogView)):
        for binding in bindings_of_class(widget):
            keys = ", ".join(key_text(key) for key in binding.key.split(","))
            known.setdefault(keys, {}).setdefault(binding.tooltip, []).append(place)
    return known


def with_keys(text: str) -> str:
    """Return the README's text with the table between its two marks."""
    return _PLACE.sub(lambda place: place[1] + keys_table() + place[2], text)


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text()))
