"""The Test Anything Protocol, versions 12 to 14, with nested subtests as node:test, tap and Vitest write them.

Source of the format: testanything.org, and lib/internal/test_runner/reporter/tap.js of Node.js 18 to 26.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog
from velora_tui.grading.parsers.titles import TitleBook

_RESULT = re.compile(r"( *)(not )?ok\b(?: (\d{1,9}))?(?: -)?(?: (.*))?$")
_SUBTEST = re.compile(r"( *)# Subtest: ?(.*)$")
_DIRECTIVE = re.compile(r"(?<!\\)#\s*(SKIP|TODO|EXPECTED FAILURE)\b(.*)$", re.IGNORECASE)
_OPENS = " {"
_COMMENTED = re.compile(r" # (?:time=[\d.]+ ?m?s|SKIP|TODO) \{$")  # how Vitest opens a suite
_TIME = re.compile(r" # time=[\d.]+ ?m?s$")
_GLUED = re.compile(r"(?:not )?ok (\d{1,9})\b")
_ESCAPE = re.compile(r"\\([\\#])")


@dataclass
class _Reader:
    book: TitleBook
    parents: list[tuple[int, str]] = field(default_factory=list)  # indent of the children, title
    announced: list[tuple[int, str]] = field(default_factory=list)  # `# Subtest:` lines whose result is to come
    diagnostic: int | None = None  # the indent of an open YAML block
    subtests: bool = False  # some are announced, as node:test and tap do
    vitest: bool = False  # subtests stand between braces, after their parent's line
    last: int = 0  # the number of the last test point that is no subtest's
    bailed: str | None = None

    def feed(self, number: int, offset: int, text: str) -> None:
        stripped = text.lstrip(" ")
        indent = len(text) - len(stripped)
        if self.diagnostic is not None:
            if stripped == "..." and indent <= self.diagnostic:
                self.diagnostic = None
            elif indent >= self.diagnostic or not stripped:
                return
            else:
                self.diagnostic = None
        if stripped == "---":
            self.diagnostic = indent
        elif stripped == "}":
            self._leave(indent)
        elif stripped.startswith("# Subtest:") and (found := _SUBTEST.match(text)):
            self._announce(indent, found[2])
        elif stripped.startswith(("ok", "not ok")) and (found := _RESULT.match(text)):
            self._result(indent, found, number, offset)
        elif (start := self._glued_start(text)) >= 0 and (found := _RESULT.match(text, start)):
            self._result(0, found, number, offset)
        elif text.startswith("Bail out!"):
            self.bailed = text[:200]

    def _glued_start(self, text: str) -> int:
        """Return where the next test point stands behind output without a line end, or -1."""
        found = _GLUED.search(text) if self.last and "ok " in text and text[:1] not in "# " else None
        return found.start() if found and int(found[1]) == self.last + 1 else -1

    def _leave(self, indent: int) -> None:
        while self.parents and self.parents[-1][0] > indent:
            self.parents.pop()

    def _announce(self, indent: int, title: str) -> None:
        self.subtests = True
        while self.announced and self.announced[-1][0] >= indent:
            self.announced.pop()
        self.announced.append((indent, _unescape(title, of_node=True)))

    def _result(self, indent: int, found: re.Match[str], number: int, offset: int) -> None:
        if self.last and not found[3]:
            return  # the test points are numbered: output
        text = found[4] or ""
        self.last = int(found[3] or 0) if indent == 0 else self.last
        opens = text.endswith(_OPENS) and _COMMENTED.search(text[-200:]) is not None
        text = text.removesuffix(_OPENS) if opens else text
        timed = _TIME.search(text[-40:])
        self.vitest = self.vitest or opens or (timed is not None and not self.subtests)
        text = text[: len(text) - len(timed[0])] if timed else text
        directive = _DIRECTIVE.search(text)
        title = _unescape(text[: directive.start()].rstrip(" ") if directive else text, bool(self.announced))
        status = _status(not found[2], directive[1].upper() if directive else "", self.vitest)
        self._leave(indent)
        above = self.parents if self.vitest else [entry for entry in self.announced if entry[0] < indent]
        parents = tuple(name for _, name in above if name)
        if not opens:
            seen = Observation(status, number, offset, "tap")
            self.book.add((*parents, title or found[3] or ""), seen)
            if not parents and found[3] and not found[0][found.end(3) - found.start() :].startswith(" -"):
                self.book.spell_whole(title, seen, without="#")  # Mocha's, which drops what TAP means by it
        else:
            self.parents.append((indent + 1, title))


def _status(ok: bool, directive: str, not_run: bool) -> Status:
    """Return the status; a TODO that fails is expected to. Vitest's TODOs have no body to run."""
    if directive == "SKIP" or (directive == "TODO" and not_run):
        return Status.SKIPPED
    if directive == "EXPECTED FAILURE":
        return Status.XFAIL if ok else Status.FAILED
    if directive == "TODO":
        return Status.XPASS if ok else Status.XFAIL
    return Status.PASSED if ok else Status.FAILED


def _unescape(title: str, of_node: bool) -> str:
    """Undo the escapes; node writes a line end as a backslash and an n, and escapes that backslash too."""
    title = _ESCAPE.sub(r"\1", title)
    return title.replace("\\n", "\n") if of_node else title


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the test points of a TAP log; subtests are named by their parents' titles and their own."""
    reader = _Reader(TitleBook(listed))
    for line in log:
        reader.feed(*line)
    parsed = reader.book.parsed
    if reader.bailed is not None:
        parsed.flag("interrupted", reader.bailed)
        if not parsed.results:
            parsed.died = reader.bailed
    return parsed
