"""The report files of an evaluated run, as every recipe makes them."""

from __future__ import annotations

import json
from typing import Any

from velora_tui.domain.report import Verdict
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade
from velora_tui.grading.report import EvaluationFacts, GradedRun, aggregate_report, instance_report

QUOTED_OUTPUT_LIMIT = 1_000_000  # bytes of the test output, of what the harness's JSON files repeat


def shown_verdict(task: Task, verdict: Verdict | None) -> Verdict:
    """Return what the files show; without a patch every listed test is missing, as in an empty log."""
    return verdict or grade(task, b"").model_copy(update={"reason": "there was no patch to evaluate"})


def report_files(task: Task, verdict: Verdict | None, facts: EvaluationFacts) -> list[tuple[str, bytes]]:
    """Return the paths in the output tree and the contents of both report.json."""
    name = task.instance_id
    aggregate = aggregate_report([GradedRun(name, facts.patch, verdict)])
    return [
        (f"eval_outputs/{name}/report.json", _json(instance_report(shown_verdict(task, verdict), facts))),
        ("eval_outputs/report.json", _json(aggregate)),
    ]


def in_words(verdict: Verdict | None) -> str:
    """Return a verdict in a line; None is a run without a patch."""
    if verdict is None:
        return "no patch"
    f2p, p2p = verdict.fail_to_pass.fraction, verdict.pass_to_pass.fraction
    words = f"{verdict.outcome.value}: F2P {f2p[0]}/{f2p[1]}, P2P {p2p[0]}/{p2p[1]}"
    return f"{words} ({verdict.reason})" if verdict.reason else words


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
