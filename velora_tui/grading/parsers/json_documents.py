"""JSON documents in the middle of a log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from velora_tui.grading.log import Line

Document = tuple[int, int, dict[str, Any]]
"""Line and byte offset where the document starts, and its object."""


def json_documents(lines: Iterable[Line]) -> Iterator[Document | Line]:
    """Yield each JSON object of the log, and every line that is part of none.

    An object ends a line, or lies between a `{` and a `}` on lines of their own.
    """
    block: list[Line] = []
    for number, offset, text in lines:
        if len(block) == 1 and not text.lstrip().startswith('"'):
            yield from block  # the brace opened something else
            block = []
        if block:
            block.append((number, offset, text if text[:1] != "}" else "}"))
            if text[:1] == "}":
                yield from _decoded(block)
                block = []
        elif text[-1:] == "}" and '{"' in text:
            yield from _decoded([(number, offset, text)])
        elif text[-1:] == "{" and (text == "{" or text[-2:] == " {"):
            block = [(number, offset, text)]
        else:
            yield number, offset, text
    yield from block


def _decoded(block: list[Line]) -> Iterator[Document | Line]:
    number, offset, first = block[0]
    start = first.rfind("{") if len(block) > 1 else first.find('{"')
    source = "\n".join([first[start:], *(text for _, _, text in block[1:])])
    try:
        document = json.loads(source)
    except (ValueError, RecursionError):
        yield from block
        return
    if isinstance(document, dict):
        yield number, offset, document
