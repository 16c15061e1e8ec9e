"""Raw bytes of a log, turned into clean numbered lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, count, repeat
from operator import add

Line = tuple[int, int, str]
"""1-based number, byte offset of the line's start, text without terminal sequences or line end."""

BLOCK_BYTES = 1024 * 1024
LINE_LIMIT_BYTES = 8 * 1024 * 1024  # a longer line comes in pieces that share its number

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erase
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC: titles, hyperlinks
    r"|\x1b[PX^_][^\x1b\n]*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes, and what is left of cut ones
)
_CARRIAGE_RETURNS = re.compile(r"(?<!\r)\r+\n")
_CONTROL_BYTES = bytes({*range(32), 127} - {*b"\t\n\r\x07\x1b"})


class LogLines:
    """The lines of a log given as bytes or as chunks of bytes; memory is bounded by the longest line allowed.

    ANSI sequences and control characters are gone, CRLF is a plain line end, a lone carriage return ends a
    line too (under the same number), and bytes that are not UTF-8 are replaced.
    """

    def __init__(self, log: bytes | Iterable[bytes]) -> None:
        self._log = log
        self.terminated = True  # whether the last line read had its line end; False in a log cut in a line
        self.count = 0  # lines read

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines; who takes a line apart at once has it faster, as its tuple is then used again."""
        return chain.from_iterable(self._lines_by_block())

    def _lines_by_block(self) -> Iterator[Iterable[Line]]:
        """Yield the lines of each block; what is known of all lines so far is so once they have been taken."""
        number, offset = 1, 0
        for block in self._blocks():
            self.terminated = block.endswith(b"\n")
            text = clean(block)
            texts = text.split("\n")
            raw = texts if len(text) == len(block) and text.isascii() else block.split(b"\n")
            if self.terminated:
                texts.pop()
            offsets = map(add, accumulate(map(len, raw), initial=offset), count())
            lines = zip(count(number), offsets, texts, strict=False)
            yield _split_returns(lines) if b"\r" in block else lines
            number += len(texts) if self.terminated else len(texts) - 1
            offset += len(block)
            self.count = number - 1 if self.terminated else number

    def _blocks(self) -> Iterator[bytes]:
        """Yield whole lines, about a megabyte at a time; the last block may lack its line end."""
        pending: list[bytes] = []
        size = 0
        for chunk in _chunks(self._log):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield b"".join((*pending, chunk[:cut]))
                pending, size = [], 0
            elif size > LINE_LIMIT_BYTES:
                yield b"".join(pending)
                pending, size = [], 0
            if cut < len(chunk):
                pending.append(chunk[cut:])
                size += len(chunk) - cut
        if pending:
            yield b"".join(pending)


def clean(raw: bytes) -> str:
    """Return the text of `raw` without terminal sequences and control characters; CRLF becomes a line feed."""
    text = raw.translate(None, _CONTROL_BYTES).decode("utf-8", "replace")
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCE.sub("", text)
    if "\x07" in text:  # a bell ends an OSC sequence, so it goes after them
        text = text.replace("\x07", "")
    return _CARRIAGE_RETURNS.sub("\n", text) if "\r" in text else text


def _chunks(log: bytes | Iterable[bytes]) -> Iterator[bytes]:
    for part in (log,) if isinstance(log, bytes | bytearray | memoryview) else log:
        for start in range(0, len(part), BLOCK_BYTES):
            yield bytes(part[start : start + BLOCK_BYTES])


def _split_returns(lines: Iterable[Line]) -> Iterator[Line]:
    """Split lines at lone carriage returns, as progress bars print them."""
    for number, offset, text in lines:
        if "\r" not in text:
            yield number, offset, text
        else:
            yield from zip(repeat(number), repeat(offset), text.rstrip("\r").split("\r"))
