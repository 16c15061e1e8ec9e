"""The harness's report files, built from a verdict. Formats: SYSTEM.md, "The harness on an instance"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from velora_tui.domain.report import ListVerdict, Outcome, Verdict

SCHEMA_VERSION = 2  # of the aggregate report, as swebench numbers it


@dataclass(frozen=True)
class EvaluationFacts:
    """What the evaluation knows beyond the verdict."""

    patch: str = ""
    patch_applied: bool = True
    test_patch_applied: bool = True
    test_timeout: bool = False
    test_output: str = ""
    error_message: str = ""


@dataclass(frozen=True)
class GradedRun:
    """One line of the aggregate report; no verdict where there was nothing to evaluate."""

    instance_id: str
    patch: str
    verdict: Verdict | None


def instance_report(verdict: Verdict, facts: EvaluationFacts) -> dict[str, Any]:
    """Return eval_outputs/{instance_id}/report.json."""
    return {
        verdict.instance_id: {
            "patch_is_None": not facts.patch,
            "patch_exists": bool(facts.patch),
            "patch_successfully_applied": bool(facts.patch) and facts.patch_applied,
            "resolved": verdict.resolved,
            "tests_status": {
                "FAIL_TO_PASS": _lists(verdict.fail_to_pass),
                "PASS_TO_PASS": _lists(verdict.pass_to_pass),
                "FAIL_TO_FAIL": _lists(ListVerdict()),
                "PASS_TO_FAIL": _lists(ListVerdict()),
            },
        }
    }


def eval_details(verdict: Verdict, facts: EvaluationFacts) -> dict[str, Any]:
    """Return the `pilot2_eval_details` of eval_pilot2_output.jsonl."""
    return {
        "instance_id": verdict.instance_id,
        "resolved": verdict.resolved,
        "failed_apply_patch": not facts.patch_applied,
        "failed_apply_test_patch": not facts.test_patch_applied,
        "error_eval": not verdict.gradeable,
        "test_timeout": facts.test_timeout,
        "tests_passed": verdict.counts.passed,
        "tests_failed": verdict.counts.failed,
        "tests_error": verdict.counts.error,
        "fail_to_pass_success": list(verdict.fail_to_pass.success),
        "fail_to_pass_failed": list(verdict.fail_to_pass.failure),
        "pass_to_pass_success": list(verdict.pass_to_pass.success),
        "pass_to_pass_failed": list(verdict.pass_to_pass.failure),
        "test_output": facts.test_output,
        "error_message": facts.error_message or verdict.reason or "",
    }


def aggregate_report(runs: Iterable[GradedRun]) -> dict[str, Any]:
    """Return eval_outputs/report.json, the aggregate in the format of OpenHands and swebench."""
    runs = list(runs)
    empty = [run.instance_id for run in runs if not run.patch.strip()]
    judged = [(run.instance_id, run.verdict.outcome) for run in runs if run.verdict and run.patch.strip()]
    known = {*empty, *(instance_id for instance_id, _ in judged)}
    by_outcome = {outcome: sorted(name for name, seen in judged if seen is outcome) for outcome in Outcome}
    completed = sorted({*by_outcome[Outcome.RESOLVED], *by_outcome[Outcome.UNRESOLVED]})
    submitted = sorted({run.instance_id for run in runs})
    return {
        "total_instances": len(submitted),
        "submitted_instances": len(submitted),
        "completed_instances": len(completed),
        "resolved_instances": len(by_outcome[Outcome.RESOLVED]),
        "unresolved_instances": len(by_outcome[Outcome.UNRESOLVED]),
        "empty_patch_instances": len(empty),
        "error_instances": len(by_outcome[Outcome.EVAL_ERROR]),
        "completed_ids": completed,
        "incomplete_ids": [name for name in submitted if name not in known],
        "empty_patch_ids": sorted(empty),
        "submitted_ids": submitted,
        "resolved_ids": by_outcome[Outcome.RESOLVED],
        "unresolved_ids": by_outcome[Outcome.UNRESOLVED],
        "error_ids": by_outcome[Outcome.EVAL_ERROR],
        "schema_version": SCHEMA_VERSION,
    }


def grade_document(verdict: Verdict) -> dict[str, Any]:
    """Return what `velora grade --json` prints (DESIGN.md, "Commands"), with the reasons behind it."""
    return {
        "instance_id": verdict.instance_id,
        "resolved": verdict.resolved,
        "tests_ran": verdict.gradeable,
        "tests": {name: str(result.status) for name, result in verdict.tests.items()},
        "FAIL_TO_PASS": _lists(verdict.fail_to_pass),
        "PASS_TO_PASS": _lists(verdict.pass_to_pass),
        "counts": verdict.counts.model_dump(),
        "outcome": str(verdict.outcome),
        "parser": verdict.parser,
        "reason": verdict.reason,
        "flags": [flag.model_dump() for flag in verdict.flags],
        "evidence": {
            name: result.evidence.model_dump() for name, result in verdict.tests.items() if result.evidence is not None
        },
    }


def _lists(verdict: ListVerdict) -> dict[str, list[str]]:
    return {"success": list(verdict.success), "failure": list(verdict.failure)}
