"""The rules of grading, on small logs."""

from __future__ import annotations

import time

import pytest

from velora_tui.domain.report import Outcome, Status, Verdict
from velora_tui.domain.task import Task
from velora_tui.errors import UnknownName
from velora_tui.grading.grade import grade
from velora_tui.grading.parsers import PARSERS, find_parser

NAMES = [
    "python/parse_log_pytest_v3",
    "python/parse_log_pytest",
    "python/parse_log_pytest_v2",
    "python/parse_log_pytest_options",
    "python/parse_log_unittest",
    "python/parse_log_django",
    "php/parse_log_phpunit",
    "ruby/parse_log_minitest",
    "parsers/ruby_minitest_parser.py",
    "ruby/parse_log_rspec",
    "go/parse_log_gotest",
    "go/parse_log_gotest_json",
    "rust/parse_log_cargo_test",
    "javascript/parse_log_jest",
    "javascript/parse_log_jest_json",
    "javascript/parse_log_vitest",
    "javascript/parse_log_mocha",
    "javascript/parse_log_mocha_json",
    "javascript/parse_log_tap",
    "javascript/parse_log_node_spec",
    "java/parse_log_junit_console",
    "java/parse_log_maven",
    "java/parse_log_gradle",
    "cpp/parse_log_googletest",
    "cpp/parse_log_ctest",
]


def task(f2p: tuple[str, ...] = (), p2p: tuple[str, ...] = (), parser: str = "python/parse_log_pytest_v3") -> Task:
    return Task(
        instance_id="t-1",
        repo="owner/name",
        base_commit="abc",
        fail_to_pass=f2p,
        pass_to_pass=p2p,
        test_output_parser=parser,
    )


def summary(*lines: str) -> bytes:
    head = "=" * 27 + " short test summary info " + "=" * 28
    return "\n".join([head, *lines, "=" * 30 + " 9 passed in 0.10s " + "=" * 30, ""]).encode()


def flag_ids(verdict: Verdict) -> set[str]:
    return {flag.id for flag in verdict.flags}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_datasets_has_a_parser(name: str) -> None:
    assert find_parser(name).name == name
    assert find_parser(name.rpartition("/")[2]).parse is PARSERS[name].parse


def test_an_unknown_parser_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(UnknownName) as error:
        grade(task(parser="python/parse_log_pytset"), b"")

    assert "parse_log_pytest" in error.value.explain()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("parsers/pytest_parser.py", "did you mean python/parse_log_pytest, python/parse_log_pytest_v2"),
        ("go_test", "did you mean go/parse_log_gotest, "),
        ("js/parse_log_jest", "did you mean javascript/parse_log_jest, javascript/parse_log_jest_json? `velora"),
        ("nose", "`velora grade --help` lists all parsers"),
        ("parse_log_", "`velora grade --help` lists all parsers"),
    ],
)
def test_an_unknown_parser_is_known_by_the_framework_in_its_name(name: str, first: str) -> None:
    with pytest.raises(UnknownName) as error:
        find_parser(name)

    assert str(error.value.hint).startswith(first)


def test_resolved_needs_every_listed_test() -> None:
    log = summary("PASSED a.py::one", "PASSED a.py::two", "FAILED a.py::three - no")

    assert grade(task(("a.py::one",), ("a.py::two",)), log).outcome is Outcome.RESOLVED
    assert grade(task(("a.py::one",), ("a.py::three",)), log).outcome is Outcome.UNRESOLVED
    assert grade(task(("a.py::one", "a.py::absent")), log).outcome is Outcome.UNRESOLVED


def test_a_test_that_is_not_in_the_log_is_missing() -> None:
    verdict = grade(task(("a.py::test_total",)), summary("PASSED a.py::test_total_counts_once"))

    assert verdict.tests["a.py::test_total"].status is Status.MISSING
    assert verdict.fail_to_pass.failure == ("a.py::test_total",)


def test_without_fail_to_pass_nothing_is_resolved() -> None:
    verdict = grade(task((), ("a.py::one",)), summary("PASSED a.py::one"))

    assert verdict.resolved is False
    assert "no-fail-to-pass" in flag_ids(verdict)


@pytest.mark.parametrize("log", [b"", b"bash: line 1: cd: /app/repo: No such file or directory\n", b"\x00\xff" * 100])
def test_a_log_without_tests_is_not_graded(log: bytes) -> None:
    verdict = grade(task(("a.py::one",)), log)

    assert verdict.outcome is Outcome.EVAL_ERROR
    assert verdict.reason


@pytest.mark.parametrize(
    ("line", "f2p", "p2p", "flag"),
    [
        ("XFAIL a.py::t - why", True, True, "xfail-counts-as-success"),
        ("XPASS a.py::t - why", True, True, "xpass-counts-as-success"),
        ("ERROR a.py::t - why", False, False, None),
        ("FAILED a.py::t - why", False, False, None),
    ],
)
def test_what_counts_as_success(line: str, f2p: bool, p2p: bool, flag: str | None) -> None:
    log = summary("PASSED a.py::ok", line)
    fixed, kept = grade(task(("a.py::t",)), log), grade(task(("a.py::ok",), ("a.py::t",)), log)

    assert (fixed.resolved, kept.resolved) == (f2p, p2p)
    assert flag is None or flag in flag_ids(fixed)


