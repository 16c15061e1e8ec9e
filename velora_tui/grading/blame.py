"""Whose doing it is that a test output shows no test: the model's, which is a result, or not, which is none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from velora_tui.domain.failure import FailureClass
from velora_tui.domain.report import Flag, Verdict
from velora_tui.domain.result import EVALUATION_FAILED
from velora_tui.grading.diagnose import first_sign
from velora_tui.grading.log import LogLines
from velora_tui.grading.signatures import Source

NO_OUTPUT = "the evaluation left no test output"
END_LINES = 5_000
"""The last lines of a test output, in which the cause is looked for."""


def with_blame(verdict: Verdict, output: bytes | Iterable[bytes]) -> Verdict:
    """Return `verdict` with a flag where no test could be graded and `output` shows that the model is not to blame.

    What a patch broke is a valid result of its model (SYSTEM.md, "Known failures"), and so is what nobody can explain.
    A full disk, an image without a test runner, or an evaluation that printed nothing say nothing of the model.
    """
    fault = "" if verdict.gradeable else _fault(output)
    if not fault:
        return verdict
    return verdict.model_copy(update={"flags": (*verdict.flags, Flag(id=EVALUATION_FAILED, detail=fault))})


def _fault(output: bytes | Iterable[bytes]) -> str:
    lines = deque(((number, text) for number, _, text in LogLines(output) if text.strip()), END_LINES)
    if not lines:
        return NO_OUTPUT
    sign = first_sign(Source.TESTS, lines)
    if sign is None or sign[0].failure_class is FailureClass.AGENT:
        return ""
    return f"{sign[0].message}: {sign[2]}"
