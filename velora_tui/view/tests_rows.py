"""A verdict as a tree of lines: what had to be fixed, what must not break, and all else the log shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from velora_tui.domain.report import ListVerdict, Status, TestResult, Verdict
from velora_tui.view.cells import Span, Tone
from velora_tui.view.failure_text import Reason
from velora_tui.view.lines import Line, heading
from velora_tui.view.text import count

MOST_PASSING_UNFOLDED = 5
MOST_MISSING_UNFOLDED = 12

GroupName = Literal["FAIL_TO_PASS", "PASS_TO_PASS", "NOT LISTED"]
_SIGNS: dict[Status, tuple[str, Tone]] = {
    Status.PASSED: ("✓", "good"),
    Status.XFAIL: ("✓", "look"),
    Status.XPASS: ("✓", "look"),
    Status.SKIPPED: ("–", "dim"),
    Status.MISSING: ("·", "look"),
    Status.FAILED: ("✗", "bad"),
    Status.ERROR: ("✗", "bad"),
}
_PLAIN = frozenset({Status.PASSED, Status.FAILED})


@dataclass(frozen=True)
class TreeView:
    """How the tree is looked at: only failures, only names with `query` in them, and which folds are open."""

    failed_only: bool = False
    query: str = ""
    unfolded: Collection[str] = frozenset()


@dataclass(frozen=True)
class _Group:
    name: GroupName
    failing: tuple[TestResult, ...]
    passing: tuple[TestResult, ...]


@dataclass
class _Painter:
    view: TreeView
    reasons: Mapping[str, Reason]
    folder: str
    flagged: Collection[str] = field(default_factory=frozenset)

    def group(self, group: _Group) -> Iterator[Line]:
        """Yield the failing tests one by one, the passing ones by file."""
        missing = [test for test in group.failing if test.status is Status.MISSING]
        folds_missing = len(missing) > MOST_MISSING_UNFOLDED and not self.view.query
        for test in group.failing:
            if not (folds_missing and test.status is Status.MISSING):
                yield from self.test(group.name, test)
        if folds_missing:
            yield from self.folded(group.name, "missing", missing)
        if self.view.failed_only:
            return
        if len(group.passing) <= MOST_PASSING_UNFOLDED or self.view.query:
            for test in group.passing:
                yield from self.test(group.name, test)
        else:
            yield from self.folded(group.name, "", group.passing)

    def folded(self, group: str, word: str, tests: Sequence[TestResult]) -> Iterator[Line]:
        """Yield a line a file, and below those that are unfolded their tests."""
        by_file: dict[str, list[TestResult]] = {}
        for test in tests:
            by_file.setdefault(file_of(test.name), []).append(test)
        for file, inside in by_file.items():
            key = f"fold:{group}:{word}:{file}"
            is_open = key in self.view.unfolded
            sign, tone = _SIGNS[inside[0].status]
            number = Span(f"  {count(len(inside))}{' ' if word else ''}{word}", "look" if word else "dim")
            left = (Span(f"  {sign} ", tone), Span(self.short(file) or "other tests"), number)
            yield Line(left, (Span("▾" if is_open else "▸", "faint"),), key)
            if is_open:
                for test in inside:
                    yield from self.test(group, test, indent=4)

    def test(self, group: str, test: TestResult, indent: int = 2) -> Iterator[Line]:
        """Yield a test with its status and line, and below it why it failed."""
        sign, tone = _SIGNS[test.status]
        words = [] if test.status in _PLAIN else [Span(f"  {test.status.lower()}", tone)]
        if test.name in self.flagged:
            words.append(Span(" !", "look"))
        if test.evidence is not None:
            words.append(Span(f"  line {count(test.evidence.line)}", "dim"))
        left = (Span(" " * indent + f"{sign} ", tone), Span(self.short(test.name)))
        yield Line(left, tuple(words), key=f"{group}:test:{test.name}")
        reason = self.reasons.get(test.name)
        if reason is not None and tone == "bad":
            yield Line((Span(" " * (indent + 4)), Span(reason.text, "bad")))

    def short(self, name: str) -> str:
        return name.removeprefix(self.folder)


def tree_lines(verdict: Verdict, view: TreeView, reasons: Mapping[str, Reason]) -> list[Line]:
    """Return the tree. Keys: "GROUP:test:NAME" for a test, "fold:…" for what enter folds and unfolds."""
    groups = _groups(verdict)
    folder = _common_folder([test.name for group in groups[:2] for test in (*group.failing, *group.passing)])
    flagged = frozenset(flag.test for flag in verdict.flags if flag.test)
    painter = _Painter(view, reasons, folder, flagged)
    lines: list[Line] = []
    if not verdict.gradeable:
        lines += [Line((Span(" ? ", "bad"), Span(f"no verdict: {verdict.reason}", "bad"))), Line()]
    for number, group in enumerate(groups):
        shown = _matching(group, view)
        if group.name == "NOT LISTED":
            lines += _others(group, shown, painter)
        else:
            lines += [_title(group, folder if not number else ""), *painter.group(shown), Line()]
    return lines


def name_of(key: str) -> str:
    """Return the name of the test that the line with this key is about, or nothing."""
    return "" if key.startswith("fold:") else key.partition(":test:")[2]


def failed_keys(lines: Sequence[Line], verdict: Verdict) -> list[str]:
    """Return the keys of the lines of listed tests that did not do what they should, in order."""
    failed = {*verdict.fail_to_pass.failure, *verdict.pass_to_pass.failure}
    listed = [line.key for line in lines if line.key.startswith(("FAIL_TO_PASS:", "PASS_TO_PASS:", "fold:"))]
    return [key for key in listed if name_of(key) in failed or ":missing:" in key]


def file_of(name: str) -> str:
    """Return the file, class or package a test's name begins with; empty where it has none."""
    file, colons, _ = name.partition("::")
    if colons:
        return file
    head, dot, _ = name.partition("[")[0].rpartition(".")
    return head if dot and " " not in head else ""