def test_a_skipped_test_has_not_been_fixed_but_is_not_broken() -> None:
    log = b"=== test session starts ===\na.py::ok PASSED [ 50%]\na.py::t SKIPPED (why) [100%]\n"
    fixed, kept = grade(task(("a.py::t",)), log), grade(task(("a.py::ok",), ("a.py::t",)), log)

    assert (fixed.resolved, kept.resolved) == (False, True)
    assert "skipped-counts-as-success" in flag_ids(kept)


def test_the_worst_of_several_statuses_counts_and_is_flagged() -> None:
    log = (
        b"=== test session starts ===\na.py::t PASSED [ 50%]\na.py::t ERROR [ 50%]\n=== 1 passed, 1 error in 0.1s ===\n"
    )

    verdict = grade(task(("a.py::t",)), log)

    assert verdict.tests["a.py::t"].status is Status.ERROR
    assert "duplicate" in flag_ids(verdict)


def test_an_id_cut_in_its_brackets_matches_when_all_candidates_agree() -> None:
    agreeing = summary("PASSED a.py::t[a b]", "PASSED a.py::t[a c]")
    quarrelling = summary("PASSED a.py::t[a b]", "FAILED a.py::t[a c] - no")

    verdict = grade(task(("a.py::t[a",)), agreeing)
    assert verdict.resolved
    assert "normalised:cut-in-brackets" in flag_ids(verdict)
    assert grade(task(("a.py::t[a",)), quarrelling).tests["a.py::t[a"].status is Status.MISSING


def test_a_normalisation_never_makes_two_listed_tests_the_same() -> None:
    log = summary("PASSED a.py::t[a b]")

    both_cut = grade(task(("a.py::t[a",), ("a.py::t[",)), log)
    exact_and_cut = grade(task(("a.py::t[a b]",), ("a.py::t[a",)), log)

    assert both_cut.fail_to_pass.failure == ("a.py::t[a",)
    assert both_cut.pass_to_pass.failure == ("a.py::t[",)
    assert exact_and_cut.fail_to_pass.success == ("a.py::t[a b]",)
    assert exact_and_cut.pass_to_pass.failure == ("a.py::t[a",)


def test_a_docstring_title_leads_to_its_test() -> None:
    log = b"test_x (mod.Case.test_x)\nAdds two numbers ... ok\n\n" + b"-" * 70 + b"\nRan 1 test in 0.001s\n\nOK\n"

    verdict = grade(task(("Adds two numbers", "test_x (mod.Case)"), parser="parse_log_unittest"), log)

    assert verdict.tests["Adds two numbers"].status is Status.MISSING  # both stand for one test: neither is believed
    single = grade(task(("Adds two numbers",), parser="parse_log_unittest"), log)
    assert single.resolved
    assert "normalised:alias" in flag_ids(single)


def test_go_tests_of_one_name_are_told_apart_by_their_package() -> None:
    log = (
        b"=== RUN   TestSame\n--- PASS: TestSame (0.00s)\nPASS\nok  \tx/a\t0.01s\n"
        b"=== RUN   TestSame\n--- FAIL: TestSame (0.00s)\nFAIL\nFAIL\tx/b\t0.01s\n"
    )
    verdict = grade(task(("x/a/TestSame",), ("x/b/TestSame", "TestSame"), parser="parse_log_gotest"), log)

    assert verdict.fail_to_pass.success == ("x/a/TestSame",)
    assert verdict.pass_to_pass.failure == ("x/b/TestSame", "TestSame")


def test_the_exit_status_is_compared_with_the_results() -> None:
    failing, passing = summary("FAILED a.py::t - no"), summary("PASSED a.py::t")

    assert "exit-zero-with-failures" in flag_ids(grade(task(), failing, exit_status=0))
    assert "exit-nonzero-without-failures" in flag_ids(grade(task(), passing, exit_status=1))
    assert not flag_ids(grade(task(("a.py::t",)), passing, exit_status=0))


def test_a_report_counts_before_the_log() -> None:
    case = b'<testcase classname="a" name="t"><failure/></testcase>'
    report = b'<testsuites><testsuite name="s">' + case + b"</testsuite></testsuites>"

    verdict = grade(task(("a.py::t",)), summary("PASSED a.py::t"), report=report)

    assert verdict.tests["a.py::t"].status is Status.FAILED
    assert not verdict.resolved


@pytest.mark.parametrize("report", [b"", b"{", b"<testsuites>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites/>"])
def test_a_broken_report_leaves_the_log(report: bytes) -> None:
    assert grade(task(("a.py::t",)), summary("PASSED a.py::t"), report=report).resolved


