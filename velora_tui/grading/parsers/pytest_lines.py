"""The lines pytest's terminal reporter prints (_pytest/terminal.py of 7.0 to 9.2), and how ids are cut out of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from velora_tui.domain.report import Status

WORDS = {status.value: status for status in Status if status is not Status.MISSING}
CUTS_TRIED = 64  # a bound on where an id may end, so that no line takes more than linear time
ID_LIMIT = 20_000

Known = Callable[[str], bool]

_CLOSING = re.compile(
    r"(?:no tests (?:ran|collected)|\d+ [a-z ]+)(?:, \d+ [a-z ]+)* in [\d.]+ ?s\w*(?: \([\d:, a-z]+\))?"
)
_COUNT = re.compile(r"(\d{1,9}) ([a-z]+(?: [a-z]+)?)")
_PROGRESS = re.compile(r" *(?:\d+%|\d+/\d+|[\d.]+ ?(?:ns|us|μs|ms|s|m|h)(?: [\d.]+s)?)")
_DURATION = re.compile(r" +\d[\d.]*(?:ns|us|ms|s|m \d+s)$")
_WORKER = re.compile(r"\[gw\d+\](?: ?\[ *(?:\d+%|\d+/\d+)\])? (.*)", re.DOTALL)
_COLLECTED = re.compile(
    r"(?:collecting \.\.\. )?collected (\d{1,9}) items?\b|(?:\d+ workers?|gw\d+) \[(\d{1,9})(?: items?)?\]"
)
_SELECTED = re.compile(r" / (\d{1,9}) selected$")
_SHARE = re.compile(r"\[ *(\d{1,9})(?:%|/(\d{1,9}))\]$")
_WORKER_SHARE = re.compile(r"\[gw\d+\] ?\[ *(\d{1,9})(?:%|/(\d{1,9}))\] ")
_REASON = re.compile(r" (SKIPPED|XFAIL|XPASS|PASSED|FAILED|ERROR) \(")
_GLUED = re.compile(r"(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \([^()]{0,400}\))?$")
_DOTS = re.compile(r"(?:\S+ )?[.FEsxXuR,-]+ *\[ *(?:\d+%|\d+/\d+)\]|[.FEsxX]+")
_DOTS_ENDS = frozenset("].FEsxX")
_PATH = re.compile(r"(?!(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) )[^\s:][^:]{0,1000}\.\w{1,12}::")
_ERROR_AT = re.compile(r"ERROR at (?:setup|teardown) of ")
_SUBTEST_TAIL = re.compile(r" [\[(].*$")
_SUBTEST = re.compile(r"(?:^|\s)SUB(PASS|FAIL|SKIP|XFAIL|XPASS)(?:ED|PED)?\b")


class Closing(NamedTuple):
    """The counts of the last line, as in `2 failed, 3 passed, 1 warning in 0.05s`."""

    counts: dict[str, int]

    @property
    def tests(self) -> int:
        return sum(n for word, n in self.counts.items() if not word.startswith(("warning", "rerun", "subtest")))

    def accounts_for(self, collected: int, stopped: bool) -> bool:
        """Tell whether the counts can be those of a session that collected so many tests."""
        return self.counts.get("passed", 0) <= collected and (stopped or self.tests >= collected)


class Share(NamedTuple):
    """A number of tests and their total, or per cent and no total."""

    number: int
    total: int | None


def banner(text: str) -> str | None:
    """Return the title between two rows of `=`, or None."""
    if text[:1] == "=" == text[-1:]:
        title = text.strip("=")
        if title[:1] == " " == title[-1:]:
            return title[1:-1]
    return None


def heading(text: str, width: int) -> str | None:
    """Return the title between two rows of `_` or `-` that fill the width, or None."""
    if text[:1] in {"_", "-"} and text[:1] == text[-1:] and len(text) >= width - 1:
        title = text.strip(text[0])
        if title[:1] == " " == title[-1:]:
            return title[1:-1]
    return None


def heading_of(name: str) -> str:
    """Return what the heading of a test's section shows of its id: class and test, joined by a dot."""
    test, bracket, parameter = name.partition("::")[2].partition("[")
    return test.replace("::", ".") + bracket + parameter


def failed_test(title: str) -> tuple[str, Status]:
    """Return the test that a heading in ERRORS or FAILURES names; a subtest's adds its message and parameters."""
    if found := _ERROR_AT.match(title):
        return title[found.end() :], Status.ERROR
    return (title if title.endswith("]") else _SUBTEST_TAIL.sub("", title)), Status.FAILED


def closing(title: str) -> Closing | None:
    """Return the counts in the title of the last line, or None if it is none."""
    if len(title) > 400 or not _CLOSING.fullmatch(title):
        return None
    return Closing({word: int(number) for number, word in _COUNT.findall(title.rpartition(" in ")[0])})


def share(text: str) -> Share | None:
    """Return the share of the tests that a line says have run."""
    if text[-1:] == "]":
        found = _SHARE.search(text, max(0, len(text) - 20))
    else:
        found = _WORKER_SHARE.match(text) if text[:3] == "[gw" else None
    return Share(int(found[1]), int(found[2]) if found[2] else None) if found else None


