"""The harness's documents and the operators' quality list."""

from __future__ import annotations

from velora_tui.domain.report import Counts, Verdict
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade
from velora_tui.grading.judge import RunFacts, judge
from velora_tui.grading.report import (
    EvaluationFacts,
    GradedRun,
    aggregate_report,
    eval_details,
    grade_document,
    instance_report,
)

LOG = b"""\
============================= test session starts ==============================
a.py::fixed PASSED [ 33%]
a.py::kept PASSED [ 66%]
a.py::broken FAILED [100%]
=========================== short test summary info ============================
FAILED a.py::broken - no
========================= 1 failed, 2 passed in 0.10s ==========================
"""


def verdict(
    instance_id: str = "t-1", p2p: tuple[str, ...] = ("a.py::kept", "a.py::broken"), log: bytes = LOG
) -> Verdict:
    task = Task(instance_id=instance_id, repo="o/n", base_commit="c", fail_to_pass=("a.py::fixed",), pass_to_pass=p2p)
    return grade(task, log)


def test_the_instance_report_has_the_harness_s_shape() -> None:
    report = instance_report(verdict(), EvaluationFacts(patch="diff"))

    assert report == {
        "t-1": {
            "patch_is_None": False,
            "patch_exists": True,
            "patch_successfully_applied": True,
            "resolved": False,
            "tests_status": {
                "FAIL_TO_PASS": {"success": ["a.py::fixed"], "failure": []},
                "PASS_TO_PASS": {"success": ["a.py::kept"], "failure": ["a.py::broken"]},
                "FAIL_TO_FAIL": {"success": [], "failure": []},
                "PASS_TO_FAIL": {"success": [], "failure": []},
            },
        }
    }


def test_a_patch_that_did_not_apply_is_reported_so() -> None:
    facts = EvaluationFacts(patch="diff", patch_applied=False)

    assert instance_report(verdict(), facts)["t-1"]["patch_successfully_applied"] is False
    assert eval_details(verdict(), facts)["failed_apply_patch"] is True


def test_the_details_count_what_the_log_shows() -> None:
    details = eval_details(verdict(), EvaluationFacts(patch="diff", test_output="the log"))

    assert (details["tests_passed"], details["tests_failed"], details["tests_error"]) == (2, 1, 0)
    assert details["pass_to_pass_failed"] == ["a.py::broken"]
    assert details["error_eval"] is False
    assert details["test_output"] == "the log"


def test_a_log_without_tests_is_an_evaluation_error() -> None:
    details = eval_details(verdict(log=b"Killed\n"), EvaluationFacts(patch="diff"))

    assert details["error_eval"] is True
    assert details["error_message"]


def test_the_aggregate_puts_each_instance_in_one_place() -> None:
    report = aggregate_report(
        [
            GradedRun("good", "diff", verdict("good", ("a.py::kept",))),
            GradedRun("bad", "diff", verdict("bad")),
            GradedRun("dead", "diff", verdict("dead", log=b"")),
            GradedRun("empty", " \n", None),
            GradedRun("lost", "diff", None),
        ]
    )

    assert report["resolved_ids"] == ["good"]
    assert report["unresolved_ids"] == ["bad"]
    assert report["error_ids"] == ["dead"]
    assert report["empty_patch_ids"] == ["empty"]
    assert report["incomplete_ids"] == ["lost"]
    assert report["completed_instances"] == 2
    assert report["total_instances"] == 5


def test_the_grade_document_gives_every_test_its_status() -> None:
    document = grade_document(verdict(p2p=("a.py::absent",)))

    assert document["tests_ran"] is True
    assert document["tests"] == {
        "a.py::fixed": "PASSED",
        "a.py::kept": "PASSED",
        "a.py::broken": "FAILED",
        "a.py::absent": "MISSING",
    }
    assert document["FAIL_TO_PASS"] == {"success": ["a.py::fixed"], "failure": []}
    assert document["counts"] == {"passed": 2, "failed": 1, "error": 0, "skipped": 0}
    assert document["evidence"]["a.py::fixed"]["line"] == 2


def test_a_good_run_passes_every_check() -> None:
    facts = RunFacts(
        patch_bytes=68_370,
        history_entries=80,
        counts=Counts(passed=101, failed=3, error=21),
        test_output_bytes=9_000,
        fail_to_pass=3,
        pass_to_pass=99,
    )

    assert {check.id for check in judge(facts) if not check.ok} == set()


def test_each_shortcoming_is_a_line_of_its_own() -> None:
    facts = RunFacts(patch_bytes=99, history_entries=3, error="AgentStuck", critical_error="the container died")

    failed = {check.id: check for check in judge(facts) if not check.ok}

    assert len(failed) == len(judge(facts))
    assert "AgentStuck" in failed["no-agent-error"].detail
    assert failed["patch-valid"].level == "required"
    assert failed["patch-size"].level == "advisory"
