"""Each rule of the harness that flips a verdict is named."""

from __future__ import annotations

import pytest

from velora_tui.domain.result import Flip
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade
from velora_tui.grading.second_opinion import Claims, claims_of_details, claims_of_report, second_opinion

HEAD = "=========================== short test summary info ============================\n"


def opinion(
    *,
    f2p: dict[str, bool],
    p2p: dict[str, bool] | None = None,
    results: str,
    resolved: bool | None = None,
    parser: str = "python/parse_log_pytest_v3",
    command_not_found: bool = False,
) -> list[Flip]:
    """Return the flips of a log with these lines against what the harness claims of its listed tests."""
    task = Task.model_validate(
        {
            "instance_id": "shop-1",
            "repo": "acme/shop",
            "base_commit": "0123abcd",
            "FAIL_TO_PASS": list(f2p),
            "PASS_TO_PASS": list(p2p or {}),
            "test_output_parser": parser,
        }
    )
    verdict = grade(task, (HEAD + results + _tail(results)).encode())
    claimed = all([*f2p.values(), *(p2p or {}).values()])
    claims = Claims(claimed if resolved is None else resolved, f2p, p2p or {})
    return list(second_opinion(claims, verdict, command_not_found=command_not_found))


def _tail(results: str) -> str:
    counts = {status: results.count(f"{status.upper()} ") for status in ("failed", "passed", "skipped", "error")}
    words = ", ".join(f"{number} {status}" for status, number in counts.items() if number)
    return f"\n==================== {words or 'no tests ran'} in 0.01s ====================\n"


@pytest.mark.parametrize(
    ("f2p", "p2p", "results", "rule"),
    [
        ({"t.py::total_twice": True}, {}, "FAILED t.py::total_twice\nPASSED t.py::total", "substring-match"),
        ({"t.py::test_total": True}, {}, "PASSED t.py::test_total_counts_once", "substring-match"),
        ({"t.py::test_a": True}, {}, "PASSED t.py::other", "missing-assumed-passed"),
        ({"t.py::test_a": True}, {}, "SKIPPED t.py::test_a\nPASSED t.py::other", "skipped-counted"),
        ({"t.py::test_a[x y]": True}, {}, "FAILED t.py::test_a[x y]\nPASSED t.py::test_a[x z]", "cut-at-blank"),
        ({"t.py::test_a": True}, {}, "PASSED t.py::test_a\nERROR t.py::test_a - teardown", "read-differently"),
        ({"t.py::test_a": True}, {}, "FAILED t.py::test_a\nPASSED t.py::other", "read-differently"),
        ({"t.py::test_a": False}, {}, "PASSED t.py::test_a", "not-read"),
        ({"t.py::test_a_b": False}, {}, "PASSED t.py::test_a_b\nFAILED t.py::test_a", "substring-match"),
        ({"t.py::test_a": False}, {}, "XFAIL t.py::test_a", "xfail-refused"),
        ({"t.py::test_a[x": False}, {}, "PASSED t.py::test_a[x y]", "normalised:cut-in-brackets"),
    ],
)  # fmt: skip
def test_rules_of_tests(f2p: dict[str, bool], p2p: dict[str, bool], results: str, rule: str) -> None:
    run, *tests = opinion(f2p=f2p, p2p=p2p, results=results)

    assert (run.rule, run.test) == ("listed-tests", None)
    assert [flip.rule for flip in tests] == [rule]


@pytest.mark.parametrize(
    ("f2p", "results", "resolved", "missing_command", "rule"),
    [
        ({"t.py::test_a": True}, "no test at all", True, False, "no-tests-ran"),
        ({"t.py::test_a": False}, "no test at all", False, False, "no-tests-ran"),
        ({}, "PASSED t.py::test_b", True, False, "no-fail-to-pass"),
        ({"t.py::test_a": True}, "PASSED t.py::test_a", False, True, "command-not-found"),
        ({"t.py::test_a": True}, "PASSED t.py::test_a", False, False, "against-its-own-lists"),
        ({"t.py::test_a": False}, "FAILED t.py::test_a", True, False, "against-its-own-lists"),
    ],
)
def test_rules_of_the_run(f2p: dict[str, bool], results: str, resolved: bool, missing_command: bool, rule: str) -> None:
    run, *_ = opinion(f2p=f2p, results=results, resolved=resolved, command_not_found=missing_command)

    assert (run.test, run.rule, run.harness_passed) == (None, rule, resolved)


def test_of_two_tests_with_one_name_the_harness_took_the_better() -> None:
    packages = (
        "--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tshop/cart\t0.1s\n--- PASS: TestA (0.00s)\nPASS\nok  \tshop/till\t0.1s"
    )

    _, flip = opinion(f2p={"TestA": True}, results=packages, parser="go/parse_log_gotest")

    assert flip.rule == "duplicate"


def test_agreement_is_no_flip() -> None:
    assert (
        opinion(f2p={"t.py::test_a": True}, p2p={"t.py::b": True}, results="PASSED t.py::test_a\nPASSED t.py::b") == []
    )


def test_claims_are_read_from_both_kinds_of_files() -> None:
    details = {
        "resolved": False, "tests_passed": 2, "tests_failed": 1, "tests_error": 0,
        "fail_to_pass_success": [], "fail_to_pass_failed": ["a"],
        "pass_to_pass_success": ["b"], "pass_to_pass_failed": [],
    }  # fmt: skip
    report = {
        "resolved": False,
        "tests_status": {
            "FAIL_TO_PASS": {"success": [], "failure": ["a"]},
            "PASS_TO_PASS": {"success": ["b"], "failure": []},
        },
    }

    assert claims_of_details(details).verdict.model_copy(update={"tests": None}) == claims_of_report(report).verdict
    assert claims_of_report(report).verdict.f2p == (0, 1)


@pytest.mark.parametrize(
    "damaged", [{}, {"resolved": "yes"}, {"tests_status": []}, {"tests_status": {"FAIL_TO_PASS": 3}}]
)
def test_damaged_reports_claim_nothing(damaged: dict[str, object]) -> None:
    assert not claims_of_report(damaged).says_something
    assert not claims_of_details(damaged).says_something
