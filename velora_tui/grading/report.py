"""The documents of a verdict: the harness's report files and what `velora grade --json` prints."""

from __future__ import annotations

from typing import Any

from velora_tui.domain.report import ListVerdict, Status, Verdict


def instance_report(instance_id: str, verdict: Verdict | None, *, patch: str, applied: bool) -> dict[str, Any]:
    """Return report.json of one task, in SWE-bench's form; `verdict` is None where nothing was evaluated."""
    f2p = verdict.fail_to_pass if verdict else ListVerdict()
    p2p = verdict.pass_to_pass if verdict else ListVerdict()
    return {
        instance_id: {
            "patch_is_None": not patch.strip(),
            "patch_exists": bool(patch.strip()),
            "patch_successfully_applied": applied,
            "resolved": bool(verdict and verdict.resolved),
            "tests_status": {
                "FAIL_TO_PASS": _listed(f2p),
                "PASS_TO_PASS": _listed(p2p),
                "FAIL_TO_FAIL": _listed(ListVerdict()),
                "PASS_TO_FAIL": _listed(ListVerdict()),
            },
        }
    }


def aggregate_report(instance_id: str, verdict: Verdict | None, *, patch: str) -> dict[str, Any]:
    """Return eval_outputs/report.json in OpenHands' form, for the one task of a run."""
    resolved = bool(verdict and verdict.resolved)
    error = bool(verdict and not verdict.gradeable)
    empty = not patch.strip()

    def ids(member: bool) -> list[str]:
        return [instance_id] if member else []

    return {
        "total_instances": 1,
        "submitted_instances": 1,
        "completed_instances": int(verdict is not None and not error),
        "resolved_instances": int(resolved),
        "unresolved_instances": int(verdict is not None and not error and not resolved),
        "empty_patch_instances": int(empty),
        "error_instances": int(error),
        "completed_ids": ids(verdict is not None and not error),
        "resolved_ids": ids(resolved),
        "unresolved_ids": ids(verdict is not None and not error and not resolved),
        "empty_patch_ids": ids(empty),
        "error_ids": ids(error),
        "submitted_ids": [instance_id],
        "schema_version": 2,
    }


def evaluation_details(
    instance_id: str, verdict: Verdict | None, *, test_output: str, applied: bool, timed_out: bool
) -> dict[str, Any]:
    """Return `pilot2_eval_details`, which the harness adds to output.jsonl."""
    f2p = verdict.fail_to_pass if verdict else ListVerdict()
    p2p = verdict.pass_to_pass if verdict else ListVerdict()
    return {
        "instance_id": instance_id,
        "resolved": bool(verdict and verdict.resolved),
        "failed_apply_patch": not applied,
        "failed_apply_test_patch": False,
        "error_eval": bool(verdict and not verdict.gradeable),
        "test_timeout": timed_out,
        "tests_passed": verdict.counts.passed if verdict else 0,
        "tests_failed": verdict.counts.failed if verdict else 0,
        "tests_error": verdict.counts.error if verdict else 0,
        "fail_to_pass_success": list(f2p.success),
        "fail_to_pass_failed": list(f2p.failure),
        "pass_to_pass_success": list(p2p.success),
        "pass_to_pass_failed": list(p2p.failure),
        "test_output": test_output,
        "error_message": (verdict.reason if verdict else None) or "",
    }


def grade_document(verdict: Verdict) -> dict[str, Any]:
    """Return what `velora grade --json` prints."""
    return {
        "instance_id": verdict.instance_id,
        "resolved": verdict.resolved,
        "tests_ran": verdict.gradeable,
        "tests": {name: test.status.value for name, test in verdict.tests.items() if test.status is not Status.MISSING},
        "FAIL_TO_PASS": _listed(verdict.fail_to_pass),
        "PASS_TO_PASS": _listed(verdict.pass_to_pass),
        "counts": verdict.counts.model_dump(),
        "parser": verdict.parser,
        "reason": verdict.reason,
        "flags": [flag.model_dump(exclude_none=True) for flag in verdict.flags],
    }


def _listed(verdict: ListVerdict) -> dict[str, list[str]]:
    return {"success": list(verdict.success), "failure": list(verdict.failure)}
