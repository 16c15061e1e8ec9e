"""Fields that went through a spreadsheet, which keeps so many characters of a cell and drops the rest silently."""

from __future__ import annotations

SPREADSHEET_LIMIT = 32_767


def is_cut(value: object) -> bool:
    """Tell whether a field is exactly as long as what a spreadsheet keeps of it."""
    return isinstance(value, str) and len(value) == SPREADSHEET_LIMIT
