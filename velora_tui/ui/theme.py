"""The themes. Every colour means something: see `Tone` in view/cells.py.

Beside Textual's own variables each theme sets `$run` `$good` `$bad` `$look` `$model` `$ours`, `$dim` `$faint` for what
is quieter than text, `$strong` for what is louder, `$line` for thin lines and `$current` for the current row.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

DEFAULT_THEME = "velora-dark"


def _theme(name: str, colours: Mapping[str, str], *, dark: bool) -> Theme:
    """Make a theme whose Textual colours are our meanings."""
    ansi = colours["ground"].startswith("ansi")
    return Theme(
        name=name,
        primary=colours["ours"],
        secondary=colours["run"],
        accent=colours["model"],
        success=colours["good"],
        warning=colours["look"],
        error=colours["bad"],
        foreground=colours["text"],
        background=colours["ground"],
        surface=colours["ground"],
        panel=colours["raised"],
        boost=colours["raised"],
        dark=dark,
        ansi=ansi,
        variables={
            **(BUILTIN_THEMES["ansi-dark"].variables if ansi else {}),
            **{key: colours[key] for key in ("run", "good", "bad", "look", "model", "ours")},
            **{key: colours[key] for key in ("strong", "dim", "faint", "line", "current", "raised")},
            "footer-key-foreground": colours["ours"],
            "input-selection-background": colours["current"],
            "border": colours["line"],
            "border-blurred": colours["line"],
            "block-cursor-background": colours["current"],
            "block-cursor-foreground": colours["strong"],
            "block-cursor-text-style": "none",
        },
    )


VELORA_DARK = _theme(
    "velora-dark",
    {
        "ground": "#10151c",
        "raised": "#171e27",
        "current": "#1b2733",
        "line": "#222e3e",
        "faint": "#3f4c5c",
        "dim": "#7b8a9c",
        "text": "#d5dde6",
        "strong": "#ffffff",
        "run": "#6cb6ff",
        "good": "#7fd88f",
        "bad": "#f47067",
        "look": "#e8ae3f",
        "model": "#c49bff",
        "ours": "#5ec4b6",
    },
    dark=True,
)

VELORA_LIGHT = _theme(
    "velora-light",
    {
        "ground": "#fbfbf9",
        "raised": "#f1f2f0",
        "current": "#e3ebee",
        "line": "#d3d8dc",
        "faint": "#b4bcc4",
        "dim": "#66717d",
        "text": "#27313b",
        "strong": "#000000",
        "run": "#0b61bd",
        "good": "#1a7434",
        "bad": "#bd2a24",
        "look": "#8a5a00",
        "model": "#7139b5",
        "ours": "#0a6f65",
    },
    dark=False,
)

ANSI = _theme(
    "ansi",
    {
        "ground": "ansi_default",
        "raised": "ansi_default",
        "current": "ansi_black",
        "line": "ansi_bright_black",
        "faint": "ansi_bright_black",
        "dim": "ansi_white",
        "text": "ansi_default",
        "strong": "ansi_bright_white",
        "run": "ansi_bright_blue",
        "good": "ansi_green",
        "bad": "ansi_red",
        "look": "ansi_yellow",
        "model": "ansi_magenta",
        "ours": "ansi_cyan",
    },
    dark=True,
)

THEMES: tuple[Theme, ...] = (VELORA_DARK, VELORA_LIGHT, ANSI)
