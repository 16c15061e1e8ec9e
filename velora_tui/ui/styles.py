"""Where the style sheets lie: inside the wheel, or at the top of a source checkout."""

from __future__ import annotations

from pathlib import Path, PurePath

import velora_tui


def styles_folder() -> Path:
    """Return the folder of the style sheets."""
    package = Path(velora_tui.__file__).parent
    packaged = package / "styles"
    return packaged if packaged.is_dir() else package.parent / "styles"


def style_sheets() -> list[str | PurePath]:
    """Return every style sheet, `base.tcss` first."""
    sheets = sorted(styles_folder().glob("*.tcss"), key=lambda path: (path.stem != "base", path.stem))
    return list(sheets)