def test_captured_output_is_not_believed() -> None:
    """A failing test prints a whole pytest session in which it passes; the log ends before the real summary."""
    rule = "=" * 26
    log = "\n".join(
        [
            "=" * 29 + " test session starts " + "=" * 30,
            "collected 2 items",
            "",
            "a.py FF                                                            [100%]",
            "",
            "=" * 35 + " FAILURES " + "=" * 35,
            "_" * 37 + " liar " + "_" * 37,
            "----------------------------- Captured stdout call -----------------------------",
            f"{rule} short test summary info {rule}===",
            "PASSED a.py::liar",
            "=" * 30 + " 1 passed in 0.01s " + "=" * 31,
            "_" * 37 + " next " + "_" * 37,
            "cut",
        ]
    ).encode()

    assert "a.py::liar" not in {name for name, r in grade(task(), log).tests.items() if r.status is Status.PASSED}


def test_a_hundred_thousand_tests_are_graded_in_seconds() -> None:
    names = tuple(f"tests/test_many.py::test_case[{number} - x]" for number in range(100_000))
    log = summary(*(f"PASSED {name}" for name in names))

    started = time.process_time()
    verdict = grade(task(names[:10], names[10:]), log)

    assert verdict.resolved
    assert time.process_time() - started < 15


def test_a_passed_jest_title_may_begin_as_jest_marks_what_it_skips() -> None:
    log = b"""PASS src/a.test.js
  list
    \xe2\x9c\x93 keeps order (2 ms)
    \xe2\x9c\x93 skipped items are left out (1 ms)
    \xe2\x9c\x93 todo comes last
    \xe2\x97\x8b skipped is not run
    \xe2\x9c\x8e todo write more

Tests:       3 passed, 1 skipped, 1 todo, 5 total
"""
    task = Task(
        instance_id="task-1",
        repo="owner/name",
        base_commit="abc",
        fail_to_pass=("list > skipped items are left out", "list > todo comes last"),
        pass_to_pass=("list > keeps order", "list > is not run"),
        test_output_parser="javascript/parse_log_jest",
    )
    verdict = grade(task, log)
    assert {name: result.status for name, result in verdict.tests.items()} == {
        "list > keeps order": Status.PASSED,
        "list > skipped items are left out": Status.PASSED,
        "list > todo comes last": Status.PASSED,
        "list > is not run": Status.SKIPPED,
        "list > write more": Status.SKIPPED,
    }


@pytest.mark.parametrize(
    ("parser", "log"),
    [
        (
            "java/parse_log_maven",
            "[INFO] Running demo.BrokenTest\n"
            "[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 s <<< FAILURE!"
            " - in demo.BrokenTest\n"
            "[ERROR] demo.BrokenTest  Time elapsed: 0.1 s  <<< FAILURE!\n\n",
        ),
        ("java/parse_log_junit_console", "╷\n├─ JUnit Jupiter ✔\n│  └─ BrokenTest ✘ before all\n"),
    ],
)
def test_a_class_that_fails_before_its_tests_fails_them(parser: str, log: str) -> None:
    verdict = grade(task(("demo.BrokenTest.one",), ("demo.BrokenTest.two", "demo.Other.one"), parser), log.encode())

    assert [
        verdict.tests[name].status for name in ("demo.BrokenTest.one", "demo.BrokenTest.two", "demo.Other.one")
    ] == [
        Status.FAILED,
        Status.FAILED,
        Status.MISSING,
    ]


def test_a_go_test_that_failed_and_then_passed_when_it_ran_again_has_failed() -> None:
    log = (
        b"=== RUN   TestX\n--- FAIL: TestX (0.00s)\n=== RUN   TestX\n--- PASS: TestX (0.00s)\nFAIL\nFAIL\tx/a\t0.01s\n"
    )
    verdict = grade(task(("TestX",), parser="parse_log_gotest"), log)

    assert verdict.tests["TestX"].status is Status.FAILED
    assert "duplicate" in flag_ids(verdict)


def test_a_tap_title_may_end_in_an_opening_brace() -> None:
    log = b"TAP version 13\nok 1 a parses {\nnot ok 2 a parses }\n1..2\n"
    verdict = grade(task(("a parses {",), ("a parses }",), "javascript/parse_log_tap"), log)

    assert verdict.fail_to_pass.success == ("a parses {",)
    assert verdict.pass_to_pass.failure == ("a parses }",)


@pytest.mark.parametrize(("collected", "status"), [(3, Status.MISSING), (2, Status.PASSED)])
def test_a_pass_in_the_last_line_of_a_cut_log_may_yet_fail_in_its_tear_down(collected: int, status: Status) -> None:
    share = 200 // collected
    head = f"{'=' * 29} test session starts {'=' * 30}\ncollected {collected} items\n\n"
    log = f"{head}a.py::one PASSED [{share // 2:3}%]\na.py::two PASSED [{share:3}%]\n"

    verdict = grade(task(("a.py::one",), ("a.py::two",)), log.encode())

    assert verdict.tests["a.py::one"].status is Status.PASSED
    assert verdict.tests["a.py::two"].status is status
