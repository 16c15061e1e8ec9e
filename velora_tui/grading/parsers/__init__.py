"""The parsers, found by the names datasets use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from velora_tui.errors import UnknownName
from velora_tui.garbage import collection_held
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, ParsedLog
from velora_tui.grading.parsers import (
    cargo,
    ctest,
    go,
    googletest,
    gradle,
    jest,
    junit_console,
    junit_xml,
    minitest,
    mocha,
    node_spec,
    phpunit,
    pytest,
    pytest_json,
    rspec,
    surefire,
    tap,
    unittest,
    vitest,
)


@dataclass(frozen=True)
class Parser:
    """A parser and the habits of the datasets made with it.

    `parse` never raises and takes linear time. `cut_at_blank` says that old tools cut this framework's ids at
    the first blank.
    """

    name: str
    parse: Callable[[LogLines, Listed], ParsedLog]
    cut_at_blank: bool = False

    def read(self, log: LogLines, listed: Listed) -> ParsedLog:
        """Return the tests of `log`; `listed` are the names the task lists."""
        with collection_held():
            parsed = self.parse(log, listed)
        if not log.terminated:
            parsed.drop_line(log.count)
        return parsed


_PARSERS = {
    "python/parse_log_pytest": pytest.parse,
    "python/parse_log_pytest_v2": pytest.parse,
    "python/parse_log_pytest_v3": pytest.parse,
    "python/parse_log_pytest_options": pytest.parse_options,
    "python/parse_log_unittest": unittest.parse,
    "python/parse_log_django": unittest.parse,
    "go/parse_log_gotest": go.parse,
    "go/parse_log_gotest_json": go.parse_json,
    "rust/parse_log_cargo_test": cargo.parse,
    "javascript/parse_log_jest": jest.parse,
    "javascript/parse_log_jest_json": jest.parse_json,
    "javascript/parse_log_vitest": vitest.parse,
    "javascript/parse_log_tap": tap.parse,
    "javascript/parse_log_mocha": mocha.parse,
    "javascript/parse_log_mocha_json": mocha.parse_json,
    "javascript/parse_log_node_spec": node_spec.parse,
    "ruby/parse_log_minitest": minitest.parse,
    "parsers/ruby_minitest_parser.py": minitest.parse,
    "ruby/parse_log_rspec": rspec.parse,
    "php/parse_log_phpunit": phpunit.parse,
    "cpp/parse_log_googletest": googletest.parse,
    "cpp/parse_log_ctest": ctest.parse,
    "java/parse_log_junit_console": junit_console.parse,
    "java/parse_log_maven": surefire.parse,
    "java/parse_log_gradle": gradle.parse,
    "reports/parse_junit_xml": junit_xml.parse,
    "reports/parse_pytest_json_report": pytest_json.parse,
}
_CUT_AT_BLANK = frozenset({"python/parse_log_unittest", "python/parse_log_django", "php/parse_log_phpunit"})

PARSERS = {name: Parser(name, parse, name in _CUT_AT_BLANK) for name, parse in _PARSERS.items()}
_LIKE = 0.65
_NAMED = 5
_BY_LAST_PART = {name.rpartition("/")[2]: parser for name, parser in PARSERS.items()}


def find_parser(name: str) -> Parser:
    """Return the parser of that name; the last part of a name alone works too. Raises UnknownName."""
    parser = PARSERS.get(name) or _BY_LAST_PART.get(name)
    if parser is None:
        near = _near(name)
        meant = f"did you mean {', '.join(near)}? " if near else ""
        raise UnknownName(f"unknown parser {name!r}", hint=f"{meant}`velora grade --help` lists all parsers")
    return parser


def _near(name: str) -> list[str]:
    """Return the parsers whose framework `name` seems to mean, the likeliest first."""
    wanted = _framework(name)
    if not wanted:
        return []
    likeness = {known: SequenceMatcher(None, wanted, _framework(known)).ratio() for known in PARSERS}
    named = [known for known in PARSERS if f"_{wanted}" in f"_{_framework(known)}"]
    near = named or [known for known in PARSERS if likeness[known] >= _LIKE]
    return sorted(near, key=lambda known: -likeness[known])[:_NAMED]


def _framework(name: str) -> str:
    """Return what is left of a parser's name without the words that all of them have: "pytest_v3"."""
    last = name.lower().replace("\\", "/").rpartition("/")[2].removesuffix(".py").removesuffix("_parser")
    return last.removeprefix("parse_").removeprefix("log_")


def report_parser(report: bytes) -> Parser:
    """Return the parser of a machine-readable report, told by how it begins."""
    is_json = report.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    return PARSERS["reports/parse_pytest_json_report" if is_json else "reports/parse_junit_xml"]