def fraction(succeeded: int, listed: int, *, is_fixing: bool) -> Span:
    """Return "2/3" in the tone it deserves; of what must be fixed, a part is worth a look."""
    tone: Tone = "good" if succeeded == listed else ("look" if succeeded or not is_fixing else "bad")
    return Span(f"{count(succeeded)}/{count(listed)}", tone if listed else "dim")


def _groups(verdict: Verdict) -> tuple[_Group, _Group, _Group]:
    listed = {
        *verdict.fail_to_pass.success,
        *verdict.fail_to_pass.failure,
        *verdict.pass_to_pass.success,
        *verdict.pass_to_pass.failure,
    }
    others = [test for name, test in verdict.tests.items() if name not in listed]
    bad = {Status.FAILED, Status.ERROR}
    return (
        _listed("FAIL_TO_PASS", verdict.fail_to_pass, verdict),
        _listed("PASS_TO_PASS", verdict.pass_to_pass, verdict),
        _Group(
            "NOT LISTED",
            tuple(test for test in others if test.status in bad),
            tuple(test for test in others if test.status not in bad),
        ),
    )


def _listed(name: GroupName, split: ListVerdict, verdict: Verdict) -> _Group:
    failing = [_test(verdict, test) for test in split.failure]
    failing.sort(key=lambda test: test.status is Status.MISSING)
    return _Group(name, tuple(failing), tuple(_test(verdict, test) for test in split.success))


def _test(verdict: Verdict, name: str) -> TestResult:
    return verdict.tests.get(name) or TestResult(name=name, status=Status.MISSING)


def _matching(group: _Group, view: TreeView) -> _Group:
    if not view.query:
        return group
    query = view.query.lower()
    failing = tuple(test for test in group.failing if query in test.name.lower())
    passing = tuple(test for test in group.passing if query in test.name.lower())
    return _Group(group.name, failing, passing)


def _title(group: _Group, folder: str) -> Line:
    succeeded, listed = len(group.passing), len(group.passing) + len(group.failing)
    numbers = (Span(" "), fraction(succeeded, listed, is_fixing=group.name == "FAIL_TO_PASS"))
    nothing = () if listed else (Span("  the task lists none", "dim"),)
    return heading(group.name, *numbers, *nothing, right=(Span(f"in {folder}", "dim"),) if folder else ())


def _others(group: _Group, shown: _Group, painter: _Painter) -> list[Line]:
    """Return the tests of the log that the task does not list: folded, for they do not count."""
    if not group.failing and not group.passing:
        return []
    key = "fold:NOT LISTED"
    is_open = key in painter.view.unfolded or bool(painter.view.query)
    numbers = Span(f" {count(len(group.passing))} passed or skipped · {count(len(group.failing))} failed", "dim")
    title = heading("NOT LISTED", numbers, right=(Span("▾" if is_open else "▸", "faint"),), key=key)
    return [title, *(painter.group(shown) if is_open else ()), Line()]


def _common_folder(names: Sequence[str]) -> str:
    """Return the folder all test files lie in, with its slash, so that it is said once and not on every line."""
    folders = [file_of(name).rpartition("/")[0].split("/") for name in names if "::" in name]
    if not folders or len(folders) != len(names):
        return ""
    first, last = min(folders), max(folders)
    same = first[: _same_length(first, last)]
    return "/".join(same) + "/" if any(same) else ""


def _same_length(first: Sequence[str], last: Sequence[str]) -> int:
    pairs = zip(first, last, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(last)))