def collected(text: str) -> tuple[int, int, bool] | None:
    """Return how many tests pytest collected and selected, and whether it says so for pytest-xdist's workers."""
    if len(text) > 400 or text[:1] not in {"c", "g", "1", "2", "3", "4", "5", "6", "7", "8", "9"}:
        return None
    found = _COLLECTED.match(text)
    if found is None:
        return None
    count, selected = int(found[1] or found[2]), _SELECTED.search(text)
    return count, int(selected[1]) if selected else count, found[1] is None


def is_dots(text: str) -> bool:
    """Tell whether the line is progress without names."""
    return text[-1:] in _DOTS_ENDS and _DOTS.fullmatch(text) is not None


def count_dots(text: str) -> int:
    """Return how many tests a line of progress without names stands for; a file's name may stand before it."""
    marks = text.partition("[")[0].rstrip(" ").rpartition(" ")[2]
    return len(marks) - marks.count(",") - marks.count("-") - marks.count("u") - marks.count("R")


def strip_progress(text: str) -> tuple[str, bool]:
    """Return the line without its `[ 10%]`, and whether it had one."""
    if text[-1:] == "]":
        start = text.rfind("[")
        if start > 0 and _PROGRESS.fullmatch(text, start + 1, len(text) - 1):
            return text[:start].rstrip(" "), True
    if text[-1:] == "s" and text[-2:-1] in "0123456789mun" and (found := _DURATION.search(text[-24:])):
        body = text[: len(text) - len(found[0])].rstrip(" ")
        if glued_status(body) or body.endswith(")"):
            return body, True
    return text, False


def worker_report(text: str) -> str | None:
    """Return what follows `[gw0] [ 10%] ` in a line of pytest-xdist, or None."""
    found = _WORKER.match(text)
    return found[1] if found else None


def subtest(text: str) -> str | None:
    """Return PASS, FAIL, SKIP … where the line reports a subtest, or None."""
    found = _SUBTEST.search(text) if "SUB" in text else None
    return found[1] if found else None


def after_subtest(text: str) -> str:
    """Return the part of a subtest's report that begins with the id of its test.

    pytest 9: `SUBFAILED[desc] (i=1) id - message`; pytest-subtests: `[desc] (i=1) SUBFAIL id - message`.
    """
    found = _SUBTEST.search(text)
    rest = text[found.end() :] if found else text
    for opening, end in (("[", "] "), ("(", ") ")):
        if rest.lstrip(" ").startswith(opening):
            rest = rest.partition(end)[2]
    return rest.lstrip(" ")


def glued_status(text: str) -> Status | None:
    """Return the status word at the end of a line, where output may stand right before it."""
    found = _GLUED.search(text[-420:])
    return WORDS[found[1]] if found else None


def starts_with_id(text: str) -> bool:
    """Tell whether the line begins as a node id does: a path with a suffix, then `::`."""
    return "::" in text and _PATH.match(text) is not None


def split_report(text: str, known: Known) -> tuple[str, Status] | None:
    """Split `id STATUS` or `id STATUS (reason)`; None where there is no status after the id."""
    name, _, word = text.rpartition(" ")
    if word in WORDS and name:
        return name, WORDS[word]
    cuts = [found.start() for found in _first(_REASON.finditer(text, 0, ID_LIMIT))]
    if not cuts:
        return None
    cut = pick(text, cuts, known)
    return text[:cut], WORDS[text[cut + 1 :].partition(" ")[0]]


def split_message(text: str, known: Known) -> str:
    """Return the id of `id - message`: the message begins at the first ` - ` after the id's closing bracket."""
    if known(text):
        return text
    cuts = _positions(text, " - ")
    return text[: pick(text, cuts, known)] if cuts else text


def split_reason(text: str, known: Known) -> str:
    """Return the id of `id - reason`, or of `id reason` as pytest before 8 writes it."""
    name = split_message(text, known)
    test = name.partition("::")[2]
    if known(name) or (" " not in test.partition("[")[0] and _complete(name)):
        return name
    return split_output(text, known)


def split_output(text: str, known: Known) -> str:
    """Return the id at the start of `id output`, the output being what the test printed."""
    exact = text.removesuffix(" ")
    if known(exact):
        return exact
    cuts = [*_positions(exact, " "), len(exact)]
    cut = pick(exact, cuts, known)
    if not known(exact[:cut]) and exact.endswith("]") and exact.count("[") < exact.count("]"):
        return exact  # such a surplus of closing brackets can only be the parameter's own
    return exact[:cut]


def pick(text: str, cuts: list[int], known: Known) -> int:
    """Return where the id ends: at a known name, else after the first complete id, else at the first cut."""
    for cut in cuts:
        if known(text[:cut]):
            return cut
    for cut in cuts:
        if _complete(text[:cut]):
            return cut
    return cuts[0]


def _complete(name: str) -> bool:
    """Tell whether `name` can be a whole id: no brackets, or brackets that are closed at its end."""
    _, separator, test = name.partition("::")
    if not separator:
        return False
    return "[" not in test or (test.endswith("]") and test.count("[") <= test.count("]"))


def _positions(text: str, separator: str) -> list[int]:
    found: list[int] = []
    position = text.find(separator, 0, ID_LIMIT)
    while position != -1 and len(found) < CUTS_TRIED:
        found.append(position)
        position = text.find(separator, position + 1, ID_LIMIT)
    return found


def _first(found: Iterable[re.Match[str]]) -> list[re.Match[str]]:
    return [match for match, _ in zip(found, range(CUTS_TRIED), strict=False)]
