"""Why a test failed, found in the log of its run: the first line of its error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from velora_tui.domain.report import Status, TestResult
from velora_tui.view.text import clean_line, clean_text

LONGEST_ERROR_CHARACTERS = 300
_BLOCK = re.compile(r"_{3,} (?:ERROR at (?:setup|teardown) of )?(?P<name>\S.*?) _{3,}")
_ERROR = re.compile(r"E {2,}(?P<text>\S.*)")
_PLACE = re.compile(r"(?P<file>[^\s:]+):\d+: \S")
_SUMMARY = re.compile(r"(?:FAILED|ERROR) (?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Reason:
    """The first line of a test's error, and its number in the log (1-based)."""

    line: int
    text: str


@dataclass
class _Block:
    """What pytest prints of one failure below its underlined name."""

    name: str
    reason: Reason | None = None
    files: set[str] = field(default_factory=set)


def find_reasons(lines: Iterable[bytes], tests: Mapping[str, TestResult]) -> dict[str, Reason]:
    """Return by test name why those that failed did, as far as the log's `lines` tell. Linear in the log's length."""
    failed = {name: test for name, test in tests.items() if test.status in {Status.FAILED, Status.ERROR}}
    summaries: dict[str, Reason] = {}
    by_line = {test.evidence.line: name for name, test in failed.items() if test.evidence}
    blocks: dict[str, list[_Block]] = {}
    for block in _blocks(_noting_summaries(lines, by_line, summaries)):
        blocks.setdefault(block.name, []).append(block)
    reasons = {name: _reason_in(name, blocks.get(_underlined_name(name), [])) for name in failed}
    return {name: found for name in failed if (found := reasons[name] or summaries.get(name)) is not None}


def _noting_summaries(
    lines: Iterable[bytes], by_line: Mapping[int, str], summaries: dict[str, Reason]
) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines as text, and note what a test's line of evidence says behind its name."""
    for number, data in enumerate(lines, start=1):
        if not data or (data[0] not in b"_E \x1b" and number not in by_line and b": " not in data[:400]):
            continue
        text = clean_line(data[:4_000])
        name = by_line.get(number)
        if name is not None and (match := _SUMMARY.match(text)):
            message = match["rest"].removeprefix(clean_text(name)).removeprefix(" - ")
            if message and message != match["rest"]:
                summaries[name] = Reason(number, message[:LONGEST_ERROR_CHARACTERS])
        yield number, text


def _blocks(lines: Iterable[tuple[int, str]]) -> Iterator[_Block]:
    block: _Block | None = None
    for number, text in lines:
        if match := _BLOCK.fullmatch(text.rstrip()):
            if block is not None:
                yield block
            block = _Block(match["name"])
        elif block is None:
            continue
        elif block.reason is None and (match := _ERROR.match(text)):
            block.reason = Reason(number, match["text"][:LONGEST_ERROR_CHARACTERS])
        elif match := _PLACE.match(text):
            block.files.add(match["file"])
    if block is not None:
        yield block


def _underlined_name(name: str) -> str:
    """Return a pytest id as it stands over its failure: "tests/t.py::TestA::test_b[x::y]" is "TestA.test_b[x::y]"."""
    inner = name.partition("::")[2] or name
    before, bracket, parameters = clean_text(inner).partition("[")
    return before.replace("::", ".") + bracket + parameters


def _reason_in(name: str, blocks: list[_Block]) -> Reason | None:
    """Return the reason in the block of this test; of several with its name, in the one that mentions its file."""
    file = name.partition("::")[0]
    fitting = [block for block in blocks if block.reason and (len(blocks) == 1 or file in block.files)]
    return fitting[0].reason if fitting else None
