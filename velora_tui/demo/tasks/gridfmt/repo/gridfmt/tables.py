"""Rows into lines."""

from gridfmt.cells import clip, pad, text_of


def table(rows, headers=None, max_width=None):
    """Return the rows as lines of text, columns aligned; cells are cut to `max_width` columns."""
    rows = [list(row) for row in rows]
    columns = max((len(row) for row in rows), default=0)
    if headers is not None:
        columns = max(columns, len(headers))
    if not columns:
        return ""
    body = [[_cell(row, column, max_width) for column in range(columns)] for row in rows]
    aligns = [_align(rows, column) for column in range(columns)]
    head = [_cell(headers, column, max_width) for column in range(columns)] if headers is not None else None
    shown = body if head is None else [head, *body]
    widths = [max(len(line[column]) for line in shown) for column in range(columns)]
    lines = [_line(cells, widths, aligns) for cells in body]
    if head is not None:
        lines = [_line(head, widths, aligns), "-+-".join("-" * width for width in widths), *lines]
    return "\n".join(line.rstrip() for line in lines)


def _cell(row, column, max_width):
    text = text_of(row[column]) if column < len(row) else ""
    return clip(text, max_width) if max_width is not None else text


def _align(rows, column):
    values = [row[column] for row in rows if column < len(row) and row[column] is not None]
    numbers = values and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return "right" if numbers else "left"


def _line(cells, widths, aligns):
    padded = (pad(cell, width, align) for cell, width, align in zip(cells, widths, aligns))
    return " | ".join(padded)
