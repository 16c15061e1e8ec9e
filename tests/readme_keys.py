"""The README's table of keys, made from the one table of actions: `python -m tests.readme_keys` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from velora_tui.ui.keys import ACTIONS, GROUPS, TABS

README = Path(__file__).parent.parent / "README.md"
_PLACE = re.compile(r"(<!-- keys -->\n).*?(<!-- /keys -->)", re.DOTALL)


def keys_table() -> str:
    """Return the actions that have a key, as a Markdown table in the order of their groups."""
    lines = ["| key | what it does | where |", "|---|---|---|"]
    for group in GROUPS:
        for action in (action for action in ACTIONS if action.group == group and action.keys):
            everywhere = len(action.screens) > len(TABS)
            where = "everywhere" if everywhere else ", ".join(action.screens)
            lines.append(f"| `{action.key_text}` | {action.description} | {where} |")
    return "\n".join(lines) + "\n"


def with_keys(text: str) -> str:
    """Return the README's text with the table between its two marks."""
    return _PLACE.sub(lambda place: place[1] + keys_table() + place[2], text)


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text()))
