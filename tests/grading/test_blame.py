"""No test could be graded: a result of the model, or none."""

from __future__ import annotations

import pytest

from tests.grading.test_grade import summary, task
from velora_tui.domain.result import EVALUATION_FAILED, why_void
from velora_tui.grading.blame import with_blame
from velora_tui.grading.grade import grade

MODELS_DOING = (
    b"ImportError while loading conftest '/app/repo/tests/conftest.py'.\n",
    b"E   ModuleNotFoundError: No module named 'shop'\n",
    b"error: could not compile `shop` (lib) due to 1 previous error\n",
    b"src/app.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.\n",
    b'  File "/app/repo/shop.py", line 3\nSyntaxError: invalid syntax\n',
    b"Segmentation fault (core dumped)\n",
    b"something that nobody knows\n",
)
OTHERS_DOING = (
    (b"", "the evaluation left no test output"),
    (b" \n\x1b[0m\n", "the evaluation left no test output"),
    (b"bash: line 1: cd: /app/repo: No such file or directory\n", "no repository at /app/repo"),
    (b"bash: line 3: pytest: command not found\n", "the program that runs the tests is not there"),
    (b"cp: No space left on device\r\n", "the disk was full"),
    (b"run.sh: line 4:   812 Killed                  pytest -rA\n", "lack of memory"),
    (b"pytest: error: unrecognized arguments: -n\n", "what the runner does not know"),
)


def reason(log: bytes) -> str:
    return why_void(with_blame(grade(task(("a.py::one",)), log), [log[:7], log[7:]]).flags)


@pytest.mark.parametrize("log", MODELS_DOING)
def test_what_a_patch_may_have_broken_is_a_result_of_the_model(log: bytes) -> None:
    assert reason(log) == ""


@pytest.mark.parametrize(("log", "why"), OTHERS_DOING)
def test_what_no_patch_can_break_is_no_result(log: bytes, why: str) -> None:
    assert why in reason(log)


def test_a_graded_log_is_nobodys_fault() -> None:
    verdict = grade(task(("a.py::one",)), b"cp: No space left on device\n" + summary("FAILED a.py::one"))

    assert EVALUATION_FAILED not in {flag.id for flag in with_blame(verdict, b"").flags}
