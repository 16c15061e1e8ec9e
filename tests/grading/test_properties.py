"""No input makes a parser raise or take more than linear time; the order of a summary does not matter."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from velora_tui.domain.report import Status
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsers import PARSERS, find_parser

PIECES = [
    "PASSED ",
    "FAILED ",
    "SKIPPED [1] ",
    "XFAIL ",
    "ERROR ",
    "a.py::t[x y] - z",
    "a.py::T::t ",
    " [ 10%]",
    "[gw0] ",
    "::",
    "=" * 30 + " short test summary info " + "=" * 25,
    "=" * 29 + " test session starts " + "=" * 30,
    "=" * 70,
    "= 1 passed in 0.1s =",
    "collected 2 items",
    "_" * 36 + " test_x " + "_" * 36,
    "SUBFAILED[m] (i=1) ",
    "test_x (m.C.test_x)",
    " ... ",
    "ok",
    "FAIL: test_x (m.C)",
    "Ran 1 test in 0.1s",
    "=== RUN   TestX",
    "--- PASS: TestX (0.00s)",
    "ok  \tpkg\t0.1s",
    '{"Action":"pass","Package":"p","Test":"T"}',
    "running 2 tests",
    "test a::b ... ok",
    "failures:",
    "    a::b",
    "test result: ok. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
    "PASS a.test.js",
    "  ✓ does x (5 ms)",
    "  ● a › b",
    "not ok 2 - x # TODO",
    "# Subtest: x",
    "    ---",
    "    ...",
    "1..2",
    "  1) x",
    "  1) ",
    "  1 passing (3ms)",
    "    a: ",
    "⎯⎯ Failed Tests 1 ⎯⎯",
    "⎯⎯[1/1]⎯",
    " FAIL  a.test.js > x",
    " ❯ a.test.js (2 tests | 1 failed) 3ms",
    "       ✓ x 1ms",
    " RUN  v4.1.0 /a",
    "  2 passing (3ms)",
    "  1 failing",
    "✔ x (1ms)",
    "▶ suite",
    "✖ failing tests:",
    "C#test_x = 0.00 s = .",
    "  1) Failure:",
    "Failed examples:",
    "rspec a:1 # Outer x",
    "Outer",
    "  works (FAILED - 1)",
    "1 example, 0 failures",
    " ✔ Get u r l",
    "Foo (A\\Foo)",
    "There was 1 error:",
    "1) A::testX",
    "[ RUN      ] A.B",
    "[       OK ] A.B (0 ms)",
    "[  FAILED  ] A.B, where x",
    "[==========] 1 test from 1 test suite ran.",
    "      Start 1: x",
    "1/2 Test #1: x ...   Passed    0.01 sec",
    "├─ JUnit Jupiter ✔",
    "│  ├─ x() ✘ no",
    "Failures (1):",
    "[INFO] Running a.B",
    "Tests run: 1, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0 s - in a.B",
    "a.B > x PASSED",
    "<testsuite>",
    '<testcase name="x" classname="y"/>',
    "</testsuite>",
    "\x1b[31m",
    "\r",
    "\t",
    "é",
    " ",
    "x",
    "(",
    ")",
    "[",
    "]",
    " - ",
    "{",
    "}",
    '"tests": [',
]
lines = st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), max_size=30).map("\n".join)


@pytest.mark.parametrize("name", PARSERS)
@given(text=lines | st.text(max_size=200), tail=st.binary(max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_input_makes_a_parser_raise(name: str, text: str, tail: bytes) -> None:
    task = Task(
        instance_id="t",
        repo="o/n",
        base_commit="c",
        fail_to_pass=("a.py::t[x",),
        pass_to_pass=("A::testX", "x", "Outer x"),
    )

    verdict = grade(task, text.encode("utf-8", "surrogatepass") + tail, parser=name)

    assert set(verdict.tests) >= {"a.py::t[x", "A::testX", "x", "Outer x"}
    assert not (verdict.resolved and verdict.fail_to_pass.failure)


CLOSINGS = [
    "OK (1 test, 1 assertion)",
    "Tests: 1, Assertions: 1, Failures: 1.",
    "1 runs, 1 assertions, 0 failures, 0 errors, 0 skips",
    "1 examples, 1 failures",
    "[         1 tests found           ]",
    "100% tests passed, 0 tests failed out of 1",
    "==== 1 failed, 1 passed in 0.1s ====",
]


@pytest.mark.parametrize("name", PARSERS)
def test_no_number_is_too_long(name: str) -> None:
    """Python refuses to read numbers of more than 4,300 digits; a test may print one."""
    lines = [re.sub(r"\d", "1" * 4301, line) for line in (*PIECES, *CLOSINGS)]

    parsed = find_parser(name).read(LogLines("\n".join(lines).encode()), frozenset({"never printed"}))

    assert "never printed" not in parsed.results


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "piece", [" - ", "= ", " (", "[x] ", "a.py::", " > ", " ... ", "test ", "\x1b[", "  ", "1", "x (y) "]
)
def test_long_lines_take_linear_time(name: str, piece: str) -> None:
    task = Task(instance_id="t", repo="o/n", base_commit="c", fail_to_pass=("x",))
    head = ("=" * 29 + " test session starts " + "=" * 30 + "\nPASS a.test.js\na.py::t[" + piece).encode()
    line = piece.encode() * 150_000

    started = time.process_time()
    grade(task, head + line + b"\nFAILED a.py::t[" + line + b"\nok 1 - " + line + b"\n", parser=name)

    assert time.process_time() - started < 6


ids = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\x85\xad"),
    max_size=12,
)


@given(st.lists(ids, min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_any_parameter_is_an_id_and_the_order_does_not_matter(parameters: list[str], random: object) -> None:
    names = [f"tests/test_a.py::test_x[{parameter}]" for parameter in parameters]
    entries = [f"FAILED {name} - no [x] - y" if number % 2 else f"PASSED {name}" for number, name in enumerate(names)]
    shuffled = sorted(entries, key=lambda _: random.random())  # type: ignore[attr-defined]
    task = Task(instance_id="t", repo="o/n", base_commit="c", pass_to_pass=tuple(names))
    failed = sum(entry.startswith("FAILED") for entry in entries)
    head = "=" * 27 + " short test summary info " + "=" * 28
    end = f"= {failed} failed, {len(entries) - failed} passed in 0.1s ="

    verdict = grade(task, "\n".join([head, *shuffled, end, ""]).encode())

    expected = [Status.FAILED if number % 2 else Status.PASSED for number in range(len(names))]
    assert [verdict.tests[name].status for name in names] == expected
