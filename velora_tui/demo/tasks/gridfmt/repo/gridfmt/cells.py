"""One cell: its text, cut and padded to a width in terminal columns."""

ELLIPSIS = "\u2026"


def text_of(value):
    """Return what a cell shows for `value`."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def clip(text, width):
    """Return `text`, cut to `width` columns; an ellipsis stands for what was cut."""
    if width < 1:
        raise ValueError("width must be at least 1")
    if len(text) <= width:
        return text
    return text[: width - 1] + ELLIPSIS


def pad(text, width, align="left"):
    """Return `text` filled up with blanks to `width` columns."""
    blanks = " " * (width - len(text))
    if align == "left":
        return text + blanks
    if align == "right":
        return blanks + text
    raise ValueError(f"unknown alignment: {align!r}")
